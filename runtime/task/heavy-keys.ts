// Which key most events of a task have: a sketch of its heaviest keys. Algorithm: space-saving (Metwally, Agrawal, El Abbadi:
// Efficient Computation of Frequent and Top-k Elements in Data Streams, ICDT 2005).
//
//   H1. Bounded, whatever comes: KEYS_MAX keys are counted, and of a batch not many more than LOOKS_MAX events are looked at.
//   H2. A share is told too low rather than too high: what a key may have inherited from one that it replaced is taken off.
//   H3. What was long ago counts less and less.

import type { Key } from '../event/batch.ts';

export type HeavyKey = { readonly key: Key; /** Of the task's events, 0 … 1. */ readonly share: number };

const KEYS_MAX = 16;
const LOOKS_MAX = 16;
/** Events looked at after which all counts are halved: enough of them to tell a tenth from a fifth. */
const FADE_LOOKS = 512;

export class HeavyKeys {
  /** Key → its place in the lists. */
  readonly #places = new Map<Key, number>();
  readonly #keys: Key[] = [];
  readonly #events = new Float64Array(KEYS_MAX);
  readonly #inherited = new Float64Array(KEYS_MAX);
  #total = 0;
  #looks = 0;
  /** Which event of a stretch is looked at: drawn without chance, so that keys that come in turns are all seen. */
  #turn = 1;

  note(keys: readonly Key[]): void {
    const stretch = Math.ceil(keys.length / LOOKS_MAX);
    for (let from = 0; from < keys.length; from += stretch) {
      const length = Math.min(stretch, keys.length - from);
      this.#turn = (Math.imul(this.#turn, 1_103_515_245) + 12_345) >>> 0;
      this.#add(keys[from + ((this.#turn >>> 8) % length)] as Key, length);
    }
    if (this.#looks > FADE_LOOKS) this.#fade();
  }

  /** The heaviest key; null: nothing came yet. */
  top(): HeavyKey | null {
    const own = this.#keys.map((_, place) => (this.#events[place] ?? 0) - (this.#inherited[place] ?? 0));
    const most = Math.max(...own);
    const key = this.#keys[own.indexOf(most)];
    return key === undefined ? null : { key, share: most / this.#total };
  }

  #add(key: Key, events: number): void {
    this.#looks++;
    this.#total += events;
    const known = this.#places.get(key);
    if (known !== undefined) this.#events[known]! += events;
    else if (this.#keys.length < KEYS_MAX) this.#put(this.#keys.length, key, events);
    else this.#replace(key, events);
  }

  /** The lightest goes, and what it had is the new one's: perhaps it was there before and was forgotten. */
  #replace(key: Key, events: number): void {
    let place = 0;
    for (let i = 1; i < KEYS_MAX; i++) if (this.#events[i]! < this.#events[place]!) place = i;
    this.#places.delete(this.#keys[place]!);
    this.#inherited[place] = this.#events[place]!;
    this.#put(place, key, this.#events[place]! + events);
  }

  #put(place: number, key: Key, events: number): void {
    this.#places.set(key, place);
    this.#keys[place] = key;
    this.#events[place] = events;
  }

  /** H3. */
  #fade(): void {
    this.#looks /= 2;
    this.#total /= 2;
    for (let i = 0; i < KEYS_MAX; i++) {
      this.#events[i]! /= 2;
      this.#inherited[i]! /= 2;
    }
  }
}
