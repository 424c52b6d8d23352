// How many bytes values take, learned from a few of those that pass: to encode each to know it would cost as much as to store it.

import { PLAIN_CELL } from './cell-changes.ts';
import { encodeValue } from './value-codec.ts';

/** Before anything was seen. */
const BYTES_GUESS = 64;
/** Of so many values one is looked at, and so many of those make the mean. */
const SAMPLE_EVERY = 64;
const MEAN_OF = 64;

export class ValueSizes {
  #seen = 0;
  /** Bytes of a plain cell, or of an item of a list. */
  mean = BYTES_GUESS;

  /** `puts`: triples as cell-changes.ts has them. */
  learn(puts: readonly unknown[]): void {
    for (let i = 0; i < puts.length; i += 3 * SAMPLE_EVERY) {
      const [kind, cell] = [puts[i + 1], puts[i + 2]];
      const items = kind === PLAIN_CELL ? 1 : Math.max(1, (cell as readonly unknown[]).length);
      this.#seen = Math.min(this.#seen + 1, MEAN_OF);
      this.mean += (Math.max(1, encodeValue(cell).length / items) - this.mean) / this.#seen;
    }
  }
}
