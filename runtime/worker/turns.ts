// Gives the event loop back between steps, so that heartbeats, answers and other tasks have their turn.

import type { Clock } from '../base/clock.ts';

/** Shorter than anybody waits for, longer than a turn costs. */
const TURN_EVERY_MS = 8;

export class Turns {
  readonly #clock: Clock;
  #lastMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns at once when the loop had its turn a moment ago. */
  async give(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#lastMs < TURN_EVERY_MS) return;
    await this.#clock.turn();
    this.#lastMs = this.#clock.monotonicMs();
  }
}
