// When a source's split is idle: nothing has come for so long, by the clock that no adjustment moves.
//
//   speaking ── nothing for `afterMs` ──▶ idle ── nothing for `closeAfterMs` ──▶ event time goes on, every TICK ──▶ …
//      ▲                                   │                                              │
//      └───────────────── something came, or the source could not be heard ──────────────┘
//
//   I1. A source that cannot be heard is not quiet: its silence counts from when it was heard again.
//   I2. It only tells; what was told stands in the commit record, and whoever goes on from there begins with that.

import type { Clock } from '../base/clock.ts';
import type { SourceIdle } from '../plan/physical-plan.ts';

export type IdleWatchParts = {
  readonly idle: SourceIdle;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Something is due. */
  readonly notify: () => void;
};

/** Event time of a quiet split goes on in steps of its `closeAfterMs`, but at least this often. */
const TICK_MS_MAX = 10_000;
/** And not more often than this: each is a record. */
const TICK_MS_MIN = 100;

export class IdleWatch {
  readonly #parts: IdleWatchParts;
  #isIdle: boolean;
  #spokeMs: number;
  /** Up to when event time has gone on. */
  #passedMs: number | null = null;
  #isOver = false;

  /** `isIdle`: the record before says so. */
  constructor(parts: IdleWatchParts, isIdle: boolean) {
    this.#parts = parts;
    this.#isIdle = isIdle;
    this.#spokeMs = parts.clock.monotonicMs();
    void this.#watch();
  }

  /** Something has come, or the source could not be heard. */
  spoke(): void {
    this.#isIdle = false;
    this.#spokeMs = this.#parts.clock.monotonicMs();
    this.#passedMs = null;
  }

  /** I1: without what has been told being over. */
  unheard(): void {
    this.#spokeMs = this.#parts.clock.monotonicMs();
    this.#passedMs = null;
  }

  end(): void {
    this.#isOver = true;
  }

  get isDue(): boolean {
    return !this.#isOver && this.#parts.clock.monotonicMs() >= this.#dueMs();
  }

  /** What is due: the split is idle, and by so much more event time goes on. */
  take(): { readonly passedMs: number } {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#isIdle = true;
    const { closeAfterMs } = this.#parts.idle;
    if (closeAfterMs === null || nowMs < this.#spokeMs + closeAfterMs) return { passedMs: 0 };
    const passedMs = nowMs - (this.#passedMs ?? this.#spokeMs);
    this.#passedMs = nowMs;
    return { passedMs: Math.floor(passedMs) };
  }

  #dueMs(): number {
    const { afterMs, closeAfterMs } = this.#parts.idle;
    if (!this.#isIdle) return this.#spokeMs + afterMs;
    if (closeAfterMs === null) return Infinity;
    if (this.#passedMs === null) return this.#spokeMs + closeAfterMs;
    return this.#passedMs + Math.max(TICK_MS_MIN, Math.min(closeAfterMs, TICK_MS_MAX));
  }

  /** One sleeper, however often something comes. */
  async #watch(): Promise<void> {
    const { clock, signal, notify, idle } = this.#parts;
    while (!signal.aborted && !this.#isOver) {
      const leftMs = this.#dueMs() - clock.monotonicMs();
      if (leftMs <= 0) notify();
      // What is due may have to wait, while the job is paused: then it is asked for again.
      await clock.sleep(leftMs <= 0 ? TICK_MS_MIN : Math.min(leftMs, idle.afterMs), signal);
    }
  }
}
