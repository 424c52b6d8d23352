// A copy of the objects of one kind, kept true by listing once and watching from there.
//
//   F1. Every state that an object ends in is seen, though not every state on the way: nothing is lost by a cut connection.
//   F2. Events of one object come in order, and the cache is already changed when they come.
//   F3. It goes on for ever: whatever the server answers, it is asked again, later and later.
//   F4. A handler that throws hurts neither the watch nor other handlers.

import type { KubeObject } from './kube-object.ts';

export type Scope = { readonly kind: 'cluster' } | { readonly kind: 'namespaces'; readonly namespaces: readonly string[] };

export type ReflectorEvent<T> =
  | { readonly kind: 'added'; readonly object: T }
  | { readonly kind: 'changed'; readonly object: T; readonly old: T }
  /** `object` is the last that was known of it. */
  | { readonly kind: 'deleted'; readonly object: T }
  /** Nothing happened: it is shown again, as `resyncMs` asks. */
  | { readonly kind: 'resync'; readonly object: T };

export type ReflectorHealth = {
  readonly synced: boolean;
  /** Since when the server of the quietest watch has said nothing, ms; null before the first answer. Bookmarks come every minute. */
  readonly contactAgeMs: number | null;
  readonly objects: number;
  readonly lists: number;
  readonly watches: number;
  /** Watches that ended otherwise than by their own time limit. */
  readonly cuts: number;
  /** Watches whose place in history was gone (410). */
  readonly expired: number;
  readonly handlerErrors: number;
  /** What went wrong last, while it is not mended; null: all watches stand. */
  readonly problem: string | null;
};

export declare class Reflector<T extends KubeObject> {
  /** Resolves when every namespace was listed once and its objects were emitted. Never rejects. */
  readonly synced: Promise<void>;
  start(): void;
  /** Resolves when nothing more will be emitted. */
  stop(): Promise<void>;
  /** Gives all later events to `handler`, and `added` for each object that is there already. Returns how to end it. */
  subscribe(handler: (event: ReflectorEvent<T>) => void): () => void;
  get(namespace: string | null, name: string): T | undefined;
  /** Objects of one namespace, or all. */
  list(namespace?: string): readonly T[];
  health(): ReflectorHealth;
}
