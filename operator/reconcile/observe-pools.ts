// What is to be known of a job's pools: of those that its spec declares, and of those that still have objects in the cluster.

import type { PoolSpec } from '../../crds/stream-job/pools.ts';
import type { ScalingSpec } from '../../crds/stream-job/scaling.ts';
import type { ScalingStatus } from '../../crds/stream-job/status.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import type { JobFigures } from '../lifecycle/figures.ts';
import type { JobObject, Load, PoolLeft, PoolObserved, Rollout } from '../lifecycle/observed.ts';
import { childNames, POOL_LABEL } from '../resources/manifest.ts';
import type { Caches } from './observe.ts';
import { isWorkerOf, podsOf } from './pods.ts';

export type LoadOf = (pool: string, scaling: ScalingSpec, status: ScalingStatus | undefined) => Promise<Load>;
type Found<T> = { readonly observed: T; readonly found: readonly AnyObject[] };

/** With the pods of each. */
export async function observePools(
  caches: Caches,
  { name: job, namespace, status }: JobObject,
  pools: readonly PoolSpec[],
  loadOf: LoadOf,
): Promise<readonly Found<PoolObserved>[]> {
  const all: Found<PoolObserved>[] = [];
  for (const { name, scaling, workers, replicas } of pools) {
    const found = caches.pods.list(namespace).filter((pod) => isWorkerOf(job, pod, name));
    const deployment = caches.deployments.get(namespace, childNames.worker(job, name));
    const before = status.pools?.find((pool) => pool.name === name)?.scaling;
    const observed = {
      name,
      scaling,
      workers,
      replicas,
      pods: podsOf(found),
      deployedReplicas: replicasOf(deployment),
      rollout: rolloutOf(deployment),
      load: await loadOf(name, scaling, before),
      scaled: null,
    };
    all.push({ observed, found });
  }
  return all;
}

/** Pools that the spec does not have (any more). */
export function leftPools(
  caches: Caches,
  { name: job, namespace, uid }: JobObject,
  pools: readonly PoolSpec[],
  figures: JobFigures | null,
): readonly Found<PoolLeft>[] {
  const kinds = [caches.deployments, caches.podDisruptionBudgets, caches.networkPolicies];
  const names = kinds.flatMap((cache) =>
    cache.list(namespace).flatMap(({ metadata }) => {
      const pool = metadata.labels?.[POOL_LABEL];
      const isOurs = pool !== undefined && metadata.name === childNames.worker(job, pool);
      return isOurs && metadata.ownerReferences?.some((owner) => owner.uid === uid) === true ? [pool] : [];
    }),
  );
  const declared = new Set(pools.map(({ name }) => name));
  return [...new Set(names)]
    .filter((name) => !declared.has(name))
    .toSorted()
    .map((name) => {
      const found = caches.pods.list(namespace).filter((pod) => isWorkerOf(job, pod, name));
      return { observed: { name, pods: podsOf(found), runsTasks: runsTasks(found, figures) }, found };
    });
}

/** Of what nobody reports nothing is known: then it may. */
function runsTasks(pods: readonly AnyObject[], figures: JobFigures | null): boolean {
  if (pods.length === 0) return false;
  if (figures === null) return true;
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  return figures.progress.stages.some(({ partitions }) =>
    partitions.some(({ owner, state }) => owner !== null && state !== 'done' && names.has(owner)),
  );
}

type DeploymentStatus = {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly conditions?: readonly { readonly type: string; readonly reason?: string }[];
};

/** Nobody has looked after it yet: there are no pods of before. */
export function rolloutOf(deployment: AnyObject | undefined): Rollout {
  const { observedGeneration, replicas = 0, updatedReplicas = 0, conditions = [] } = (deployment?.['status'] ?? {}) as DeploymentStatus;
  if (deployment === undefined || observedGeneration === undefined) return 'done';
  const isSeen = observedGeneration >= (deployment.metadata.generation ?? 0);
  // One that only asks for another number of pods replaces none.
  if (!isSeen) return replicas > 0 && replicas === replicasOf(deployment) ? 'replacing' : 'done';
  if (replicas <= updatedReplicas) return 'done';
  return conditions.some(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded') ? 'stuck' : 'replacing';
}

export function replicasOf(deployment: AnyObject | undefined): number | null {
  return deployment === undefined ? null : ((deployment['spec'] as { readonly replicas?: number }).replicas ?? 1);
}
