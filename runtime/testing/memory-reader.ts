// Reader of a lane of the in-memory journal.

import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { LaneReader, ReadOptions, StoredRecord } from '../journal/journal.ts';

export type MemoryReaderParts = {
  readonly clock: Clock;
  readonly take: (fromSequence: number, bytesMax: number) => readonly StoredRecord[];
  /** Time until there is a leader again. */
  readonly absentMs: () => number;
  readonly closed: () => void;
};

export class MemoryReader implements LaneReader {
  readonly #parts: MemoryReaderParts;
  #nextSequence: number;
  #waiting: AbortController | null = null;
  #woken = false;
  #closed = false;

  constructor({ fromSequence }: ReadOptions, parts: MemoryReaderParts) {
    this.#nextSequence = fromSequence;
    this.#parts = parts;
  }

  async next({ bytesMax, waitMs }: { readonly bytesMax: number; readonly waitMs: number }): Promise<readonly StoredRecord[]> {
    assert(this.#waiting === null, 'one next at a time');
    const { clock, take, absentMs } = this.#parts;
    const untilMs = clock.monotonicMs() + waitMs;
    this.#woken = false;
    while (!this.#closed && !this.#woken) {
      const records = take(this.#nextSequence, bytesMax);
      const last = records.at(-1);
      if (last !== undefined) {
        this.#nextSequence = last.sequence + 1;
        return records;
      }
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      const absentForMs = absentMs();
      this.#waiting = new AbortController();
      await clock.sleep(absentForMs > 0 ? Math.min(leftMs, absentForMs) : leftMs, this.#waiting.signal);
      this.#waiting = null;
    }
    return [];
  }

  /** Something was stored. */
  notice(): void {
    this.#waiting?.abort();
  }

  wake(): void {
    if (this.#waiting === null) return;
    this.#woken = true;
    this.#waiting.abort();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#waiting?.abort();
    this.#parts.closed();
    return Promise.resolve();
  }
}
