// Values of one partition's cells that do not lie in memory but in a store, and how they come back.
//
// Owns: the partition's value store, which is opened with the first value. Does not own: which values go (live-cells.ts), how many may
// stay (value-memory.ts).
//   V1. A value goes only when no change of its cell waits to be taken: what lies in the store is what the last delta or image has.
//   V2. A cell that was got and not changed keeps its place, so it goes again without being written.
//   V4. A value that cannot be read back ends the task. Whoever catches that (code of a user, or what makes dead letters of events), nothing of
//       the step is stored: its changes are not taken any more.
//   V3. While an image is under way no place is given away: the image may still read what a cell had that is gone since.

import type { Value } from '../event/batch.ts';
import { AWAY } from './cell-entry.ts';
import type { Entry } from './cell-entry.ts';
import { decodeValue, encodeValue } from './value-codec.ts';
import type { ValueStore } from '../base/value-store.ts';

/** A text of up to so many characters takes no more than the note of where it lies would. */
const SMALL_TEXT = 32;

/** Where the store comes from, and who counts what goes and comes. */
export type SpillParts = { readonly open: () => ValueStore; written: number; read: number };

export class SpilledValues {
  readonly #parts: SpillParts;
  #store: ValueStore | null = null;
  /** Places that are free when the image is done; null: none is under way. */
  #held: number[] | null = null;
  #isClosed = false;
  /** Of values that were read back, so far. */
  bytesRead = 0;
  /** V4. */
  #lost: { readonly error: unknown } | null = null;

  constructor(parts: SpillParts) {
    this.#parts = parts;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#isClosed ? 0 : (this.#store?.bytes ?? 0);
  }

  /** Writes the values of `entries` where the store does not have them as they are, and takes them out of memory. Throws what the store
   *  fails with; then all of them stay. Bytes written. */
  take(entries: readonly Entry[]): number {
    const store = (this.#store ??= this.#parts.open());
    const places: number[] = [];
    let written = 0;
    store.together(() => {
      for (const { stored, cell } of entries) {
        const bytes = stored > 0 ? null : encodeValue(cell); // V2
        written += bytes?.length ?? 0;
        places.push(bytes === null ? stored : store.add(bytes));
      }
    });
    entries.forEach((entry, i) => {
      if (entry.stored < 0) this.#free(-entry.stored);
      if (entry.stored <= 0) this.#parts.written++;
      entry.stored = places[i] as number;
      entry.cell = AWAY;
    });
    return written;
  }

  /** The entry's value, which is away; it stays there. */
  look(entry: Entry): Value {
    return this.at(entry.stored);
  }

  /** What lies at a place that is in use, or was when the image was begun that is under way (V3). */
  at(place: number): Value {
    this.#parts.read++;
    try {
      const bytes = (this.#store as ValueStore).get(place);
      this.bytesRead += bytes.length;
      return decodeValue(bytes);
    } catch (error) {
      this.#lost = { error };
      throw error;
    }
  }

  /** Throws what a value could not be read with (V4). */
  check(): void {
    if (this.#lost !== null) throw this.#lost.error;
  }

  /** The entry has gone. */
  forget(entry: Entry): void {
    if (entry.stored === 0) return;
    this.#free(Math.abs(entry.stored));
  }

  /** From here to `release` an image is under way (V3). */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const place of held) this.#store?.remove(place);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#store?.close();
  }

  #free(place: number): void {
    if (this.#held === null) this.#store?.remove(place);
    else this.#held.push(place);
  }
}

/** Not worth a place in the store. */
export function isSmall(cell: Value): boolean {
  return (typeof cell !== 'object' || cell === null) && !(typeof cell === 'string' && cell.length > SMALL_TEXT);
}
