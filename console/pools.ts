// The pools of a job as the page shows them: what its workers report, and what a cluster says of their number. Pure.
//
//   PO1. Who says nothing of pools (a local run) has workers that run the stages of all of them.
//   PO2. A job of one pool is shown as such only where somebody scales it.

import { DEFAULT_POOL } from '../crds/stream-job/pool-names.ts';
import type { StagePlan } from '../runtime/plan/physical-plan.ts';
import { poolOf } from '../runtime/plan/pools.ts';
import type { LivePool, LiveStage } from './api.ts';

/** What a cluster knows of a pool. */
export type ToldPool = Pick<LivePool, 'name' | 'ready' | 'wanted' | 'now' | 'decision'>;
export type PoolParts = {
  readonly plan: readonly StagePlan[];
  readonly live: readonly LiveStage[];
  /** The pool of each worker that was heard lately (PO1). */
  readonly workers: readonly (string | undefined)[];
  readonly told: readonly ToldPool[];
};

/** The default pool first, then as the plan has them, then those that are on their way out. */
export function livePools({ plan, live, workers, told }: PoolParts): readonly LivePool[] {
  const stages = Map.groupBy(plan, poolOf);
  const known = new Map(told.map((pool) => [pool.name, pool]));
  const names = [...new Set([DEFAULT_POOL, ...stages.keys(), ...known.keys()])];
  if (names.length === 1 && told.length === 0) return []; // PO2
  const byId = new Map(live.map((stage) => [stage.id, stage]));
  return names.map((name) => {
    const own = (stages.get(name) ?? []).map(({ id }) => id);
    const figures = own.flatMap((id) => byId.get(id) ?? []);
    const { ready = null, wanted = null, now = null, decision = null } = known.get(name) ?? {};
    return {
      name,
      stages: own,
      workers: workers.filter((pool) => pool === undefined || pool === name).length,
      ready,
      wanted,
      lagEvents: figures.reduce<number | null>((sum, { lagEvents }) => (lagEvents === null ? sum : (sum ?? 0) + lagEvents), null),
      eventsInPerS: figures.reduce((sum, { eventsInPerS }) => sum + eventsInPerS, 0),
      now,
      decision,
    };
  });
}
