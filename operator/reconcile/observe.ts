// Reads all that is to be known of one StreamJob: the caches of the API server, its code, and NATS.
//
//   B1. Nothing is written here.
//   B2. What cannot be read makes its part unknown (`absent`, `waiting`), never wrong.

import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import { BadDeclaration, type Issue } from '../../runtime/base/issues.ts';
import { stubMarks } from '../../runtime/job/code-marks.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import type { Backlogs, Declared, JobObject, NatsObserved, Observed } from '../lifecycle/observed.ts';
import { childNames } from '../resources/manifest.ts';
import { clusterPart, parseJob, revisionHash } from './declared.ts';
import type { CodeStore } from './code-store.ts';
import type { NatsSide } from './nats-side.ts';
import { leftPools, observePools, replicasOf, rolloutOf, type LoadOf } from './observe-pools.ts';
import { observeSavepoints } from './observe-savepoints.ts';
import { isWorkerOf, podsOf } from './pods.ts';
import { identityOf, jobObjectOf } from './stream-job-object.ts';

/** Reads of a kind that is watched. */
export interface Cache {
  get(namespace: string | null, name: string): AnyObject | undefined;
  list(namespace?: string): readonly AnyObject[];
}

export type Caches = Readonly<
  Record<
    'streamJobs' | 'streamSavepoints' | 'pods' | 'deployments' | 'networkPolicies' | 'podDisruptionBudgets' | 'secrets' | 'userSecrets',
    Cache
  >
>;

export type ObserveParts = {
  readonly caches: Caches;
  readonly nats: NatsSide;
  readonly code: CodeStore;
  readonly clock: Clock;
};

const NO_BACKLOGS: Backlogs = new Map();

/** null: there is no such StreamJob (any more). */
export async function observe(parts: ObserveParts, namespace: string, name: string): Promise<Observed | null> {
  const { caches, nats, clock } = parts;
  const object = caches.streamJobs.get(namespace, name);
  if (object === undefined) return null;
  const job = jobObjectOf(object);
  const identity = identityOf(job);
  const inNats = await nats.observe(identity);
  const cluster = clusterPart(job.spec);
  const before = inNats.kind === 'present' && cluster.upgrade.strategy !== 'stateless' ? planOf(inNats) : null;
  const isNew = inNats.kind === 'present' && inNats.record === null;
  const declared = job.deletedMs === null ? await declare(parts, job, before, isNew) : waiting(['it is being deleted']);
  const plan = declared.kind === 'valid' ? declared.plan : inNats.kind === 'present' ? planOf(inNats) : null;
  const figures = plan === null ? null : nats.figures(identity, plan);
  const hasBegun = inNats.kind === 'present' && inNats.record !== null;
  const loadOf: LoadOf = async (pool, { mode }, status) =>
    mode !== 'Off' && hasBegun && plan !== null
      ? nats.load(identity, plan, { pool, asleep: status?.replicas === 0 })
      : { kind: 'absent', reason: 'nothing runs yet' };
  const deployment = caches.deployments.get(namespace, childNames.worker(name));
  const defaultPods = caches.pods.list(namespace).filter((pod) => isWorkerOf(name, pod));
  const own = await observePools(caches, job, cluster.pools, loadOf);
  const left = leftPools(caches, job, cluster.pools, figures);
  const load = await loadOf(DEFAULT_POOL, cluster.scaling, job.status.scaling);
  // After the load: what was asked for it need not be asked again.
  const backlogs = figures !== null && hasBegun && plan !== null ? await nats.backlogs(identity, plan) : NO_BACKLOGS;
  return {
    nowMs: clock.nowMs(),
    job,
    cluster,
    declared,
    nats: inNats,
    pods: podsOf([...defaultPods, ...[...own, ...left].flatMap(({ found }) => found)]),
    defaultPods: podsOf(defaultPods),
    pools: own.map(({ observed }) => observed),
    poolsLeft: left.map(({ observed }) => observed),
    deployedReplicas: replicasOf(deployment),
    rollout: rolloutOf(deployment),
    figures,
    backlogs,
    load,
    scaling: null,
    ...observeSavepoints(caches.streamSavepoints, job, inNats),
  };
}

/** `isNew`: no worker was told to run it yet. */
async function declare({ nats, code }: ObserveParts, job: JobObject, before: PhysicalPlan | null, isNew: boolean): Promise<Declared> {
  const parsed = parseJob(job);
  if (parsed.kind === 'invalid') return parsed;
  const bundle = await code.read(job.namespace, parsed.job.spec.code ?? null);
  if (bundle.kind === 'missing') return waiting([bundle.reason]);
  const missing = isNew ? await code.missingFiles(job.namespace, parsed.job.spec.workers) : [];
  if (missing.length > 0) return waiting(missing);
  const planned = planOfJob(parsed.job, identityOf(job), before);
  if ('issues' in planned) return { kind: 'invalid', issues: planned.issues };
  const resolved = await nats.resolve(identityOf(job), planned.plan);
  switch (resolved.kind) {
    case 'absent':
      return waiting([`NATS does not answer: ${resolved.reason}`]);
    case 'waiting':
      return waiting(resolved.reasons);
    case 'resolved':
      return { kind: 'valid', job: parsed.job, plan: resolved.plan, hash: revisionHash(parsed.job), code: bundle.bundle };
  }
}

/** Code of a TypeScript job is not here: stand-ins take its place (runtime/job/code-marks.ts). */
function planOfJob(
  job: StreamJob,
  identity: string,
  before: PhysicalPlan | null,
): { readonly plan: PhysicalPlan } | { readonly issues: readonly Issue[] } {
  try {
    return { plan: planJob(stubMarks(job), {}, { identity, deadLetterFile: false, before }) };
  } catch (error) {
    if (error instanceof BadDeclaration) return { issues: error.issues };
    throw error;
  }
}

function waiting(reasons: readonly string[]): Declared {
  return { kind: 'waiting', reasons };
}

function planOf(nats: NatsObserved): PhysicalPlan | null {
  return nats.kind === 'present' && nats.record !== null ? (nats.record.plan as PhysicalPlan) : null;
}
