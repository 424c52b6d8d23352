// What happened to the job, newest first.

import { type ReactNode, useState } from 'react';
import type { TimelineKind } from '../api.ts';
import { inert } from '../../runtime/base/inert.ts';
import { count, moment, time } from './format.ts';
import { Empty } from './machines-view.tsx';
import { PoolCards } from './pools.tsx';
import type { ViewProps } from './views.ts';

const TITLES: Readonly<Record<TimelineKind, string>> = {
  start: 'begin',
  worker: 'worker',
  moved: 'moved',
  scaling: 'scaling',
  upgrade: 'upgrade',
  failure: 'failure',
  note: 'note',
  end: 'end',
};

export function TimelineView({ live }: ViewProps): ReactNode {
  const [kind, setKind] = useState<TimelineKind | 'all'>('all');
  const kinds = [...new Set(live.timeline.map((entry) => entry.kind))];
  const shown = live.timeline.filter((entry) => kind === 'all' || entry.kind === kind);
  return (
    <section aria-label="Timeline">
      <div className="bar">
        <h2>Timeline</h2>
        <select aria-label="Kind" value={kind} onChange={(event) => setKind(event.target.value as TimelineKind | 'all')}>
          <option value="all">everything</option>
          {kinds.map((one) => (
            <option key={one} value={one}>
              {TITLES[one]}
            </option>
          ))}
        </select>
        <p className="quiet">
          {count(shown.length)} {shown.length === 1 ? 'entry' : 'entries'}
        </p>
      </div>
      <PoolCards live={live} />
      {shown.length === 0 && <Empty text="Nothing has happened yet." />}
      <ol className="timeline">
        {shown.map(({ atMs, kind: what, text }, place) => (
          <li key={`${atMs} ${shown.length - place}`} className={what in TITLES ? what : 'note'}>
            <time dateTime={`${time(atMs)}Z`} title={`${time(atMs)} UTC`}>
              {moment(atMs, live.atMs)}
            </time>
            <span className="what">{TITLES[what] ?? inert(what)}</span>
            <span className="text">{inert(text)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
