// Pools of a job's stages, as far as a decision about the job means something for each of them. Pure.
//
//   L1. A decision says for all pools alike whether workers run; how many of them, each pool says.
//   L2. A pool that the spec does not have any more keeps its workers until the new revision is stable and nothing runs on them: so
//       nothing has to be restored in a hurry, and a rollback finds it.
//   L3. A pool is up when the kubelet says so of one of its pods at least. Workers tell that they run before they were asked, and tasks of
//       a pool that has no worker stay with another one: neither says that the pool is up.
//   L4. What pods get is no revision (ADR 52): Kubernetes replaces them one by one, and nothing is taken back. The job is not ready before.

import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import type { StagePlan } from '../../runtime/plan/physical-plan.ts';
import { poolOf } from '../../runtime/plan/pools.ts';
import type { Decision } from './decision.ts';
import type { Observed, PodsObserved, PoolObserved } from './observed.ts';

/** Workers that are asked for, in all pools. */
export function workersAsked({ cluster, pools }: Pick<Observed, 'cluster' | 'pools'>): number {
  return cluster.replicas + pools.reduce((sum, { replicas }) => sum + replicas, 0);
}

/** Some pool has no worker because no event came for long: the next one wakes it. */
export function isAsleep({ scaling, pools }: Pick<Observed, 'scaling' | 'pools'>): boolean {
  return [scaling, ...pools.map(({ scaled }) => scaled)].some((one) => one?.status?.replicas === 0 && one.status.declared !== 0);
}

/** Stages of pools that are to have workers. */
export function awakeStages({ cluster, pools }: Pick<Observed, 'cluster' | 'pools'>, stages: readonly StagePlan[]): readonly StagePlan[] {
  const stopped = new Set(pools.filter(({ replicas }) => replicas === 0).map(({ name }) => name));
  const own = new Set(pools.map(({ name }) => name));
  return stages.filter((stage) => {
    const pool = poolOf(stage);
    return own.has(pool) ? !stopped.has(pool) : stage.pool !== undefined || cluster.replicas > 0;
  });
}

/** Pools with stages of which no pod is ready, each as what is waited for, with why. L3. */
export function poolsNotUp({ cluster, pools, defaultPods }: Observed, stages: readonly StagePlan[]): readonly string[] {
  const used = new Set(awakeStages({ cluster, pools }, stages).map(poolOf));
  const own = pools.filter(({ name }) => used.has(name));
  const isDefaultUp = !used.has(DEFAULT_POOL) || defaultPods.total === 0 || defaultPods.ready > 0;
  return [
    ...(isDefaultUp ? [] : [waitedFor('a worker pod to be ready', defaultPods)]),
    ...own.filter(({ pods }) => pods.ready === 0).map(({ name, pods }) => waitedFor(`a worker pod of pool ${name} to be ready`, pods)),
  ];
}

function waitedFor(what: string, { problems }: PodsObserved): string {
  return problems[0] === undefined ? what : `${what} (${problems[0]})`;
}

export type Replacing = { readonly text: string; readonly isStuck: boolean };

/** Pods that are of a form that their Deployment had before; null: there are none. L4. */
export function podsReplacing({ rollout, defaultPods, pools }: Observed): Replacing | null {
  const all = [{ name: DEFAULT_POOL, rollout, pods: defaultPods }, ...pools].filter((pool) => pool.rollout !== 'done');
  const [first] = all.filter(({ pods }) => pods.problems.length > 0).concat(all);
  if (first === undefined) return null;
  const which = first.name === DEFAULT_POOL ? '' : ` of pool ${first.name}`;
  const place = first.name === DEFAULT_POOL ? 'spec.workers' : `workers of pool ${first.name}`;
  const [problem] = first.pods.problems;
  const what = `worker pods${which} are being replaced, as what they get has changed; those of before go on until then`;
  const text = problem === undefined ? what : `${what}. The new ones do not start (${problem}): change ${place}, or make it possible`;
  return { text, isStuck: all.some((pool) => pool.rollout === 'stuck') };
}

/** `; no worker runs in pool heavy, so totals waits`; empty where all pools have some. */
export function stoppedText(observed: Pick<Observed, 'cluster' | 'pools'>, stages: readonly StagePlan[]): string {
  const awake = new Set(awakeStages(observed, stages));
  const byPool = Map.groupBy(
    stages.filter((stage) => !awake.has(stage)),
    poolOf,
  );
  return [...byPool]
    .map(([pool, own]) => `; no worker runs in pool ${pool}, so ${listedIds(own)} ${own.length === 1 ? 'waits' : 'wait'}`)
    .join('');
}

const IDS_MAX = 3;

function listedIds(stages: readonly StagePlan[]): string {
  const more = stages.length - IDS_MAX;
  return `${stages
    .slice(0, IDS_MAX)
    .map(({ id }) => id)
    .join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Workers that a pool is to have; null: its objects stay as they are. L1. */
export function sizeOfPool(pool: PoolObserved, { replicas, stops }: Decision): number | null {
  if (replicas === 'none') return null;
  if (replicas === 'kept') return pool.deployedReplicas;
  return stops === true ? 0 : pool.replicas;
}

/** Pools whose objects are to go now. L2. */
export function poolsToRemove(observed: Observed, { replicas, stops }: Decision): readonly string[] {
  const { job, nats, declared, cluster, poolsLeft } = observed;
  if (replicas === 'kept' || replicas === 'none') return [];
  const isIdle = stops === true || workersAsked(observed) === 0;
  const isNow =
    nats.kind === 'present' &&
    nats.record !== null &&
    declared.kind === 'valid' &&
    nats.revision?.hash === declared.hash &&
    job.status.stableRevision?.number === nats.record.revision;
  return poolsLeft.filter(({ runsTasks }) => isIdle || (isNow && (!runsTasks || cluster.replicas === 0))).map(({ name }) => name);
}

/** A sentence about a pool, where a job has several. */
export function ofPool(pool: string, text: string): string {
  return `pool ${pool}: ${text}`;
}
