// Makes the cluster and NATS what was decided. The only place where reconciling writes.
//
//   A1. In order, and only what differs: a second time there is nothing to write.
//   A2. The first write that does not succeed ends it; the next attempt begins with a new look.
//   A3. The intent is in the status before the first action (reconciler.ts writes it).

import type { StreamJobSpec } from '../../crds/stream-job/spec.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import type { KubeResult } from '../kube/kube-result.ts';
import { resources } from '../kube/resource.ts';
import type { Action, Decision } from '../lifecycle/decision.ts';
import type { Observed, ValidDeclared } from '../lifecycle/observed.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { hasStandbys } from '../../runtime/plan/physical-plan.ts';
import { poolsToRemove, sizeOfPool, workersAsked } from '../lifecycle/pools.ts';
import { credentialsSecret } from '../resources/credentials-secret.ts';
import { API_VERSION, APPLIED_ANNOTATION, FINALIZER, childNames, withAppliedHash, type Manifest } from '../resources/manifest.ts';
import { CREDENTIALS_ANNOTATION } from '../resources/worker-deployment.ts';
import { childrenOf, type ClusterSettings } from './children.ts';
import { differenceText, firstDifference } from './diff.ts';
import type { Done, NatsSide } from './nats-side.ts';
import type { Cache, Caches } from './observe.ts';
import { replicasOf } from './observe-pools.ts';
import { identityOf } from './stream-job-object.ts';

export type ApplyParts = {
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly nats: NatsSide;
  readonly settings: ClusterSettings;
};

/** What did not succeed, and when to try again; null: all is done. */
export type Trouble = { readonly reason: string; readonly retryAfterMs: number | null };
export type Applied = {
  readonly trouble: Trouble | null;
  /** Sentences about children that somebody else had changed or deleted. */
  readonly repaired: readonly string[];
  /** A Deployment was given another form of its pods: what was observed is of the one before. */
  readonly replaces: boolean;
};

type Noted = { repaired: string[]; replaces: boolean };

export async function carryOut(parts: ApplyParts, observed: Observed, actions: readonly Action[]): Promise<Trouble | null> {
  for (const action of actions) {
    const trouble = await carryOutOne(parts, observed, action);
    if (trouble !== null) return trouble;
  }
  return null;
}

async function carryOutOne({ client, nats }: ApplyParts, observed: Observed, action: Action): Promise<Trouble | null> {
  const { job, cluster } = observed;
  const identity = identityOf(job);
  const named = { namespace: job.namespace, name: job.name };
  switch (action.kind) {
    case 'add-finalizer':
      return setFinalizers(client, resources.streamJobs, named, (before) => [...new Set([...before, FINALIZER])]);
    case 'remove-finalizer':
      return setFinalizers(client, resources.streamJobs, named, (before) => before.filter((name) => name !== FINALIZER));
    case 'ensure-streams':
      return natsTrouble('streams', await nats.ensure(identity, valid(observed).plan));
    case 'write-revision': {
      const { plan, code, job: declared } = valid(observed);
      const restore = action.run === 'new' && cluster.restoreFrom !== undefined ? cluster.restoreFrom.savepoint : null;
      const parameters = declared.spec.values;
      return natsTrouble(
        `revision ${action.revision.number}`,
        await nats.writeRevision({
          identity,
          revision: action.revision,
          plan,
          code,
          parameters,
          workers: workersAsked(observed),
          run: action.run,
          runId: job.status.runId ?? null,
          restore,
        }),
      );
    }
    case 'restore-revision':
      return natsTrouble(`revision ${action.revision.number}`, await nats.restoreRevision(identity, action.from, action.revision));
    case 'clear-failure':
      return natsTrouble('failure', await nats.clearFailure(identity));
    case 'prepare-restore':
      return natsTrouble(`savepoint ${action.savepoint}`, await nats.prepareRestore(`${job.namespace}_${action.savepoint}`, identity));
    case 'create-savepoint':
      return kubeTrouble(`savepoint ${action.name}`, await client.create(resources.streamSavepoints, savepointOf(observed, action.name)), [
        'conflict',
      ]);
    case 'remove-state':
      return natsTrouble('state', await nats.removeState(identity, action.of));
  }
}

/** Of the object as it is now: the cache may not have seen our last write yet. An object that is gone needs none. */
export async function setFinalizers(
  client: KubeClient,
  resource: Parameters<KubeClient['get']>[0],
  named: Parameters<KubeClient['get']>[1],
  change: (before: readonly string[]) => readonly string[],
): Promise<Trouble | null> {
  const found = await client.get(resource, named);
  if (found.kind !== 'ok') return kubeTrouble('finalizer', found, ['not-found']);
  const before = found.object.metadata.finalizers ?? [];
  const after = change(before);
  if (after.length === before.length) return null;
  return kubeTrouble('finalizer', await client.setFinalizers(resource, found.object, after), ['not-found']);
}

/** The children of a job, as many workers as decided. */
export async function applyChildren(parts: ApplyParts, observed: Observed, decision: Decision): Promise<Applied> {
  const { caches, client, nats, settings } = parts;
  const { job, nats: inNats, deployedReplicas } = observed;
  const replicas = decision.replicas === 'kept' ? deployedReplicas : decision.replicas === 'none' ? null : decision.replicas;
  const workers = workersOf(observed);
  const plan = planFor(observed);
  if (replicas === null || workers === null || plan === null) return { trouble: null, repaired: [], replaces: false };
  const owner = { name: job.name, namespace: job.namespace, uid: job.uid };
  const identity = identityOf(job);
  const credentials = await nats.credentials(identity, plan);
  const noted: Noted = { repaired: [], replaces: false };
  if (credentials !== null) {
    const live = caches.secrets.get(job.namespace, childNames.credentials(job.name));
    if (live?.metadata.annotations?.[CREDENTIALS_ANNOTATION] !== credentials.hash) {
      const secret = credentialsSecret(owner, credentials);
      const trouble = kubeTrouble('Secret', await client.apply(resources.secrets, secret));
      if (trouble !== null) return { trouble, ...noted };
      if (live === undefined && inNats.kind === 'present' && deployedReplicas !== null)
        noted.repaired.push(`Secret ${secret.metadata.name} was gone`);
    }
  }
  const common = {
    owner,
    identity,
    tracing: tracingOf(observed),
    hasStandbys: hasStandbys(plan),
    diskBytes: plan.state?.diskBytes ?? null,
    credentialsHash: credentials?.hash ?? null,
    settings,
  };
  const pools = [
    { pool: undefined, size: replicas, own: {}, deployed: deployedReplicas },
    ...observed.pools.map((pool) => ({
      pool: pool.name,
      size: sizeOfPool(pool, decision),
      own: pool.workers,
      deployed: pool.deployedReplicas,
    })),
  ];
  for (const { pool, size, own, deployed } of pools) {
    if (size === null) continue;
    for (const child of childrenOf({ ...common, pool, replicas: size, workers: { ...workers, ...own } })) {
      const trouble = await applyChild(client, caches, child, deployed !== null, noted);
      if (trouble !== null) return { trouble, ...noted };
    }
  }
  for (const pool of poolsToRemove(observed, decision)) {
    const trouble = await removePool(parts, observed, pool);
    if (trouble !== null) return { trouble, ...noted };
  }
  return { trouble: null, ...noted };
}

/** Its pods first: who may talk to them holds until they are gone. */
async function removePool({ client, caches }: ApplyParts, { job, poolsLeft }: Observed, pool: string): Promise<Trouble | null> {
  const named = { namespace: job.namespace, name: childNames.worker(job.name, pool) };
  const pods = poolsLeft.find(({ name }) => name === pool)?.pods;
  const isGone = pods === undefined || pods.total + pods.terminating === 0;
  for (const kind of isGone ? ['Deployment', 'PodDisruptionBudget', 'NetworkPolicy'] : ['Deployment']) {
    const { resource, cache } = kindOf(kind, caches);
    const live = cache.get(named.namespace, named.name);
    if (live === undefined || live.metadata.deletionTimestamp !== undefined) continue;
    const trouble = kubeTrouble(kind, await client.delete(resource, named, { uid: live.metadata.uid }), ['not-found']);
    if (trouble !== null) return trouble;
  }
  return null;
}

async function applyChild(
  client: KubeClient,
  caches: Caches,
  child: Manifest,
  wasComplete: boolean,
  noted: Noted,
): Promise<Trouble | null> {
  const { resource, cache } = kindOf(child.kind, caches);
  const live = cache.get(child.metadata.namespace, child.metadata.name);
  const marked = withAppliedHash(child);
  const difference = live === undefined ? null : firstDifference(child, live);
  const isOutdated = live?.metadata.annotations?.[APPLIED_ANNOTATION] !== marked.metadata.annotations?.[APPLIED_ANNOTATION];
  if (live !== undefined && difference === null && !isOutdated) return null;
  let answer = await client.apply(resource, marked);
  if (answer.kind === 'refused' && live !== undefined && child.kind !== 'Deployment') {
    // What somebody added does not go with what is ours (both bounds of a budget, say): it goes, then ours.
    const named = { namespace: child.metadata.namespace, name: child.metadata.name };
    await client.mergePatch(resource, named, { spec: { ...foreignFields(child, live), ...(child['spec'] as object) } });
    answer = await client.apply(resource, marked);
  }
  const trouble = kubeTrouble(child.kind, answer);
  if (trouble !== null) return trouble;
  // Not each difference is somebody's doing: most are what a new spec asks for.
  if (live === undefined && wasComplete) noted.repaired.push(`${child.kind} ${child.metadata.name} was gone`);
  else if (difference !== null) noted.repaired.push(differenceText(child.kind, child.metadata.name, difference));
  if (child.kind === 'Deployment' && live !== undefined && answer.kind === 'ok')
    noted.replaces ||= answer.object.metadata.generation !== live.metadata.generation && replicasOf(live) === replicasOf(answer.object);
  return null;
}

/** Fields of the spec that are not ours, as null: what a merge patch removes. */
function foreignFields(child: Manifest, live: AnyObject): Readonly<Record<string, null>> {
  const ours = new Set(Object.keys(child['spec'] as object));
  return Object.fromEntries(
    Object.keys((live['spec'] ?? {}) as object)
      .filter((name) => !ours.has(name))
      .map((name) => [name, null]),
  );
}

function kindOf(kind: string, caches: Caches): { readonly resource: (typeof resources)[keyof typeof resources]; readonly cache: Cache } {
  switch (kind) {
    case 'Deployment':
      return { resource: resources.deployments, cache: caches.deployments };
    case 'PodDisruptionBudget':
      return { resource: resources.podDisruptionBudgets, cache: caches.podDisruptionBudgets };
    case 'NetworkPolicy':
      return { resource: resources.networkPolicies, cache: caches.networkPolicies };
    default:
      throw new Error(`${kind} is not a child of a StreamJob`);
  }
}

function valid({ declared }: Observed): ValidDeclared {
  if (declared.kind !== 'valid') throw new Error('only a valid spec is acted upon (decide.ts)');
  return declared;
}

/** The plan that the workers run now or are about to: what their credentials must allow. */
function planFor({ declared, nats }: Observed): PhysicalPlan | null {
  if (declared.kind === 'valid') return declared.plan;
  return nats.kind === 'present' && nats.record !== null ? (nats.record.plan as PhysicalPlan) : null;
}

function workersOf({ declared, job }: Observed): StreamJobSpec['workers'] | null {
  return declared.kind === 'valid' ? declared.job.spec.workers : ((job.spec['workers'] as StreamJobSpec['workers'] | undefined) ?? {});
}

function tracingOf({ declared, job }: Observed): StreamJobSpec['tracing'] {
  return declared.kind === 'valid' ? declared.job.spec.tracing : (job.spec['tracing'] as StreamJobSpec['tracing']);
}

function savepointOf({ job }: Observed, name: string): Manifest {
  return {
    apiVersion: API_VERSION,
    kind: 'StreamSavepoint',
    metadata: { name, namespace: job.namespace, labels: { 'millrace.dev/job': job.name, 'app.kubernetes.io/managed-by': 'millrace' } },
    spec: { job: job.name },
  };
}

/** What an answer of the API server means; `fine` are kinds that mean it is as it should be, too. */
export function kubeTrouble(what: string, answer: KubeResult<unknown>, fine: readonly KubeResult<unknown>['kind'][] = []): Trouble | null {
  if (answer.kind === 'ok' || fine.includes(answer.kind)) return null;
  const reason = answer.kind === 'absent' ? answer.reason : answer.message;
  return { reason: `${what}: ${answer.kind}: ${reason}`, retryAfterMs: answer.kind === 'absent' ? answer.retryAfterMs : null };
}

function natsTrouble(what: string, answer: Done): Trouble | null {
  switch (answer.kind) {
    case 'done':
      return null;
    case 'absent':
      return { reason: `${what}: NATS does not answer: ${answer.reason}`, retryAfterMs: null };
    case 'refused':
      return { reason: `${what}: ${answer.message}`, retryAfterMs: null };
  }
}
