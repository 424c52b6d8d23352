// Watermarks: how far event time has come. A watermark W says that no event with a time <= W will come any more.
//
//   W1. A watermark never goes back.
//   W2. Over several inputs it is the lowest; an input that has ended holds nobody back (WATERMARK_MAX).

import { assert } from '../base/assert.ts';
import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';

/** The lowest of `watermarks`; WATERMARK_MAX when there are none. */
export function minWatermark(watermarks: Iterable<number>): number {
  let lowest = WATERMARK_MAX;
  for (const watermark of watermarks) if (watermark < lowest) lowest = watermark;
  return lowest;
}

/** The watermark of a stream whose events are out of order by at most `maxOutOfOrderMs`, after `highestMs` was seen. */
export function boundedOutOfOrder({ highestMs, maxOutOfOrderMs }: { highestMs: number; maxOutOfOrderMs: number }): number {
  return highestMs - maxOutOfOrderMs - 1; // an event as old as the bound allows is not late yet
}

/** The watermarks of several inputs, and the one that holds over all of them. */
export class InputWatermarks {
  readonly #inputs: number[];
  #lowest: number;

  /** All inputs at WATERMARK_MIN, or as they stood. */
  constructor(inputs: number | readonly number[]) {
    this.#inputs = typeof inputs === 'number' ? Array.from({ length: inputs }, () => WATERMARK_MIN) : [...inputs];
    this.#lowest = minWatermark(this.#inputs);
  }

  /** W2. */
  get lowest(): number {
    return this.#lowest;
  }

  get isEnded(): boolean {
    return this.#lowest === WATERMARK_MAX;
  }

  /** Input `index` has reached `watermark`; an older one changes nothing (W1). True when `lowest` rose. */
  advance(index: number, watermark: number): boolean {
    const before = this.#inputs[index];
    assert(before !== undefined, () => `input ${index} of ${this.#inputs.length}`);
    if (!(watermark > before)) return false;
    this.#inputs[index] = watermark;
    if (before !== this.#lowest) return false; // it was not the one that held the others back
    const lowest = minWatermark(this.#inputs);
    const rose = lowest > this.#lowest;
    this.#lowest = lowest;
    return rose;
  }

  end(index: number): boolean {
    return this.advance(index, WATERMARK_MAX);
  }

  /** As they stand, to be stored. */
  values(): readonly number[] {
    return [...this.#inputs];
  }
}
