// One key's story: who owns it, how it stands, what it waits for, what it got since somebody looks.

import { type ReactNode, useState } from 'react';
import type { Declared, Story } from '../api.ts';
import { isStory } from './answer-check.ts';
import { jobPath, usePolled } from './connection.ts';
import { inert } from '../../runtime/base/inert.ts';
import { pretty, time } from './format.ts';
import { Pair } from './stage-panel.tsx';
import { StatechartDrawing } from './statechart-drawing.tsx';
import { TraceLink } from './trace-link.tsx';
import type { ViewProps } from './views.ts';
import { Empty } from './machines-view.tsx';

const AGAIN_MS = 1_000;
const KEYED = [
  'machine',
  'xstate',
  'reduce',
  'aggregate',
  'window',
  'join',
  'windowJoin',
  'temporalJoin',
  'tableJoin',
  'dedupe',
  'pattern',
  'order',
];

export function KeyView({ declared, query, go }: ViewProps): ReactNode {
  const nodes = keyedNodes(declared);
  const asked = new URLSearchParams(query);
  const [node, setNode] = useState(asked.get('node') ?? nodes[0] ?? '');
  const [key, setKey] = useState(asked.get('key') ?? '');
  const isAsked = asked.get('key') !== null && asked.get('node') !== null;
  const { value, problem } = usePolled(isAsked ? `${jobPath(declared.ref)}/story?${query}` : null, isStory, AGAIN_MS);
  if (nodes.length === 0) return <Empty text="This job keeps nothing by key." />;
  return (
    <section aria-label="One key" className="key">
      <div className="bar">
        <h2>One key</h2>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            go('key', new URLSearchParams({ node, key }).toString());
          }}
        >
          <select aria-label="Transform" value={node} onChange={(event) => setNode(event.target.value)}>
            {nodes.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
          <input aria-label="Key" placeholder="key" value={key} maxLength={1_024} onChange={(event) => setKey(event.target.value)} />
          <button type="submit">Look</button>
        </form>
      </div>
      {problem !== null && <p className="note bad">{problem}</p>}
      {value === null ? (
        isAsked ? (
          <Empty text="Asking its owner …" />
        ) : (
          <Empty text='Name a key, as it comes in events: N14228, 42 or {"a":1}.' />
        )
      ) : null}
      {value?.kind === 'nobody' && <Empty text={value.message} />}
      {value?.kind === 'told' && <Told story={value} declared={declared} node={asked.get('node') ?? ''} />}
    </section>
  );
}

function keyedNodes({ stages }: Declared): readonly string[] {
  return stages
    .flatMap(({ nodes }) => nodes.filter(({ kind }) => KEYED.includes(kind)).map(({ id }) => id))
    .sort((a, b) => rank(a, stages) - rank(b, stages));
}

/** Machines first: they have the most to tell. */
function rank(node: string, stages: Declared['stages']): number {
  const kind = stages.flatMap(({ nodes }) => nodes).find(({ id }) => id === node)?.kind ?? '';
  return KEYED.indexOf(kind);
}

type ToldStory = Extract<Story, { kind: 'told' }>;

function Told({ story, declared, node }: { readonly story: ToldStory; readonly declared: Declared; readonly node: string }): ReactNode {
  const { answer, partition, state } = story;
  const chart = declared.charts.find((one) => one.node === node);
  const { contributors = [] } = answer;
  const isEmpty = answer.cells.length === 0 && answer.timers.length === 0;
  return (
    <div className="story">
      <dl className="pairs wide">
        <Pair name="owner" value={answer.worker} />
        <Pair name="partition" value={String(partition)} />
        <Pair name="epoch" value={String(answer.epoch)} />
        <Pair name="watermark" value={answer.watermarkMs === Number.MAX_SAFE_INTEGER ? 'ended' : time(answer.watermarkMs)} />
        {state !== null && <Pair name="state" value={state.join(' › ')} />}
      </dl>
      {isEmpty && <p className="quiet">Nothing is kept of this key now: it has not come yet, or it is over.</p>}
      {chart !== undefined && <StatechartDrawing chart={chart} live={null} lit={state ?? []} />}
      <div className="columns">
        <article className="card">
          <h3>State</h3>
          {answer.cells.length === 0 && <p className="quiet">none</p>}
          {answer.cells.map(({ namespace, value }) => (
            <div key={namespace}>
              {answer.cells.length > 1 && <p className="quiet">{spaceName(namespace)}</p>}
              <pre data-figure="state-text" tabIndex={0}>
                {inert(value.isCut ? `${value.text}…` : pretty(value.text))}
              </pre>
            </div>
          ))}
        </article>
        <article className="card">
          <h3>Timers</h3>
          {answer.timers.length === 0 && <p className="quiet">none</p>}
          <ul className="plain">
            {answer.timers.map(({ id, atMs, value, traceId = null }) => (
              <li key={id}>
                <b className="moment">{time(atMs)}</b> {inert(id)} <code>{inert(value.text)}</code>{' '}
                <TraceLink declared={declared} traceId={traceId} />
              </li>
            ))}
          </ul>
        </article>
        <article className="card">
          <h3>Since you look</h3>
          {answer.recent.length === 0 && <p className="quiet">nothing has come yet</p>}
          <ul className="plain">
            {answer.recent.toReversed().map(({ kind, timeMs, value, traceId = null }, at) => (
              <li key={answer.recent.length - at}>
                <b className="moment">{time(timeMs)}</b> {kind === 'timer' ? 'timer ' : ''}
                <code>{inert(value.text)}</code> <TraceLink declared={declared} traceId={traceId} />
              </li>
            ))}
          </ul>
        </article>
        {contributors.length > 0 && (
          <article className="card">
            <h3>Traced events in it</h3>
            <ul className="plain">
              {contributors.toReversed().map(({ timeMs, traceId = null }, at) => (
                <li key={contributors.length - at}>
                  <b className="moment">{time(timeMs)}</b> <TraceLink declared={declared} traceId={traceId} />
                </li>
              ))}
            </ul>
          </article>
        )}
      </div>
    </div>
  );
}

/** Windows keep a cell by the time that it begins. */
function spaceName(namespace: number): string {
  return namespace > 1e11 ? `from ${time(namespace)}` : `cell ${namespace}`;
}
