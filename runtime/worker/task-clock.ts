// The clock of one task: what its steps take as now. The wall clocks of the workers that run it, one after the other, differ.
//
//   TC1. It never goes back, and never stands still: where the wall clock is behind, it goes on by time that has passed.
//   TC2. A new owner goes on from what the last record says, with the time that passed since, as the journal's server counts it.
//   TC3. While it is ahead of the wall clock it is a little slower than time, until they meet: it follows the wall clock again then.

import type { Clock } from '../base/clock.ts';
import type { RecordedClock } from '../journal/record.ts';

/** TC3. Five minutes are made good in some eight hours; what waits an hour waits 36 s longer. */
const PACE_AHEAD = 0.99;

/** What a task goes on from: it was at `ms` when the worker's monotonic clock was at `monotonicMs`. */
export type ClockMark = { readonly ms: number; readonly monotonicMs: number };

export class TaskClock implements Clock {
  readonly #clock: Clock;
  #ms = -Infinity;
  #atMs: number;
  /** The highest that was given: whole where it is not the wall clock's. */
  #givenMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  /** TC2. null: the record before was of a release that did not say it, or there is none. */
  goOn(mark: ClockMark | null): void {
    this.nowMs();
    if (mark !== null) this.#ms = Math.max(this.#ms, mark.ms + (this.#atMs - mark.monotonicMs));
  }

  nowMs(): number {
    const [wallMs, atMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()];
    const ownMs = this.#ms + (atMs - this.#atMs) * PACE_AHEAD;
    this.#atMs = atMs;
    this.#ms = Math.max(ownMs, wallMs);
    this.#givenMs = Math.max(this.#givenMs, wallMs, Math.floor(ownMs));
    return this.#givenMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(delayMs, signal);
  }

  turn(): Promise<void> {
    return this.#clock.turn();
  }
}

/** Where a task's clock was when a record of it was stored at `storedMs`, that says `clock`: so does a claim carry it on. */
export function carriedClock(clock: RecordedClock | undefined, storedMs: number | null): RecordedClock | undefined {
  if (clock === undefined || clock.storedMs !== undefined || storedMs === null) return clock;
  return { ms: clock.ms, storedMs };
}

/** What the owner goes on from whose claim was stored at `claimedMs`, by the same server, and known at `monotonicMs`. */
export function clockMark(
  carried: RecordedClock | undefined,
  claimed: { readonly claimedMs: number; readonly monotonicMs: number },
): ClockMark | null {
  if (carried === undefined) return null;
  const passedMs = carried.storedMs === undefined ? 0 : Math.max(0, claimed.claimedMs - carried.storedMs);
  return { ms: carried.ms + passedMs, monotonicMs: claimed.monotonicMs };
}
