// Which pool of workers runs which stage of a plan.

import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import type { PoolSpec } from '../../crds/stream-job/pools.ts';
import type { PhysicalPlan, StagePlan } from './physical-plan.ts';

/** The stages, each with the pool that names it. */
export function inPools(stages: readonly StagePlan[], pools: readonly PoolSpec[]): readonly StagePlan[] {
  const poolOf = new Map(pools.flatMap(({ name, stages: named }) => named.map((stage) => [stage, name] as const)));
  return stages.map((stage) => {
    const pool = poolOf.get(stage.id);
    return pool === undefined ? stage : { ...stage, pool };
  });
}

/** Of a stage, a task, a worker: absent is the default pool. */
export function poolOf({ pool }: { readonly pool?: string | undefined }): string {
  return pool ?? DEFAULT_POOL;
}

/** Stages that `pool` runs. */
export function stagesOfPool({ stages }: Pick<PhysicalPlan, 'stages'>, pool: string): readonly StagePlan[] {
  return stages.filter((stage) => poolOf(stage) === pool);
}

/** Stages that change their pool from `before` to `after`. */
export function movedStages(before: PhysicalPlan, after: PhysicalPlan): readonly StagePlan[] {
  const was = new Map(before.stages.map((stage) => [stage.id, poolOf(stage)]));
  return after.stages.filter((stage) => (was.get(stage.id) ?? poolOf(stage)) !== poolOf(stage));
}
