// Entries whose values are in memory, in the order in which they came there, for who has to make room.
//
//   RS1. The first go first. One that changed since the present round began has another chance, but of CHANCES_MAX in a row one goes.
//   RS2. Who asks for room pays for what it gets: it looks at a bounded number of entries for each that goes.

import { AWAY, GONE, weightOf } from './cell-entry.ts';
import type { Entry } from './cell-entry.ts';
import { isSmall } from './spilled-values.ts';

const CHANCES_MAX = 3;
const LOOKS_MIN = 256;
/** What is gone is swept out when it is so many, and most. */
const SWEEP_MIN = 1_024;

export class Residents {
  #queue: Entry[] = [];
  #head = 0;
  #gone = 0;
  /** Generation in which the present round began, and how many entries are left of it. */
  #roundBegan = 0;
  #roundLeft = 0;

  add(entry: Entry): void {
    this.#queue.push(entry);
  }

  /** An entry that is here has been deleted. */
  noteGone(): void {
    if (++this.#gone < SWEEP_MIN || this.#gone * 2 < this.#queue.length - this.#head) return;
    this.#queue = this.#queue.slice(this.#head).filter(({ noted }) => noted !== GONE);
    this.#head = this.#gone = this.#roundLeft = 0;
  }

  /** Entries of about `weight` that are to go, no longer among these. Small values stay. */
  take(weight: number, generation: number): Entry[] {
    const taken: Entry[] = [];
    let [left, chances] = [weight, 0];
    for (let looks = LOOKS_MIN + 4 * weight; left > 0 && looks > 0 && this.#head < this.#queue.length; looks--) {
      const entry = this.#next(generation);
      if (entry.noted === GONE || entry.cell === AWAY) continue;
      const hasChance = entry.noted >= this.#roundBegan && ++chances <= CHANCES_MAX;
      if (hasChance || isSmall(entry.cell)) {
        this.#queue.push(entry);
        continue;
      }
      chances = 0;
      left -= weightOf(entry);
      taken.push(entry);
    }
    this.#trim();
    return taken;
  }

  #next(generation: number): Entry {
    if (this.#roundLeft-- <= 0) {
      this.#roundLeft = this.#queue.length - this.#head;
      this.#roundBegan = generation;
    }
    const entry = this.#queue[this.#head++] as Entry;
    if (entry.noted === GONE) this.#gone = Math.max(0, this.#gone - 1);
    return entry;
  }

  #trim(): void {
    if (this.#head < SWEEP_MIN || this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}
