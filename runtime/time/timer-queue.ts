// Durable event-time timers of one transform in one partition.
//
// Owns: pending timers, and what changed about them since the last delta. Does not own: the watermark.
//   T1. Timers come out in (time, key, id) order, whatever the order in which they were set: a replay fires them alike.
//   T2. At most one timer per key and id: setting it again replaces it.
// A binary heap with lazy deletion: a timer that was cleared stays in the heap, marked, until it comes up or until the
// dead outnumber the living. O(log n) to set and to pop, O(1) to clear.

import { assert } from '../base/assert.ts';
import type { Key } from '../event/batch.ts';
import type { Timer } from '../transforms/transform.ts';
import { Heap } from './heap.ts';

type Entry = {
  readonly timer: Timer;
  live: boolean;
  /** True until the delta that holds it was taken. */
  unsaved: boolean;
  /** It took the place of one that a delta held: clearing it is a change even when it was never saved itself. */
  readonly replacesSaved: boolean;
};

/** Timer changes since the last take: clears come before sets. */
export type TimerChanges = { readonly cleared: readonly (readonly [key: Key, id: string])[]; readonly set: readonly Timer[] };

const HEAP_COMPACT_MIN = 1024;

export class TimerQueue {
  readonly #heap = new Heap<Entry>(isBefore);
  #dead = 0;
  #size = 0;
  /** A key's only timer, or its timers by id: most keys have one, and a Map each would cost more than the timer. */
  readonly #byKey = new Map<Key, Entry | Map<string, Entry>>();
  #unsaved: Entry[] = [];
  #cleared: (readonly [Key, string])[] = [];

  get size(): number {
    return this.#size;
  }

  set(timer: Timer): void {
    assert(!Number.isNaN(timer.atMs), () => `timer ${timer.id} of key ${timer.key} has no time`);
    const replaced = this.#remove(timer.key, timer.id);
    this.#unsaved.push(this.#insert(timer, { unsaved: true, replacesSaved: replaced !== undefined && isSaved(replaced) }));
  }

  clear(key: Key, id: string): void {
    const removed = this.#remove(key, id);
    if (removed !== undefined && isSaved(removed)) this.#cleared.push([key, id]);
  }

  /** Time of the earliest timer, or Infinity. */
  nextDueMs(): number {
    return this.#top()?.timer.atMs ?? Infinity;
  }

  /** Takes out the earliest timer that is due at `watermark`, or null. */
  popDue(watermark: number): Timer | null {
    const top = this.#top();
    if (top === undefined || top.timer.atMs > watermark) return null;
    this.clear(top.timer.key, top.timer.id);
    return top.timer;
  }

  /** Live timers, in no particular order. */
  *all(): IterableIterator<Timer> {
    for (const entry of this.#heap.values()) if (entry.live) yield entry.timer;
  }

  /** Live timers of one key. */
  of(key: Key): readonly Timer[] {
    const found = this.#byKey.get(key);
    if (found === undefined) return [];
    return found instanceof Map ? [...found.values()].map(({ timer }) => timer) : [found.timer];
  }

  get isChanged(): boolean {
    return this.#unsaved.length > 0 || this.#cleared.length > 0;
  }

  takeChanges(): TimerChanges {
    const set: Timer[] = [];
    for (const entry of this.#unsaved) {
      entry.unsaved = false;
      if (entry.live) set.push(entry.timer);
    }
    const changes = { cleared: this.#cleared, set };
    this.#unsaved = [];
    this.#cleared = [];
    return changes;
  }

  /** Applies changes that another queue made; they are not noted as changes of this one. */
  applyChanges(changes: TimerChanges): void {
    for (const [key, id] of changes.cleared) this.#remove(key, id);
    for (const timer of changes.set) {
      this.#remove(timer.key, timer.id);
      this.#insert(timer, { unsaved: false, replacesSaved: false });
    }
  }

  #insert(timer: Timer, { unsaved, replacesSaved }: { unsaved: boolean; replacesSaved: boolean }): Entry {
    const entry: Entry = { timer, live: true, unsaved, replacesSaved };
    const found = this.#byKey.get(timer.key);
    if (found === undefined) this.#byKey.set(timer.key, entry);
    else if (found instanceof Map) found.set(timer.id, entry);
    else
      this.#byKey.set(
        timer.key,
        new Map([
          [found.timer.id, found],
          [timer.id, entry],
        ]),
      );
    this.#size++;
    this.#heap.push(entry);
    return entry;
  }

  #remove(key: Key, id: string): Entry | undefined {
    const found = this.#byKey.get(key);
    if (found === undefined) return undefined;
    const entry = found instanceof Map ? found.get(id) : found.timer.id === id ? found : undefined;
    if (entry === undefined) return undefined;
    if (!(found instanceof Map) || found.size === 1) this.#byKey.delete(key);
    else found.delete(id);
    this.#bury(entry);
    return entry;
  }

  #bury(entry: Entry): void {
    entry.live = false;
    this.#dead++;
    this.#size--;
    if (this.#dead > HEAP_COMPACT_MIN && this.#dead > this.#size) this.#compact();
  }

  #compact(): void {
    this.#heap.retain((entry) => entry.live);
    this.#dead = 0;
  }

  #top(): Entry | undefined {
    for (;;) {
      const top = this.#heap.peek();
      if (top === undefined || top.live) return top;
      this.#heap.pop();
      this.#dead--;
    }
  }
}

function isSaved(entry: Entry): boolean {
  return !entry.unsaved || entry.replacesSaved;
}

/** T1. */
function isBefore(a: Entry, b: Entry): boolean {
  const left = a.timer;
  const right = b.timer;
  if (left.atMs !== right.atMs) return left.atMs < right.atMs;
  if (left.key !== right.key) return left.key < right.key;
  return left.id < right.id;
}
