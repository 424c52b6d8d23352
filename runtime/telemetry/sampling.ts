// Which events of a batch are sampled: one decision a batch, the same share of events in the long run as one each.
//
//   S1. Gaps between sampled events are drawn (geometric): a batch without one costs a comparison.

import { assert } from '../base/assert.ts';
import type { Random } from '../base/clock.ts';

export class RatioSampler {
  readonly #ratio: number;
  readonly #random: Random;
  /** Events to pass before the next one is taken. */
  #gap: number;

  constructor(ratio: number, random: Random) {
    assert(ratio >= 0 && ratio <= 1, () => `a share is from 0 to 1, not ${ratio}`);
    this.#ratio = ratio;
    this.#random = random;
    this.#gap = this.#draw();
  }

  /** Indices of the sampled ones among the next `count` events. */
  next(count: number): readonly number[] {
    if (this.#gap >= count) {
      this.#gap -= count;
      return NONE;
    }
    const taken: number[] = [];
    while (this.#gap < count) {
      taken.push(this.#gap);
      this.#gap += 1 + this.#draw();
    }
    this.#gap -= count;
    return taken;
  }

  #draw(): number {
    if (this.#ratio <= 0) return Infinity;
    if (this.#ratio >= 1) return 0;
    return Math.floor(Math.log(1 - this.#random.next()) / Math.log(1 - this.#ratio));
  }
}

const NONE: readonly number[] = [];
