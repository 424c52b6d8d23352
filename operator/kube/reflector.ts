// A copy of the objects of one kind, kept true by listing once and watching from there.
//
//   F1. Every state that an object ends in is seen, though not every state on the way: nothing is lost by a cut connection.
//   F2. Events of one object come in order, and the cache is already changed when they come.
//   F3. It goes on for ever: whatever the server answers, it is asked again, later and later.
//   F4. A handler that throws hurts neither the watch nor other handlers.
//   F5. What is in the cache is shared: handlers and readers never change it.

import { assert } from '../../runtime/base/assert.ts';
import type { Clock, Random } from '../../runtime/base/clock.ts';
import type { KubeClient, Selection } from './kube-client.ts';
import type { AnyObject, KubeObject } from './kube-object.ts';
import { type CacheEvent, ObjectCache } from './object-cache.ts';
import type { Resource } from './resource.ts';
import { WatchLoop } from './watch-loop.ts';

/** What is watched: the whole cluster, or namespaces one by one, as a Role allows. */
export type Scope = { readonly kind: 'cluster' } | { readonly kind: 'namespaces'; readonly namespaces: readonly string[] };

export type ReflectorEvent<T> =
  | CacheEvent<T>
  /** Nothing happened: it is shown again, as `resyncMs` asks. */
  | { readonly kind: 'resync'; readonly object: T };

export type ReflectorOptions<T extends KubeObject> = {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  readonly scope: Scope;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Shows every object again about this often; null: never. */
  readonly resyncMs?: number | null;
  readonly clock: Clock;
  readonly random: Random;
  /** A handler threw; a watch is in trouble (each new trouble once). For the log. */
  readonly onProblem?: (problem: string, cause?: unknown) => void;
};

export type ReflectorHealth = {
  readonly synced: boolean;
  /** Of the quietest watch: since when nothing came, ms; null before the first answer. Bookmarks come every minute or two. */
  readonly contactAgeMs: number | null;
  readonly objects: number;
  readonly lists: number;
  readonly watches: number;
  /** Watches that ended otherwise than by their own time limit. */
  readonly cuts: number;
  /** Watches whose place in history was gone (410). */
  readonly expired: number;
  readonly handlerErrors: number;
  /** What goes wrong now, one of the watches' troubles; null: all stand. */
  readonly problem: string | null;
};

type Handler<T> = (event: ReflectorEvent<T>) => void;

export class Reflector<T extends KubeObject = AnyObject> {
  /** Resolves when every namespace was listed once and its objects were emitted. Never rejects. */
  readonly synced: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<Handler<T>>();
  readonly #loops: readonly WatchLoop<T>[];
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | null = null;
  #unlisted: number;
  #markSynced: () => void = () => undefined;
  #handlerErrors = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve;
    });
    const namespaces = options.scope.kind === 'cluster' ? [null] : [...new Set(options.scope.namespaces)];
    assert(namespaces.length > 0, 'a reflector watches at least one namespace');
    this.#loops = namespaces.map((namespace) => this.#loopOf(namespace));
    this.#unlisted = this.#loops.length;
  }

  start(): void {
    assert(this.#running === null, 'a reflector starts once');
    const { signal } = this.#stopping;
    this.#running = Promise.all([...this.#loops.map((loop) => loop.run(signal)), this.#resync(signal)]);
  }

  /** Resolves when nothing more will be emitted. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Gives all later events to `handler`, and `added` for each object that is there already. Returns how to end it. */
  subscribe(handler: Handler<T>): () => void {
    const mine: Handler<T> = (event) => this.#call(handler, event);
    for (const object of this.#cache.list()) mine({ kind: 'added', object });
    this.#handlers.add(mine);
    return () => this.#handlers.delete(mine);
  }

  get(namespace: string | null, name: string): T | undefined {
    return this.#cache.get(namespace, name);
  }

  /** Objects of one namespace, or all. */
  list(namespace?: string): readonly T[] {
    return this.#cache.list(namespace);
  }

  isSynced(): boolean {
    return this.#unlisted === 0;
  }

  health(): ReflectorHealth {
    const sum = (count: (loop: WatchLoop<T>) => number): number => this.#loops.reduce((total, loop) => total + count(loop), 0);
    const contactsMs = this.#loops.map((loop) => loop.contactMs);
    const nowMs = this.#options.clock.monotonicMs();
    return {
      synced: this.isSynced(),
      contactAgeMs: contactsMs.every((atMs) => atMs !== null) ? nowMs - Math.min(...contactsMs) : null,
      objects: this.#cache.size,
      lists: sum((loop) => loop.lists),
      watches: sum((loop) => loop.watches),
      cuts: sum((loop) => loop.cuts),
      expired: sum((loop) => loop.expired),
      handlerErrors: this.#handlerErrors,
      problem: this.#loops.find((loop) => loop.problem !== null)?.problem ?? null,
    };
  }

  #loopOf(namespace: string | null): WatchLoop<T> {
    const { client, resource, labelSelector, fieldSelector, clock, random, onProblem } = this.#options;
    const selection: Selection = {
      namespace,
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    let isListed = false;
    const onListed = (): void => {
      if (isListed) return;
      isListed = true;
      if (--this.#unlisted === 0) this.#markSynced();
    };
    const emit = (events: readonly CacheEvent<T>[]): void => this.#emit(events);
    const told = (problem: string): void => onProblem?.(`watch of ${resource.plural} in ${namespace ?? 'all namespaces'}: ${problem}`);
    return new WatchLoop({ client, resource, selection, cache: this.#cache, emit, clock, random, onListed, onTrouble: told });
  }

  #emit(events: readonly ReflectorEvent<T>[]): void {
    for (const event of events) {
      // Who subscribes while an event is given has seen the new state already.
      const handlers = [...this.#handlers];
      for (const handler of handlers) if (this.#handlers.has(handler)) handler(event);
    }
  }

  /** F4. */
  #call(handler: Handler<T>, event: ReflectorEvent<T>): void {
    try {
      handler(event);
    } catch (error) {
      this.#handlerErrors++;
      this.#options.onProblem?.(
        `a handler of ${this.#options.resource.plural} failed at ${event.kind} ${event.object.metadata.name}`,
        error,
      );
    }
  }

  async #resync(signal: AbortSignal): Promise<void> {
    const { resyncMs = null, clock, random } = this.#options;
    if (resyncMs === null) return;
    while (!signal.aborted) {
      // A tenth of chance: reflectors of one process do not fall into step.
      await clock.sleep(resyncMs * (0.95 + random.next() / 10), signal);
      if (!signal.aborted) this.#emit(this.#cache.list().map((object) => ({ kind: 'resync', object })));
    }
  }
}
