// What all children of a StreamJob have in common: names, labels, and who owns them.
//
//   M1. A builder is pure: the same job gives the same manifest, to the letter. What differs from the cluster is drift.
//   M2. Names come from the names of job and pool only, so a child is found without being remembered. No pool has `worker` between the
//       dashes of its name (crds/stream-job/pools.ts), so `<job>-worker` and `<job>-worker-<pool>` are never those of another job.
//   M3. Each child carries a hash of what was applied: a field that is not wanted any more cannot be seen by comparing what is wanted.

import { createHash } from 'node:crypto';

/** A Kubernetes object as it is applied: only the fields that the operator owns. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
};

export type Metadata = {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: boolean;
  readonly blockOwnerDeletion: boolean;
};

/** The StreamJob that children belong to. */
export type Owner = { readonly name: string; readonly namespace: string; readonly uid: string };

export const API_VERSION = 'millrace.dev/v1alpha1';
export const FINALIZER = 'millrace.dev/state';
export const JOB_LABEL = 'millrace.dev/job';
/** On what belongs to a pool other than the default one. */
export const POOL_LABEL = 'millrace.dev/pool';
/** On a Secret that the operator fills with credentials for NATS; its value says for whom (reconcile/user-secrets.ts). */
export const USER_LABEL = 'millrace.dev/nats-user';
/** On such a Secret: the job into whose account its credentials let. */
export const USER_JOB_LABEL = 'millrace.dev/nats-job';
export const APPLIED_ANNOTATION = 'millrace.dev/applied';

/** Labels by which pods of one job and pool are found; without a pool, those of the default pool and no others: selectors of two
 *  Deployments must not overlap. */
export function selectorLabels(job: string, pool?: string): Readonly<Record<string, string>> {
  if (pool === undefined) return { 'app.kubernetes.io/name': 'millrace-worker', [JOB_LABEL]: job };
  return { 'app.kubernetes.io/name': 'millrace-pool-worker', [JOB_LABEL]: job, [POOL_LABEL]: pool };
}

/** The same as the scale subresource wants it. */
export function selectorText(job: string): string {
  return Object.entries(selectorLabels(job))
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

export function labelsOf(job: string, pool?: string): Readonly<Record<string, string>> {
  return {
    ...selectorLabels(job, pool),
    'app.kubernetes.io/instance': job,
    'app.kubernetes.io/component': 'worker',
    'app.kubernetes.io/part-of': 'millrace',
    'app.kubernetes.io/managed-by': 'millrace',
  };
}

/** Names of a job's children. */
export const childNames = {
  worker: (job: string, pool?: string): string => (pool === undefined ? `${job}-worker` : `${job}-worker-${pool}`),
  credentials: (job: string): string => `${job}-nats`,
};

/** Metadata of what belongs to the workers of a pool. */
export function workersMetadata(owner: Owner, pool: string | undefined): Metadata {
  return { ...childMetadata(owner, childNames.worker(owner.name, pool)), labels: labelsOf(owner.name, pool) };
}

/** Metadata of a child: it goes when its job goes. */
export function childMetadata(owner: Owner, name: string, annotations?: Readonly<Record<string, string>>): Metadata {
  return {
    name,
    namespace: owner.namespace,
    labels: labelsOf(owner.name),
    ...(annotations === undefined ? {} : { annotations }),
    ownerReferences: [
      { apiVersion: API_VERSION, kind: 'StreamJob', name: owner.name, uid: owner.uid, controller: true, blockOwnerDeletion: true },
    ],
  };
}

/** M3. */
export function withAppliedHash(manifest: Manifest): Manifest {
  const { metadata } = manifest;
  const hash = createHash('sha256').update(JSON.stringify(manifest, inOrder)).digest('hex').slice(0, 16);
  return { ...manifest, metadata: { ...metadata, annotations: { ...metadata.annotations, [APPLIED_ANNOTATION]: hash } } };
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
