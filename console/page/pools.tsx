// Pools of workers: which stages each runs, how many workers it has and is to have, what waits for it, what was decided last.

import type { ReactNode } from 'react';
import type { Live, LivePool } from '../api.ts';
import { inert } from '../../runtime/base/inert.ts';
import { count, moment, rate, time } from './format.ts';

/** Stages that are named; a pool may have a hundred. */
const STAGES_MAX = 8;

/** Servers that are older tell of none. */
export function poolsOf(live: Live): readonly LivePool[] {
  return (live.pools as readonly LivePool[] | undefined) ?? [];
}

/** What it runs on, in words: `2 of 3 ready`, `4 workers`, `asleep`. */
export function sizeText({ workers, ready, wanted }: LivePool): string {
  if (ready === null || wanted === null) return `${count(workers)} ${workers === 1 ? 'worker' : 'workers'}`;
  if (wanted === 0 && ready === 0) return 'no workers asked for';
  return `${count(ready)} of ${count(wanted)} ready`;
}

export function PoolCards({ live }: { readonly live: Live }): ReactNode {
  const pools = poolsOf(live);
  if (pools.length === 0) return null;
  return (
    <section aria-label="Pools">
      <div className="columns pools">
        {pools.map((pool) => (
          <PoolCard key={pool.name} pool={pool} isOnly={pools.length === 1} nowMs={live.atMs} />
        ))}
      </div>
    </section>
  );
}

type CardProps = { readonly pool: LivePool; readonly isOnly: boolean; readonly nowMs: number };

function PoolCard({ pool, isOnly, nowMs }: CardProps): ReactNode {
  const { name, stages, lagEvents, eventsInPerS, now, decision } = pool;
  const more = stages.length - STAGES_MAX;
  return (
    <article className="card pool" data-pool={name}>
      <h3>
        {isOnly ? 'Workers' : `Pool ${name}`} <span data-figure="size">{sizeText(pool)}</span>
      </h3>
      <p className="quiet" data-figure="stages">
        {stages.length === 0 ? 'no stage' : stages.slice(0, STAGES_MAX).join(', ')}
        {more > 0 && ` and ${count(more)} more`}
      </p>
      <dl className="pairs">
        <div>
          <dt>waiting</dt>
          <dd data-figure="waiting">{lagEvents === null ? '–' : count(lagEvents)}</dd>
        </div>
        <div>
          <dt>rate</dt>
          <dd data-figure="rate">{rate(eventsInPerS)}</dd>
        </div>
      </dl>
      {now !== null && (
        <p className="said" data-figure="now">
          {inert(now)}
        </p>
      )}
      {decision !== null && (
        <p className="said" data-figure="decision">
          <time dateTime={`${time(decision.atMs)}Z`} title={`${time(decision.atMs)} UTC`}>
            {moment(decision.atMs, nowMs)}
          </time>{' '}
          {inert(decision.text)}
        </p>
      )}
    </article>
  );
}
