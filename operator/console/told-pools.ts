// What the status of a job says of its pools, as the console shows it. Pure.

import type { ToldPool } from '../../console/pools.ts';
import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { poolFigures } from '../../crds/stream-job/pool-figures.ts';

/** The default pool first; none while nothing is known of the job. */
export function toldPools(status: StreamJobStatus): readonly ToldPool[] {
  if (status.replicas === undefined) return [];
  const { scaling, pools = [], decisions = [] } = status;
  const scaled = new Map([[DEFAULT_POOL, scaling], ...pools.map((pool) => [pool.name, pool.scaling] as const)]);
  const last = new Map(decisions.flatMap(decisionIn));
  return poolFigures(status).map(({ pool, ready, wanted }) => ({
    name: pool,
    ready,
    wanted,
    now: scaled.get(pool)?.now ?? null,
    decision: last.get(pool) ?? null,
  }));
}

/** By stage: events that wait for it, where that is known. */
export function toldLags({ stages = [] }: StreamJobStatus): ReadonlyMap<string, number> {
  const told = stages.map(({ name, lag }) => [name, Number(lag)] as const);
  return new Map(told.filter(([, events]) => Number.isFinite(events)));
}

/** `2026-01-01T00:10:00.250Z pool heavy: workers 1 → 4: …`; without a pool it is of the time when the job had only one. */
function decisionIn(text: string): readonly (readonly [pool: string, decision: NonNullable<ToldPool['decision']>])[] {
  const [, time = '', pool = DEFAULT_POOL, said = ''] = /^(\S+) (?:pool ([a-z0-9-]+): )?(.*)$/s.exec(text) ?? [];
  const atMs = Date.parse(time);
  return Number.isNaN(atMs) ? [] : [[pool, { atMs, text: said }]];
}
