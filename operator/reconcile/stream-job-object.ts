// A StreamJob as the API server has it, as a JobObject. Pure.

import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import type { JobObject } from '../lifecycle/observed.ts';
import { FINALIZER } from '../resources/manifest.ts';

export function jobObjectOf(object: AnyObject): JobObject {
  const { metadata } = object;
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    uid: metadata.uid,
    generation: metadata.generation ?? 0,
    createdMs: Date.parse(metadata.creationTimestamp ?? ''),
    deletedMs: metadata.deletionTimestamp === undefined ? null : Date.parse(metadata.deletionTimestamp),
    hasFinalizer: (metadata.finalizers ?? []).includes(FINALIZER),
    annotations: metadata.annotations ?? {},
    spec: (object['spec'] ?? {}) as JobObject['spec'],
    status: (object['status'] ?? {}) as StreamJobStatus,
  };
}

/** The job's name in NATS. `_` is in no name of Kubernetes, so no two jobs share one. */
export function identityOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}_${name}`;
}
