// The directory and the bus of a job in memory, for workers that live in one process. Answers what NATS KV answers:
// revisions count up over all keys, `update` compares, a watcher gets every key as it is and then every change, in order.

import type { Bus, Directory, Entry } from '../worker/directory.ts';

type Watcher = (key: string, entry: Entry | null) => void;

export class MemoryDirectory implements Directory {
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<Watcher>();
  #revision = 0;

  get(key: string): Promise<Entry | null> {
    return Promise.resolve(this.#entries.get(key) ?? null);
  }

  put(key: string, value: unknown): Promise<void> {
    this.#set(key, { value: structuredClone(value), revision: ++this.#revision });
    return Promise.resolve();
  }

  update(key: string, value: unknown, revision: number): Promise<number | null> {
    if ((this.#entries.get(key)?.revision ?? 0) !== revision) return Promise.resolve(null);
    this.#set(key, { value: structuredClone(value), revision: ++this.#revision });
    return Promise.resolve(this.#revision);
  }

  delete(key: string): Promise<void> {
    if (this.#entries.has(key)) this.#set(key, null);
    return Promise.resolve();
  }

  watch(onChange: Watcher): Promise<() => Promise<void>> {
    for (const [key, entry] of this.#entries) onChange(key, entry);
    this.#watchers.add(onChange);
    return Promise.resolve(() => Promise.resolve(void this.#watchers.delete(onChange)));
  }

  #set(key: string, entry: Entry | null): void {
    if (entry === null) this.#entries.delete(key);
    else this.#entries.set(key, entry);
    for (const watcher of this.#watchers) watcher(key, entry);
  }
}

export class MemoryBus implements Bus {
  /** Topics that it says nobody listens on, though somebody does: as when a connection is being made anew. */
  readonly unheard = new Set<string>();
  readonly #listeners = new Map<string, Set<(value: unknown) => void>>();

  publish(topic: string, value: unknown): void {
    const copy = structuredClone(value);
    for (const listener of this.#listeners.get(topic) ?? []) listener(copy);
  }

  subscribe(topic: string, onMessage: (value: unknown) => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(onMessage));
    return () => listeners.delete(onMessage);
  }

  isHeard(topic: string): Promise<boolean | null> {
    return Promise.resolve(!this.unheard.has(topic) && (this.#listeners.get(topic)?.size ?? 0) > 0);
  }
}
