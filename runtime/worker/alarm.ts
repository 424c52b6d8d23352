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
  /** When the sleep that counts ends; Infinity: there is none. */
  #awakeMs = Infinity;
  #turn = 0;

  constructor(parts: AlarmParts) {
    this.#parts = parts;
  }

  get isDue(): boolean {
    return this.#atMs <= this.#parts.clock.nowMs();
  }

  /** Wall-clock ms; Infinity: none. Where a sleep ends before that, none is begun: it then goes on to this time. */
  set(atMs: number): void {
    if (atMs === this.#atMs) return;
    this.#atMs = atMs;
    if (atMs < this.#awakeMs) void this.#sleep(++this.#turn);
  }

  async #sleep(turn: number): Promise<void> {
    const { clock, signal, notify } = this.#parts;
    while (this.#atMs !== Infinity && !this.isDue) {
      this.#awakeMs = Math.min(this.#atMs, clock.nowMs() + SLEEP_MS_MAX);
      await clock.sleep(this.#awakeMs - clock.nowMs(), signal);
      if (turn !== this.#turn || signal.aborted) return;
    }
    this.#awakeMs = Infinity;
    if (this.#atMs !== Infinity) notify();
  }
}
