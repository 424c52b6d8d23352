// Memory that takes no value: whatever a step has changed is away when the next one begins. For tests that nobody keeps what it once got.
// (adapters/node/disk-values.ts, the store that workers have, has tests of its own.)

import { MillraceError } from '../base/errors.ts';
import type { ValueStore } from '../base/value-store.ts';
import { ValueMemory, type MemoryBounds } from '../state/value-memory.ts';

/** In no file: for what is simulated. `isUnreadable`: a read fails now. */
export class HeldValues implements ValueStore {
  readonly #values = new Map<number, Uint8Array>();
  readonly #isUnreadable: () => boolean;
  #last = 0;

  constructor(isUnreadable = (): boolean => false) {
    this.#isUnreadable = isUnreadable;
  }

  add(bytes: Uint8Array): number {
    this.#values.set(++this.#last, bytes.slice());
    return this.#last;
  }

  get(place: number): Uint8Array {
    if (this.#isUnreadable()) throw new MillraceError('MR2112', { problem: 'as drawn' });
    const found = this.#values.get(place);
    if (found === undefined) throw new Error(`nothing lies at ${place}`);
    return found;
  }

  remove(place: number): void {
    this.#values.delete(place);
  }

  together(adds: () => void): void {
    adds();
  }

  get bytes(): number {
    return 0;
  }

  close(): void {
    this.#values.clear();
  }
}

/** In the plan of a job whose values are all away. */
export const NO_MEMORY: MemoryBounds = { memoryBytes: 0, diskBytes: Infinity };

/** `stepBytes`: how many bytes a step may touch; all of them when absent. `isUnreadable`: as of HeldValues. */
export function valuesAway(stepBytes = Infinity, isUnreadable?: () => boolean): ValueMemory {
  const onTrouble = (error: unknown): never => {
    throw error;
  };
  return new ValueMemory({
    bounds: NO_MEMORY,
    open: () => new HeldValues(isUnreadable),
    monotonicMs: () => 0,
    stepBytes,
    onTrouble,
  });
}
