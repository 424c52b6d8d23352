// Kubernetes objects as they come and go: parsed JSON, timestamps as texts, nothing renamed.
//
//   O1. What the API server stored has uid and resourceVersion; what we apply has neither.
//   O2. Objects from the cluster are shared by everyone who reads the cache: they are never changed in place.

/** What we say about an object's metadata when we write it. */
export type AppliedMeta = {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
};

/** An object as we create or apply it: only the fields that we own. */
export type AppliedObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: AppliedMeta;
  readonly [field: string]: unknown;
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

/** Metadata as the API server has it. Times are RFC 3339 texts. */
export type ObjectMeta = AppliedMeta & {
  readonly uid: string;
  /** Opaque; only equality means something. */
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
};

/** An object as the API server has it. `metadata.managedFields` is gone from everything that the cache holds. */
export type KubeObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
};

/** An object whose fields beside the metadata are read with care: what the schema of the cluster made of them is not known here. */
export type AnyObject = KubeObject & { readonly [field: string]: unknown };

/** `namespace/name`; `/name` for an object of the whole cluster. */
export type ObjectKey = string;

/** The key of an object in caches and queues. */
export function keyOf(object: { readonly metadata: AppliedMeta }): ObjectKey {
  return objectKey(object.metadata.namespace ?? null, object.metadata.name);
}

/** The key of what is only known by name. */
export function objectKey(namespace: string | null, name: string): ObjectKey {
  return `${namespace ?? ''}/${name}`;
}

/** A key taken apart again. */
export function splitKey(key: ObjectKey): { readonly namespace: string | null; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: slash > 0 ? key.slice(0, slash) : null, name: key.slice(slash + 1) };
}
