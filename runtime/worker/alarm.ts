// One time of the clock that a task waits for: the earliest at which something in it wants to go on.
//
//   A1. Set again it forgets the time before. It may come a little early or late; who is woken looks at the clock itself.

import type { Clock } from '../base/clock.ts';

export type AlarmParts = { readonly clock: Clock; readonly signal: AbortSignal; /** It is due. */ readonly notify: () => void };

/** A timer of the platform holds no longer wait; it is set anew then. */
const SLEEP_MS_MAX = 60_000;

export class Alarm {
  readonly #parts: AlarmParts;
  #atMs = Infinity;
  #turn = 0;

  constructor(parts: AlarmParts) {
    this.#parts = parts;
  }

  get isDue(): boolean {
    return this.#atMs <= this.#parts.clock.nowMs();
  }

  /** Wall-clock ms; Infinity: none. */
  set(atMs: number): void {
    if (atMs === this.#atMs) return;
    this.#atMs = atMs;
    const turn = ++this.#turn;
    if (atMs !== Infinity) void this.#sleep(turn);
  }

  async #sleep(turn: number): Promise<void> {
    const { clock, signal, notify } = this.#parts;
    for (let waitMs = this.#atMs - clock.nowMs(); waitMs > 0; waitMs = this.#atMs - clock.nowMs()) {
      await clock.sleep(Math.min(waitMs, SLEEP_MS_MAX), signal);
      if (turn !== this.#turn || signal.aborted) return;
    }
    notify();
  }
}
