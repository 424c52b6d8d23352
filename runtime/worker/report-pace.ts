// How often a worker reports: sooner while somebody looks at the job.
//
//   RP1. Who looks says so on LOOK_TOPIC, again and again; LOOKED_AT_MS after the last time all is as before.

import type { Clock } from '../base/clock.ts';
import type { Bus } from './directory.ts';

export const LOOK_TOPIC = 'look';
const LOOKED_AT_MS = 5_000;
const LOOKED_REPORT_MS = 250;

export class ReportPace {
  readonly #clock: Clock;
  readonly #usualMs: number;
  #lookedAtMs = -Infinity;

  constructor(clock: Clock, usualMs: number) {
    this.#clock = clock;
    this.#usualMs = usualMs;
  }

  /** Gives how to stop. */
  listen(bus: Bus): () => void {
    return bus.subscribe(LOOK_TOPIC, () => (this.#lookedAtMs = this.#clock.monotonicMs()));
  }

  /** Until the next report. */
  readonly nextMs = (): number => {
    const isLookedAt = this.#clock.monotonicMs() - this.#lookedAtMs <= LOOKED_AT_MS;
    return isLookedAt ? Math.min(this.#usualMs, LOOKED_REPORT_MS) : this.#usualMs;
  };
}
