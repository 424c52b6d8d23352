// How long a task read no further although something was there.

import type { Clock } from '../base/clock.ts';

export class WaitedTime {
  readonly #clock: Clock;
  #waitedMs = 0;
  #sinceMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isWaiting(): boolean {
    return this.#sinceMs !== null;
  }

  /** Till now. */
  get ms(): number {
    return this.#waitedMs + (this.#sinceMs === null ? 0 : this.#clock.monotonicMs() - this.#sinceMs);
  }

  set(isWaiting: boolean): void {
    if (isWaiting === this.isWaiting) return;
    this.#waitedMs = this.ms;
    this.#sinceMs = isWaiting ? this.#clock.monotonicMs() : null;
  }
}
