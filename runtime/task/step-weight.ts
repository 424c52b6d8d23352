// How many bytes a step holds in memory that it did not find there: values of state that it got from disk or changed, and what it gives.
//
//   B1. Where memory for values is bounded (state.memory) a step of more than its share of that ends at the next portion; what it holds
//       goes with its commit. Elsewhere time alone ends steps.
//   B2. What cannot be stored yet goes on, whatever it holds (chain.ts, H8).
//   B3. Estimated, from a few values.

import type { Batch } from '../event/batch.ts';
import { RoughSum } from '../event/rough-bytes.ts';
import type { PartitionState } from '../state/partition-state.ts';

/** A portion may hold so much of a step's share: a step ends soon behind it. */
const PORTION_SHARE = 1 / 4;

export class StepWeight {
  readonly #state: Pick<PartitionState, 'stepBytesMax' | 'touchedBytes'>;
  #given = new RoughSum();

  constructor(state: Pick<PartitionState, 'stepBytesMax' | 'touchedBytes'>) {
    this.#state = state;
  }

  /** Leaves the stage with the step's commit. */
  gives({ values }: Batch): void {
    if (this.#state.stepBytesMax < Infinity) for (const value of values) this.#given.add(value);
  }

  /** What was given is stored. */
  begin(): void {
    this.#given = new RoughSum();
  }

  get bytes(): number {
    return this.#given.bytes + this.#state.touchedBytes;
  }

  /** Bytes there is room for yet; Infinity: there is no bound. */
  get left(): number {
    const max = this.#state.stepBytesMax;
    return max === Infinity ? Infinity : Math.max(0, max - this.bytes);
  }

  get isOver(): boolean {
    return this.left === 0;
  }

  /** How much of what a portion may hold came since there were `before` bytes. */
  shareSince(before: number): number {
    return (this.bytes - before) / (this.#state.stepBytesMax * PORTION_SHARE);
  }
}
