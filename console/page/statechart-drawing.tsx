// A statechart: states inside states, transitions between them; what stays in a state is listed inside its box.

import { type ReactNode, useMemo } from 'react';
import type { NodeProps } from '@xyflow/react';
import type { Chart, ChartState, ChartTransition, LiveMachine } from '../api.ts';
import { type Box, boxAt, Drawing, lineAt } from './drawing.tsx';
import { narrow } from './narrow.ts';
import { inert } from '../../runtime/base/inert.ts';
import { count, rate } from './format.ts';
import { layOut } from './layout.ts';

const kinds = { state: StateBox, holder: HolderBox };
const ROW = 19;
const WIDTH = 178;
const LABEL = 9;

type Taken = { readonly count: number; readonly perS: number };
type StateData = {
  readonly state: ChartState;
  readonly actors: number | null;
  readonly share: number;
  readonly isLit: boolean;
  readonly stays: readonly { readonly transition: ChartTransition; readonly taken: Taken | undefined }[];
};

export function StatechartDrawing({
  chart,
  live,
  lit,
}: {
  readonly chart: Chart;
  readonly live: LiveMachine | null;
  readonly lit: readonly string[] | null;
}): ReactNode {
  const drawn = useMemo(() => place(chart), [chart]);
  const taken = new Map((live?.taken ?? []).map(({ id, count: times, perS }) => [id, { count: times, perS }]));
  const most = Math.max(1, ...Object.values(live?.actors ?? {}));
  const rateMax = Math.max(0.1, ...[...taken.values()].map(({ perS }) => perS));
  const boxes = chart.states.map((state): Box => {
    const actors = live === null ? null : (live.actors[state.path] ?? 0);
    const stays = staysOf(chart, state.path).map((transition) => ({ transition, taken: taken.get(transition.id) }));
    const data: StateData = { state, actors, share: (actors ?? 0) / most, isLit: lit?.includes(state.path) === true, stays };
    const type = drawn.holders.has(state.path) ? 'holder' : 'state';
    return boxAt(state.path, type, drawn.placed, data, { zIndex: type === 'holder' ? -1 : 1, focusable: false });
  });
  const lines = drawn.moves.map((transition) => {
    const now = taken.get(transition.id);
    const content = (
      <span className="transition" title={transition.guards.join('\n')} data-transition={transition.id}>
        {inert(transition.event)}
        {transition.guards.length > 0 && <i> [{inert(shortGuard(transition.guards))}]</i>}
        {now !== undefined && <b> {now.perS > 0 ? rate(now.perS) : `×${count(now.count)}`}</b>}
      </span>
    );
    return lineAt(String(transition.id), transition, drawn.placed, { content, weight: (now?.perS ?? 0) / rateMax });
  });
  return <Drawing name={`Statechart of ${chart.node}`} boxes={boxes} lines={lines} kinds={kinds} fitKey={chart.node} />;
}

function staysOf({ transitions }: Chart, path: string): readonly ChartTransition[] {
  return transitions.filter(({ from, to }) => from === path && to === path);
}

function place(chart: Chart) {
  const holders = new Set(chart.states.flatMap(({ parent }) => (parent === null ? [] : [parent])));
  const moves = chart.transitions.filter(({ from, to }) => from !== to && from !== '' && to !== '');
  const boxes = chart.states.map(({ path, parent, isInitial }) => ({
    id: path,
    parent,
    isFirst: isInitial,
    width: WIDTH,
    height: 50 + ROW * staysOf(chart, path).length,
  }));
  const lines = moves.map((transition) => ({
    id: String(transition.id),
    from: transition.from,
    to: transition.to,
    label: { width: 24 + labelLength(transition) * 6.4, height: LABEL * 2 },
  }));
  return { holders, moves, placed: layOut(boxes, lines, { direction: narrow.matches ? 'TB' : 'LR', between: 30, along: 30 }) };
}

function labelLength({ event, guards }: ChartTransition): number {
  return event.length + (guards.length === 0 ? 0 : shortGuard(guards).length + 3) + 7;
}

const GUARD_CHARACTERS = 22;

function shortGuard(guards: readonly string[]): string {
  const [first = ''] = guards;
  const text = first.replaceAll(/\s+/g, ' ');
  const cut = text.length > GUARD_CHARACTERS ? `${text.slice(0, GUARD_CHARACTERS)}…` : text;
  return guards.length > 1 ? `${cut} +${guards.length - 1}` : cut;
}

function StateBox({ data }: NodeProps): ReactNode {
  const { state, actors, share, isLit, stays } = data as StateData;
  return (
    <div className={`state ${state.type} ${isLit ? 'lit' : ''}`} data-state={state.path}>
      <span className="share" style={{ width: `${Math.round(share * 100)}%` }} aria-hidden="true" />
      <p className="name">
        {state.isInitial && (
          <span className="initial" title="initial state">
            ●
          </span>
        )}
        {state.type === 'history' ? `${state.name} (history)` : state.name}
        {isLit && <em>here</em>}
        {actors !== null && state.type !== 'history' && <b data-figure="actors">{count(actors)}</b>}
      </p>
      {stays.map(({ transition, taken }) => (
        <p className="stay" key={transition.id} title={transition.guards.join('\n')} data-transition={transition.id}>
          ↻ {inert(transition.event)}
          {transition.guards.length > 0 && <i> [{transition.guards.length}]</i>}
          {taken !== undefined && <b>{taken.perS > 0 ? rate(taken.perS) : `×${count(taken.count)}`}</b>}
        </p>
      ))}
    </div>
  );
}

function HolderBox({ data }: NodeProps): ReactNode {
  const { state, actors, isLit } = data as StateData;
  return (
    <div className={`holder ${state.type} ${isLit ? 'lit' : ''}`} data-state={state.path}>
      <p className="name">
        {state.isInitial && <span className="initial">●</span>}
        {state.name}
        {actors !== null && <b data-figure="actors">{count(actors)}</b>}
      </p>
    </div>
  );
}
