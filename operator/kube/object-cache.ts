// What is known of the objects of one kind, and what a list or a watch changes about it. Pure.
//
//   B1. Events are differences: showing the same state twice gives no event.
//   B2. An object of another uid is another object, even under the same name: the old one is deleted first.
//   B3. A list is the truth about its namespaces only.
//   B4. `metadata.managedFields` is not kept: nobody reads it, and it is half of most objects.

import { type KubeObject, keyOf, type ObjectKey, objectKey } from './kube-object.ts';

export type CacheEvent<T> =
  | { readonly kind: 'added'; readonly object: T }
  | { readonly kind: 'changed'; readonly object: T; readonly old: T }
  /** `object` is the last that was known of it. */
  | { readonly kind: 'deleted'; readonly object: T };

export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<ObjectKey, T>();

  get size(): number {
    return this.#objects.size;
  }

  get(namespace: string | null, name: string): T | undefined {
    return this.#objects.get(objectKey(namespace, name));
  }

  /** Objects of one namespace, or all. */
  list(namespace?: string): readonly T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** An object is there, in this state. Gives what that changes. */
  put(object: T): readonly CacheEvent<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old !== undefined && isSameState(old, object)) return [];
    const kept = withoutManagedFields(object);
    this.#objects.set(key, kept);
    if (old === undefined) return [{ kind: 'added', object: kept }];
    if (old.metadata.uid === object.metadata.uid) return [{ kind: 'changed', object: kept, old }];
    return [
      { kind: 'deleted', object: old },
      { kind: 'added', object: kept },
    ];
  }

  /** An object is gone; what was its last state is told when it was known. */
  remove(object: T): readonly CacheEvent<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old === undefined || old.metadata.uid !== object.metadata.uid) return [];
    this.#objects.delete(key);
    return [{ kind: 'deleted', object: withoutManagedFields(object) }];
  }

  /** B3. Keys that a list of this namespace (null: of all) did not show are gone. */
  removeUnlisted(namespace: string | null, listed: ReadonlySet<ObjectKey>): readonly CacheEvent<T>[] {
    const gone = [...this.#objects].filter(
      ([key, { metadata }]) => !listed.has(key) && (namespace === null || metadata.namespace === namespace),
    );
    return gone.map(([key, object]) => {
      this.#objects.delete(key);
      return { kind: 'deleted', object };
    });
  }
}

function isSameState(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}

/** B4. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { readonly managedFields?: unknown };
  return { ...object, metadata };
}
