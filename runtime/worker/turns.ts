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

  /** Gives them one after the other, with turns between. */
  async *between<T>(items: Iterable<T>): AsyncGenerator<T> {
    for (const item of items) {
      yield item;
      await this.give();
    }
  }

  /** Returns at once when the loop had its turn a moment ago. */
  async give(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#lastMs < TURN_EVERY_MS) return;
    await this.#clock.turn();
    this.#lastMs = this.#clock.monotonicMs();
  }
}
