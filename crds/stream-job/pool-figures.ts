// Workers of each pool of a job as its status tells them: of the default pool too, which the status has apart. Pure.

import { DEFAULT_POOL } from './pool-names.ts';
import type { StreamJobStatus } from './status.ts';

/** null: not known yet. */
export type PoolFigures = {
  readonly pool: string;
  readonly workers: number | null;
  readonly ready: number | null;
  readonly wanted: number | null;
};

/** The default pool first. */
export function poolFigures({ replicas, readyReplicas, ready, pools = [] }: StreamJobStatus): readonly PoolFigures[] {
  const own = pools.map((pool) => ({ pool: pool.name, workers: pool.replicas, ...parted(pool.ready) }));
  const all = parted(ready);
  const elsewhere = own.reduce<number | null>((sum, { wanted }) => (sum === null || wanted === null ? null : sum + wanted), 0);
  const wanted = all.wanted === null || elsewhere === null ? null : Math.max(0, all.wanted - elsewhere);
  return [{ pool: DEFAULT_POOL, workers: replicas ?? null, ready: readyReplicas ?? null, wanted }, ...own];
}

/** `2/3` */
function parted(text: string | undefined): Pick<PoolFigures, 'ready' | 'wanted'> {
  const [, ready, wanted] = /^(\d+)\/(\d+)$/.exec(text ?? '') ?? [];
  return ready === undefined || wanted === undefined ? { ready: null, wanted: null } : { ready: Number(ready), wanted: Number(wanted) };
}
