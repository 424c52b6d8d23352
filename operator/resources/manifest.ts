// What all children of a StreamJob have in common: names, labels, and who owns them.
//
//   M1. A builder is pure: the same job gives the same manifest, to the letter. What differs from the cluster is drift.
//   M2. Names come from the job's name only, so a child is found without being remembered.
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
/** On a Secret that the operator fills with credentials for NATS; its value says for whom (reconcile/user-secrets.ts). */
export const USER_LABEL = 'millrace.dev/nats-user';
/** On such a Secret: the job into whose account its credentials let. */
export const USER_JOB_LABEL = 'millrace.dev/nats-job';
export const APPLIED_ANNOTATION = 'millrace.dev/applied';

/** Labels by which pods and children of one job are found. */
export function selectorLabels(job: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': 'millrace-worker', [JOB_LABEL]: job };
}

/** The same as the scale subresource wants it. */
export function selectorText(job: string): string {
  return Object.entries(selectorLabels(job))
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

export function labelsOf(job: string): Readonly<Record<string, string>> {
  return {
    ...selectorLabels(job),
    'app.kubernetes.io/instance': job,
    'app.kubernetes.io/component': 'worker',
    'app.kubernetes.io/part-of': 'millrace',
    'app.kubernetes.io/managed-by': 'millrace',
  };
}

/** Names of a job's children. */
export const childNames = {
  worker: (job: string): string => `${job}-worker`,
  credentials: (job: string): string => `${job}-nats`,
};

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
