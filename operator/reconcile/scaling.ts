// Puts the number of workers that scaling decides into what was observed, so that everything behind reckons with it.
//
//   Y1. `spec.replicas` is never written: it stays whose it is, and nobody fights for it. What scaling asks for stands in the status.
//   Y2. In mode Off nothing here changes anything.
//   Y3. A job is scaled only while a stable revision runs; all else is left alone, at the size that it has.

import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { Autoscaler, Scaled } from '../autoscaler/autoscaler.ts';
import type { LoadGraph, Sample } from '../autoscaler/sample.ts';
import { settingsOf } from '../autoscaler/settings.ts';
import type { Observed } from '../lifecycle/observed.ts';

/** Of a job that is not scaled, the same. */
export function scaledJob(autoscaler: Autoscaler, observed: Observed): Observed {
  const { cluster, job, nowMs, pods, deployedReplicas } = observed;
  const settings = settingsOf(cluster.scaling);
  if (settings.mode === 'Off' || job.deletedMs !== null) return observed;
  const plan = planOf(observed);
  const scaling: Scaled = autoscaler.scale({
    key: `${job.uid} ${observed.nats.kind === 'present' ? (observed.nats.record?.runId ?? '') : ''}`,
    settings,
    scene: {
      nowMs,
      declared: cluster.replicas,
      ready: pods.ready,
      podProblem: pods.problems[0] ?? null,
      settled: settledness(observed),
      partitions: Math.max(1, ...(plan?.stages ?? []).map(({ partitionCount }) => partitionCount)),
    },
    graph: graphOf(plan),
    sample: sampleOf(observed),
    status: job.status.scaling,
    deployed: job.status.phase === 'Suspended' && job.status.scaling === undefined ? null : deployedReplicas,
  });
  return { ...observed, scaling, cluster: { ...cluster, replicas: scaling.replicas } };
}

function planOf({ declared, nats }: Observed): PhysicalPlan | null {
  if (declared.kind === 'valid') return declared.plan;
  return nats.kind === 'present' && nats.record !== null ? (nats.record.plan as PhysicalPlan) : null;
}

function graphOf(plan: PhysicalPlan | null): LoadGraph {
  const ids = new Set(plan?.stages.map(({ id }) => id));
  return {
    stages: (plan?.stages ?? []).map(({ id, kind, partitionCount, outputs }) => ({
      id,
      isSource: kind === 'source',
      partitionCount,
      to: outputs.map((index) => {
        const edge = plan?.edges[index];
        return edge === undefined || edge.retired === true || !ids.has(edge.toStage) ? null : edge.toStage;
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

function sampleOf({ load, nowMs }: Observed): Sample {
  if (load.kind === 'known') return load.sample;
  return { atMs: nowMs, workers: [], tasks: [], sources: [], lags: new Map(), missing: load.reason };
}
