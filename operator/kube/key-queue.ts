// Keys that wait to be worked on: which is next, and when. Pure: times come in as arguments.
//
//            add                 take                 end
//   (none) ──────▶ ready ─────────────────▶ working ──────▶ (none), or ready when it was added meanwhile
//      │             ▲                         │
//      │ addAfter    │ its time has come       │ end with a delay
//      └────────▶ delayed ◀────────────────────┘
//
//   Q1. At most one worker has a key; a key added meanwhile is worked on again afterwards, once.
//   Q2. A key waits once, however often it was added; of two dates the earlier counts.
//   Q4. Taking a key drops the date at which it would have been woken: work looks at everything.
//   Q5. Groups take turns: a thousand keys of one hold up no other. Within a group the first come is first.

import { assert } from '../../runtime/base/assert.ts';

/** Keys of a group in the order they came, with the time they became ready. */
type Line = Map<string, number>;

export class KeyQueue {
  readonly #groupOf: (key: string) => string;
  /** Groups with ready keys; the first is the next to be served. */
  readonly #ready = new Map<string, Line>();
  #depth = 0;
  /** Key → when it is due. */
  readonly #delayed = new Map<string, number>();
  /** Key → since when, and whether it was added meanwhile. */
  readonly #working = new Map<string, { readonly sinceMs: number; isAddedAgain: boolean }>();

  constructor(groupOf: (key: string) => string) {
    this.#groupOf = groupOf;
  }

  get depth(): number {
    return this.#depth;
  }

  get delayed(): number {
    return this.#delayed.size;
  }

  get working(): number {
    return this.#working.size;
  }

  /** Work on `key` as soon as a worker is free. */
  add(key: string, nowMs: number): void {
    const work = this.#working.get(key);
    if (work !== undefined) {
      work.isAddedAgain = true;
      return;
    }
    const group = this.#groupOf(key);
    const line: Line = this.#ready.get(group) ?? new Map<string, number>();
    if (line.has(key)) return;
    line.set(key, nowMs);
    this.#ready.set(group, line);
    this.#depth++;
  }

  /** Work on `key` at `dueMs`, or earlier when something else asks for it. */
  addAt(key: string, dueMs: number): void {
    this.#delayed.set(key, Math.min(dueMs, this.#delayed.get(key) ?? Infinity));
  }

  /** The key to work on now, or null. It is the caller's until `end`. */
  take(nowMs: number): string | null {
    this.wake(nowMs);
    for (const [group, line] of this.#ready) {
      const [key] = line.keys();
      assert(key !== undefined, 'Q5: a group without keys is not ready');
      line.delete(key);
      this.#ready.delete(group);
      if (line.size > 0) this.#ready.set(group, line); // Q5: at the end of the groups
      this.#depth--;
      this.#delayed.delete(key); // Q4
      this.#working.set(key, { sinceMs: nowMs, isAddedAgain: false });
      return key;
    }
    return null;
  }

  /** Work on `key` has ended; null: nothing more to do, else the time at which to look again. */
  end(key: string, nextMs: number | null, nowMs: number): void {
    const work = this.#working.get(key);
    assert(work !== undefined, () => `Q1: ${key} is not being worked on`);
    this.#working.delete(key);
    if (nextMs !== null) this.addAt(key, nextMs);
    if (work.isAddedAgain) this.add(key, nowMs);
  }

  /** When the next delayed key is due; null: none. Looks at all of them: there is about one for each job. */
  nextDueMs(): number | null {
    return least(this.#delayed.values());
  }

  /** How long the key has waited that has waited longest, ms. */
  longestWaitMs(nowMs: number): number {
    return nowMs - (least(this.#readySince()) ?? nowMs);
  }

  longestWorkMs(nowMs: number): number {
    return nowMs - (least(this.#starts()) ?? nowMs);
  }

  *#readySince(): Iterable<number> {
    for (const line of this.#ready.values()) yield* line.values();
  }

  *#starts(): Iterable<number> {
    for (const { sinceMs } of this.#working.values()) yield sinceMs;
  }

  /** Delayed keys whose time has come are ready, since that time. A key being worked on is then worked on again. */
  wake(nowMs: number): void {
    if ((this.nextDueMs() ?? Infinity) > nowMs) return;
    const due = [...this.#delayed].filter(([, dueMs]) => dueMs <= nowMs).sort((a, b) => a[1] - b[1]);
    for (const [key, dueMs] of due) {
      this.#delayed.delete(key);
      this.add(key, dueMs);
    }
  }
}

function least(values: Iterable<number>): number | null {
  let found: number | null = null;
  for (const value of values) if (found === null || value < found) found = value;
  return found;
}
