// Puts the number of workers that scaling decides into what was observed, so that everything behind reckons with it.
//
//   Y1. `spec.replicas` is never written: it stays whose it is, and nobody fights for it. What scaling asks for stands in the status.
//   Y2. In mode Off nothing here changes anything.
//   Y3. A job is scaled only while a stable revision runs; all else is left alone, at the size that it has.

import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import type { ScalingStatus } from '../../crds/stream-job/status.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import { stagesOfPool } from '../../runtime/plan/pools.ts';
import type { Autoscaler, Scaled } from '../autoscaler/autoscaler.ts';
import type { LoadGraph, Sample } from '../autoscaler/sample.ts';
import { settingsOf } from '../autoscaler/settings.ts';
import type { Load, Observed, PoolObserved } from '../lifecycle/observed.ts';

/** What is scaled: the default pool, or another one. */
type Scalable = Pick<PoolObserved, 'name' | 'replicas' | 'pods' | 'deployedReplicas' | 'load' | 'scaling'> & {
  readonly status: ScalingStatus | undefined;
};

/** Of a job that is not scaled, the same. Each pool by itself. */
export function scaledJob(autoscaler: Autoscaler, observed: Observed): Observed {
  const { cluster, job, load, deployedReplicas, defaultPods } = observed;
  if (job.deletedMs !== null) return observed;
  const { replicas, scaling: declared } = cluster;
  const own = { name: DEFAULT_POOL, replicas, scaling: declared, pods: defaultPods, deployedReplicas, load, status: job.status.scaling };
  const scaling = scaledPool(autoscaler, observed, own);
  const pools = observed.pools.map((pool) => {
    const before = job.status.pools?.find(({ name }) => name === pool.name);
    const scaled = scaledPool(autoscaler, observed, { ...pool, status: before?.scaling });
    return scaled === null ? pool : { ...pool, scaled, replicas: scaled.replicas };
  });
  if (scaling === null) return { ...observed, pools };
  return { ...observed, pools, scaling, cluster: { ...cluster, replicas: scaling.replicas } };
}

/** null: it is not scaled. */
function scaledPool(autoscaler: Autoscaler, observed: Observed, pool: Scalable): Scaled | null {
  const { job, nowMs, nats } = observed;
  const { name, pods, status } = pool;
  const settings = settingsOf(pool.scaling);
  if (settings.mode === 'Off') return null;
  const plan = planOf(observed);
  const stages = plan === null ? [] : stagesOfPool(plan, name);
  return autoscaler.scale({
    key: `${job.uid} ${nats.kind === 'present' ? (nats.record?.runId ?? '') : ''} ${name}`,
    settings,
    scene: {
      nowMs,
      declared: pool.replicas,
      ...(name === DEFAULT_POOL ? {} : { declaredAs: 'replicas' }),
      ready: pods.ready,
      podProblem: pods.problems[0] ?? null,
      settled: settledness(observed),
      partitions: Math.max(1, ...stages.map(({ partitionCount }) => partitionCount)),
    },
    graph: graphOf(plan, stages),
    sample: sampleOf(pool.load, nowMs),
    status,
    deployed: job.status.phase === 'Suspended' && status === undefined ? null : pool.deployedReplicas,
  });
}

function planOf({ declared, nats }: Observed): PhysicalPlan | null {
  if (declared.kind === 'valid') return declared.plan;
  return nats.kind === 'present' && nats.record !== null ? (nats.record.plan as PhysicalPlan) : null;
}

function graphOf(plan: PhysicalPlan | null, stages: readonly StagePlan[]): LoadGraph {
  const ids = new Set(stages.map(({ id }) => id));
  return {
    stages: stages.map(({ id, kind, partitionCount, outputs }) => ({
      id,
      isSource: kind === 'source',
      partitionCount,
      to: outputs.map((index) => {
        const edge = plan?.edges[index];
        // What a stage sends itself is work of its own events.
        return edge === undefined || edge.retired === true || edge.toStage === id || !ids.has(edge.toStage) ? null : edge.toStage;
      }),
    })),
  };
}

/** Y3. */
function settledness({ cluster, declared, nats, job, savepointRunning }: Observed): true | string {
  const { status } = job;
  if (cluster.suspend) return 'it is suspended';
  if (nats.kind === 'absent') return 'NATS does not answer';
  if (nats.record === null) return 'it was not begun yet';
  if (nats.failure !== null) return 'it failed';
  if (nats.completed) return 'it is completed';
  if (declared.kind !== 'valid' || nats.revision?.hash !== declared.hash) return 'its spec is not what runs';
  if (status.intent !== undefined || status.stableRevision?.number !== nats.record.revision) return 'a revision takes over';
  return savepointRunning ? 'a savepoint is taken' : true;
}

function sampleOf(load: Load, nowMs: number): Sample {
  if (load.kind === 'known') return load.sample;
  return { atMs: nowMs, workers: [], tasks: [], sources: [], lags: new Map(), missing: load.reason };
}
