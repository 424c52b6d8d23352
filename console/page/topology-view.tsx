// The topology: stages and the ways between them, with what flows, waits, and how far event time has come.

import { type ReactNode, useMemo, useState } from 'react';
import type { NodeProps } from '@xyflow/react';
import type { DeclaredStage, Live, LiveStage } from '../api.ts';
import { collapse, heatOf, opening, rateOf, type Shown, type ShownEdge } from './collapse.ts';
import { type Box, boxAt, Drawing, lineAt } from './drawing.tsx';
import { count, loadText, rate, short, time } from './format.ts';
import { layOut } from './layout.ts';
import { loopLabelSize, loopsOf, loopText, loopTexts } from './loops.ts';
import { narrow } from './narrow.ts';
import { StagePanel } from './stage-panel.tsx';
import type { ViewProps } from './views.ts';

const BOX = { width: 208, height: 96 };
/** Between boxes, and between a box and the label of its loop. */
const GAP = 20;
const EDGE = 6;
const kinds = { stage: StageBox, group: GroupBox };

export function TopologyView({ declared, live, history, query, go }: ViewProps): ReactNode {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [showsDead, setShowsDead] = useState(false);
  const [form, setForm] = useState<'drawing' | 'table'>(narrow.matches ? 'table' : 'drawing');
  const stages = useMemo(() => declared.stages.filter(({ isDeadLetters }) => showsDead || !isDeadLetters), [declared, showsDead]);
  const chosen = declared.stages.find(({ id }) => id === query) ?? null;
  return (
    <section className="topology" aria-label="Topology">
      <div className="bar">
        <h2>Topology</h2>
        <span className="choice" role="group" aria-label="Form">
          <button type="button" aria-pressed={form === 'drawing'} onClick={() => setForm('drawing')}>
            Drawing
          </button>
          <button type="button" aria-pressed={form === 'table'} onClick={() => setForm('table')}>
            Table
          </button>
        </span>
        <label className="check">
          <input type="checkbox" checked={showsDead} onChange={(event) => setShowsDead(event.target.checked)} /> dead letters’ sinks
        </label>
        {opened.size > 0 && (
          <button type="button" onClick={() => setOpened(new Set())}>
            Collapse all
          </button>
        )}
      </div>
      <div className={chosen === null ? 'split' : 'split chosen'}>
        {form === 'table' ? (
          <StageTable {...{ declared, live, stages, chosen: query }} onChosen={(id) => go('topology', id)} />
        ) : (
          <Stages
            {...{ declared, live, stages, opened, chosen: query }}
            onChosen={(id) => (id.startsWith('group ') ? setOpened(opening(id, opened, stages, declared.edges)) : go('topology', id))}
          />
        )}
        {chosen !== null && (
          <StagePanel stage={chosen} declared={declared} live={live} history={history} onClose={() => go('topology', '')} />
        )}
      </div>
    </section>
  );
}

type StagesProps = Pick<ViewProps, 'declared' | 'live'> & {
  readonly stages: readonly DeclaredStage[];
  readonly opened: ReadonlySet<string>;
  readonly chosen: string;
  readonly onChosen: (id: string) => void;
};

function Stages({ declared, live, stages, opened, chosen, onChosen }: StagesProps): ReactNode {
  const drawn = useMemo(() => {
    const { shown, edges } = collapse(stages, declared.edges, opened);
    const placed = layOut(
      shown.map(({ id }) => ({ id, ...BOX })),
      edges.map((edge) => ({ ...edge, label: isLoop(edge) ? loopLabelSize(edge.labels) : { width: 64, height: 18 } })),
      { direction: narrow.matches ? 'TB' : 'LR', between: GAP, along: 44 },
    );
    return { shown, edges, placed };
  }, [declared, stages, opened]);
  const byId = new Map(live.stages.map((stage) => [stage.id, stage]));
  const loops = loopTexts(declared.edges, live);
  const rateMax = Math.max(1, ...drawn.edges.map((edge) => rateOf(edge, live)));
  const boxes = drawn.shown.map((one): Box => {
    const data = { shown: one, live: one.kind === 'stage' ? (byId.get(one.id) ?? null) : groupLive(one, byId) };
    return boxAt(one.id, one.kind, drawn.placed, data, {
      selected: one.id === chosen,
      ariaLabel: labelOf(one, data.live, loops.get(one.id)),
    });
  });
  const lines = drawn.edges.map((edge) => {
    const perS = rateOf(edge, live);
    const content = (
      <span data-edge={edge.id} title={edge.labels.slice(0, 12).join('\n')}>
        {isLoop(edge) ? <LoopRows edge={edge} live={live} /> : rate(perS)}
      </span>
    );
    return lineAt(edge.id, edge, drawn.placed, { content, weight: perS / rateMax });
  });
  return (
    <Drawing
      name="Stages"
      boxes={boxes}
      lines={lines}
      kinds={kinds}
      onChosen={onChosen}
      fitKey={drawn.shown.map(({ id }) => id).join('|')}
      room={roomFor(drawn.edges)}
    />
  );
}

/** A row for what goes round by `feedback`, and one for what actors send each other. */
function LoopRows({ edge, live }: { readonly edge: ShownEdge; readonly live: Live }): ReactNode {
  const edges = edge.indices.map((index, at) => ({ index, label: edge.labels[at] ?? '' }));
  return loopsOf(edges, live).map((loop) => (
    <span className="loop-row" key={loop.label}>
      ↻ {loopText(loop)}
    </span>
  ));
}

/** Of the labels of loops: below stages that stand beside each other, beside stages that stand below each other. */
function roomFor(edges: readonly ShownEdge[]): { readonly right: number; readonly bottom: number } {
  const sizes = edges.filter(isLoop).map(({ labels }) => loopLabelSize(labels));
  return {
    right: narrow.matches ? Math.max(0, ...sizes.map(({ width }) => width + GAP + EDGE)) : 0,
    bottom: narrow.matches ? 0 : Math.max(0, ...sizes.map(({ height }) => height + GAP + EDGE)),
  };
}

function isLoop({ from, to }: ShownEdge): boolean {
  return from === to;
}

function labelOf(shown: Shown, live: LiveStage | null, loop: string | undefined): string {
  const what = shown.kind === 'stage' ? `${shown.stage.kind} ${shown.id}` : `${shown.stages.length} stages, to be opened`;
  if (live === null) return what;
  const waits = live.lagEvents === null ? '' : `, ${count(live.lagEvents)} waiting`; // not known is not nought
  const figures = `${what}: ${rate(live.eventsInPerS)}${waits}`;
  return loop === undefined ? figures : `${figures}, to itself ${loop}`;
}

/** Of a group: sums, and the watermark that is behind. */
function groupLive(group: Shown & { kind: 'group' }, byId: ReadonlyMap<string, LiveStage>): LiveStage | null {
  const members = group.stages.flatMap(({ id }) => byId.get(id) ?? []);
  const [first] = members;
  if (first === undefined) return null;
  const sum = (of: (stage: LiveStage) => number): number => members.reduce((total, stage) => total + of(stage), 0);
  const watermarks = members.map(({ watermarkMs }) => watermarkMs).filter((ms) => ms !== null);
  return {
    ...first,
    eventsInPerS: sum(({ eventsInPerS }) => eventsInPerS),
    eventsIn: sum(({ eventsIn }) => eventsIn),
    lagEvents: sum(({ lagEvents }) => lagEvents ?? 0),
    deadLetters: sum(({ deadLetters }) => deadLetters),
    watermarkMs: watermarks.length === 0 ? null : Math.min(...watermarks),
    isEnded: members.every(({ isEnded }) => isEnded),
    isDone: members.every(({ isDone }) => isDone),
  };
}

type BoxData = { readonly shown: Shown; readonly live: LiveStage | null };

function StageBox({ data, selected }: NodeProps): ReactNode {
  const { shown, live } = data as BoxData;
  if (shown.kind !== 'stage') return null;
  const { stage } = shown;
  return (
    <div className={`stage ${stage.kind} heat-${heat(live)} ${selected ? 'selected' : ''}`} data-stage={stage.id}>
      <p className="name">
        <span className="kind" aria-hidden="true">
          {stage.kind === 'source' ? '▷' : stage.kind === 'sink' ? '◁' : '◇'}
        </span>
        {stage.id}
        <span className="partitions" title="partitions">
          {stage.partitionCount > 1 ? `×${stage.partitionCount}` : ''}
        </span>
        <PoolBadge pools={[stage.pool]} />
      </p>
      <p className="about">{stage.about ?? stage.nodes.map(({ kind }) => kind).join(' › ')}</p>
      <BoxFigures live={live} />
      <Load live={live} />
    </div>
  );
}

function GroupBox({ data }: NodeProps): ReactNode {
  const { shown, live } = data as BoxData;
  if (shown.kind !== 'group') return null;
  return (
    <div className={`stage group heat-${heat(live)}`} data-group={shown.id}>
      <p className="name">
        <span className="kind" aria-hidden="true">
          ▤
        </span>
        {shown.stages.length} {shown.stages[0]?.kind} stages
        <PoolBadge pools={shown.stages.map(({ pool }) => pool)} />
      </p>
      <p className="about">
        {shown.stages
          .slice(0, 3)
          .map(({ id }) => id)
          .join(', ')}{' '}
        …
      </p>
      <BoxFigures live={live} />
    </div>
  );
}

/** Of a group of several pools, how many; servers that are older tell of none. */
function PoolBadge({ pools }: { readonly pools: readonly (string | null | undefined)[] }): ReactNode {
  const names = [...new Set(pools.filter((pool) => typeof pool === 'string'))];
  if (names.length === 0) return null;
  return (
    <span className="badge" title={`pool of workers: ${names.join(', ')}`} data-pool-of={names.join(' ')}>
      {names.length === 1 ? names[0] : `${names.length} pools`}
    </span>
  );
}

function BoxFigures({ live }: { readonly live: LiveStage | null }): ReactNode {
  if (live === null) return <p className="flow">no report yet</p>;
  return (
    <p className="flow">
      <b data-figure="rate">{live.isDone ? '✓ done' : rate(live.eventsInPerS)}</b>
      <span data-figure="in" title="events taken in">
        {short(live.eventsIn)}
      </span>
      {(live.lagEvents ?? 0) > 0 && (
        <span className="lag" title="events that wait">
          {short(live.lagEvents ?? 0)} wait
        </span>
      )}
      {live.deadLetters > 0 && (
        <span className="dead" title="dead letters">
          {short(live.deadLetters)} dead
        </span>
      )}
      <span className="mark-time" title="watermark: event time up to which all has come">
        {live.isEnded ? 'input ended' : live.watermarkMs === null ? 'no watermark yet' : time(live.watermarkMs).slice(0, 16)}
      </span>
    </p>
  );
}

/** Busy, blocked, idle: how the time of its partitions goes. */
function Load({ live }: { readonly live: LiveStage | null }): ReactNode {
  if (live === null || live.load === null || live.isDone) return null;
  const { busy, blocked } = live.load;
  return (
    <span className="load" title={loadText(live.load)}>
      <span className="busy" style={{ width: `${busy * 100}%` }} />
      <span className="blocked" style={{ width: `${blocked * 100}%` }} />
    </span>
  );
}

function heat(live: LiveStage | null): string {
  return live === null ? 'none' : heatOf(live.lagEvents, live.eventsInPerS);
}

function StageTable({ declared, live, stages, chosen, onChosen }: Omit<StagesProps, 'opened'>): ReactNode {
  const byId = new Map(live.stages.map((stage) => [stage.id, stage]));
  const loops = loopTexts(declared.edges, live);
  const hasPools = stages.some(({ pool }) => typeof pool === 'string');
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Stages">
      <table>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            {hasPools && <th scope="col">Pool</th>}
            <th scope="col" className="number">
              Rate
            </th>
            <th scope="col" className="number wide-only">
              Events in
            </th>
            <th scope="col" className="number">
              Waiting
            </th>
            <th scope="col">Watermark</th>
          </tr>
        </thead>
        <tbody>
          {stages.map((stage) => {
            const now = byId.get(stage.id) ?? null;
            return (
              <tr key={stage.id} className={`heat-${heat(now)}`} aria-selected={stage.id === chosen}>
                <th scope="row">
                  <button type="button" className="link" onClick={() => onChosen(stage.id)}>
                    {stage.id}
                  </button>
                  {loops.has(stage.id) && (
                    <span className="loop" data-loop={stage.id}>
                      <span aria-hidden="true">↻</span> to itself: {loops.get(stage.id)}
                    </span>
                  )}
                </th>
                {hasPools && <td className="quiet">{stage.pool}</td>}
                <td className="number">{now === null ? '–' : now.isDone ? 'done' : rate(now.eventsInPerS)}</td>
                <td className="number wide-only">{now === null ? '–' : count(now.eventsIn)}</td>
                <td className="number">{now?.lagEvents === null || now === null ? '–' : count(now.lagEvents)}</td>
                <td className="moment">{now === null ? '–' : now.isEnded ? 'ended' : time(now.watermarkMs).slice(0, 16)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
