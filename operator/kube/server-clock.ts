// The wall clock of an operator, as the API server has it. What is compared with `deletionTimestamp`, and with times that another operator wrote
// into a status on another node, is compared on one clock: a leader whose own clock is minutes ahead gives a revision its whole deadline.
//
//   SC1. Each answer says when it was given, to the second. One that took long to come says nothing.
//   SC2. What differs by less than that can tell is no difference: then the time is our own, to the millisecond.

import type { Clock } from '../../runtime/base/clock.ts';

const SECOND_MS = 1_000;
const ROUND_TRIP_MAX_MS = 1_000;
const DIFFERENCE_MIN_MS = 3_000;

export class ServerClock implements Clock {
  readonly #own: Clock;
  #aheadMs = 0;

  constructor(own: Clock) {
    this.#own = own;
  }

  /** By how much the server's clock is ahead of ours; 0: not so much that it could be told. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** An answer of that `Date` has just come, so long after it was asked for. */
  heard(date: string | undefined, roundTripMs: number): void {
    const servedMs = Date.parse(date ?? '');
    if (Number.isNaN(servedMs) || roundTripMs > ROUND_TRIP_MAX_MS) return;
    const aheadMs = servedMs + SECOND_MS / 2 - this.#own.nowMs();
    if (Math.abs(aheadMs - this.#aheadMs) < DIFFERENCE_MIN_MS) return;
    this.#aheadMs = Math.abs(aheadMs) < DIFFERENCE_MIN_MS ? 0 : aheadMs;
  }

  nowMs(): number {
    return this.#own.nowMs() + this.#aheadMs;
  }

  monotonicMs(): number {
    return this.#own.monotonicMs();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#own.sleep(delayMs, signal);
  }

  turn(): Promise<void> {
    return this.#own.turn();
  }
}
