// How much memory the values of all states of one worker may take, and who gives some up when it is more.
//
//   VM1. When all states together have more than `memoryBytes`, each that has more than its equal share goes down to that. A state whose
//        changes were not taken yet is left until they are.
//   VM2. When the disk does not take any more, values stay in memory; it is told, and tried again after a while.
//   VM4. What a step touches is not bounded by this but by where it ends: a part of the memory, by the number of states, within bounds: a
//        commit costs what it costs, and what many values of one step take beside it is not counted to the byte.
//   VM3. A state that nobody has any more is not kept by this.

import type { Clock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import type { ValueStore } from '../base/value-store.ts';

/** A state as it is counted here. */
export type Sharing = {
  /** Of values in memory, as they are encoded; estimated. */
  readonly valueBytes: number;
  readonly isChanged: boolean;
  /** Of values that are not in memory. */
  readonly diskBytes: number;
  /** Takes values out of memory until they have about so many bytes. Throws what the store fails with. */
  spill(bytesMax: number): void;
};

/** Bytes of values in memory, as they are encoded, and of those that are not, on disk. */
export type MemoryBounds = { readonly memoryBytes: number; readonly diskBytes: number };

/** What all states have in memory and on disk, in bytes, and how many values have gone there and were read back. */
export type ValueFigures = MemoryBounds & { readonly written: number; readonly read: number };

/** Where values may lie that do not fit memory. */
export type ValuePlace = {
  /** Absent: all stay in memory. */
  readonly openValues?: () => ValueStore;
  /** How many bytes a step may touch; absent: a part of the memory. */
  readonly stepBytes?: number;
};

export type ValueMemoryParts = {
  readonly bounds: MemoryBounds;
  readonly open: () => ValueStore;
  readonly monotonicMs: () => number;
  readonly stepBytes?: number | undefined;
  /** The disk takes nothing. */
  readonly onTrouble: (error: unknown) => void;
};

const NO_BOUNDS: MemoryBounds = { memoryBytes: Infinity, diskBytes: Infinity };
const RETRY_MS = 10_000;
/** All steps together may hold so much of the memory beside what lies there between them. */
const STEPS_SHARE = 1 / 4;
const STEP_BYTES_MIN = 2 ** 18;
const STEP_BYTES_MAX = 2 ** 23;

export class ValueMemory {
  readonly #parts: ValueMemoryParts;
  readonly #states = new Set<WeakRef<Sharing>>();
  #retryMs = -Infinity;
  #bounds: MemoryBounds;
  /** Values that were put on disk, and read from there, so far. */
  written = 0;
  read = 0;

  constructor(parts: ValueMemoryParts) {
    this.#parts = parts;
    this.#bounds = parts.bounds;
  }

  /** Null: there are no bounds, or no store: all values stay in memory. */
  static of(
    bounds: MemoryBounds | undefined,
    { openValues, stepBytes, clock }: ValuePlace & { readonly clock: Pick<Clock, 'monotonicMs'> },
    onTrouble: (error: unknown) => void,
  ): ValueMemory | null {
    if (bounds === undefined || openValues === undefined) return null;
    return new ValueMemory({ bounds, open: openValues, monotonicMs: () => clock.monotonicMs(), stepBytes, onTrouble });
  }

  /** Other bounds, from the next step on; absent: none. */
  bind(bounds: MemoryBounds = NO_BOUNDS): void {
    this.#bounds = bounds;
  }

  get open(): () => ValueStore {
    return this.#parts.open;
  }

  /** How many bytes a step of one state may touch and give (VM4). */
  get stepBytesMax(): number {
    const share = (this.#bounds.memoryBytes * STEPS_SHARE) / Math.max(1, this.#states.size);
    return this.#parts.stepBytes ?? (share === Infinity ? Infinity : Math.min(STEP_BYTES_MAX, Math.max(STEP_BYTES_MIN, share)));
  }

  /** Counts the state from now on, until nobody has it or the result is called. */
  add(state: Sharing): () => void {
    const ref = new WeakRef(state);
    this.#states.add(ref);
    return () => this.#states.delete(ref);
  }

  figures(): ValueFigures {
    const { written, read } = this;
    const sum = { memoryBytes: 0, diskBytes: 0, written, read };
    for (const ref of this.#states) {
      const { valueBytes = 0, diskBytes = 0 } = ref.deref() ?? {};
      sum.memoryBytes += valueBytes;
      sum.diskBytes += diskBytes;
    }
    return sum;
  }

  /** Between two steps of a state: makes room where too much is in memory (VM1). */
  relieve(): void {
    let [bytes, sharers, diskBytes] = [0, 0, 0];
    for (const ref of this.#states) {
      const state = ref.deref();
      if (state === undefined) this.#states.delete(ref);
      else if (state.valueBytes > 0) [bytes, sharers, diskBytes] = [bytes + state.valueBytes, sharers + 1, diskBytes + state.diskBytes];
    }
    const { memoryBytes, diskBytes: diskBytesMax } = this.#bounds;
    if (bytes <= memoryBytes || this.#parts.monotonicMs() < this.#retryMs) return;
    if (diskBytes >= diskBytesMax) return this.#refused(diskBytes, `more than ${diskBytesMax} are not allowed (state.disk)`);
    try {
      for (const ref of this.#states) this.#relieve(ref.deref(), memoryBytes / sharers);
    } catch (error) {
      this.#refused(diskBytes, error instanceof Error ? error.message : String(error), error);
    }
  }

  #refused(bytes: number, problem: string, cause?: unknown): void {
    this.#retryMs = this.#parts.monotonicMs() + RETRY_MS; // VM2
    this.#parts.onTrouble(new MillraceError('MR2113', { bytes, problem }, cause));
  }

  #relieve(state: Sharing | undefined, share: number): void {
    if (state !== undefined && state.valueBytes > share && !state.isChanged) state.spill(share);
  }
}
