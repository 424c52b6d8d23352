// What a transform got lately of keys that somebody looks at: the last events and timers of each.
//
//   KW1. Where nobody looks there is no watch, and an event costs nothing more; a watch that nobody asks any more ends itself.
//   KW2. What is noted is for people: it is in no record, and whoever takes the task over begins without it.

import type { Batch, Key, Value } from '../event/batch.ts';
import type { Timer } from '../transforms/transform.ts';

/** `traceId`: null: it is not traced. */
export type Recent = { readonly kind: 'event' | 'timer'; readonly timeMs: number; readonly value: Value; readonly traceId: string | null };

/** What a task knows of one key. */
export type KeyLook = {
  readonly cells: readonly (readonly [namespace: number, cell: Value])[];
  readonly timers: readonly Timer[];
  /** Traces of the events that set pending timers, by the timer's id. */
  readonly timerTraces: ReadonlyMap<string, string>;
  /** Traced events of which results will be made, as they came. */
  readonly contributors: readonly { readonly timeMs: number; readonly traceId: string }[];
  readonly recent: readonly Recent[];
};

/** Somebody who looks asks again every second or two. */
const ASKED_MAX_MS = 15_000;
const KEYS_MAX = 8;
const RECENT_MAX = 32;

type Watched = { readonly recent: Recent[] };

export class KeyWatch {
  readonly #keys = new Map<Key, Watched>();
  #askedMs: number;

  constructor(nowMs: number) {
    this.#askedMs = nowMs;
  }

  /** What it got of `key` since it is watched: from now on when it was not. Oldest first. */
  of(key: Key, nowMs: number): readonly Recent[] {
    this.#askedMs = nowMs;
    const known = this.#keys.get(key) ?? { recent: [] };
    this.#keys.delete(key);
    this.#keys.set(key, known); // the one asked last is last
    const oldest = this.#keys.keys().next().value;
    if (this.#keys.size > KEYS_MAX && oldest !== undefined) this.#keys.delete(oldest);
    return known.recent;
  }

  /** False: nobody has asked for a while, and nobody needs this any more (KW1). */
  note({ keys, values, times, traces = [] }: Batch, nowMs: number): boolean {
    if (nowMs - this.#askedMs > ASKED_MAX_MS) return false;
    for (let i = 0; i < values.length; i++) {
      const watched = this.#keys.get(keys === null ? '' : (keys[i] as Key));
      if (watched === undefined) continue;
      const traceId = traces.find(({ at }) => at === i)?.context.traceId ?? null;
      add(watched, { kind: 'event', timeMs: times[i] as number, value: values[i], traceId });
    }
    return true;
  }

  noteTimer({ key, atMs, data }: Timer, traceId: string | null): void {
    const watched = this.#keys.get(key);
    if (watched !== undefined) add(watched, { kind: 'timer', timeMs: atMs, value: data, traceId });
  }
}

function add({ recent }: Watched, one: Recent): void {
  recent.push(one);
  if (recent.length > RECENT_MAX) recent.shift();
}
