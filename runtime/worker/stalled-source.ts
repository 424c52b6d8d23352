// Why a split cannot be read although nothing is wrong with the job, and what is said of it: it goes on by itself, once somebody has
// mended what is told.
//
//   said ◀── lasts for AFTER_MS ── seen ──▶ over          over in less: nothing is said
//    │ again every REPEAT_MS
//    └──▶ over, said once

import type { Clock } from '../base/clock.ts';
import type { MillraceError } from '../base/errors.ts';
import { SOURCE_STALLED_AFTER_MS, SOURCE_STALLED_REPEAT_MS } from '../base/limits.ts';

export type StalledSourceParts = {
  readonly task: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: (line: string) => void;
};

export class StalledSource {
  readonly #parts: StalledSourceParts;
  #now: { readonly sinceMs: number; readonly problem: MillraceError } | null = null;
  #saidMs: number | null = null;

  constructor(parts: StalledSourceParts) {
    this.#parts = parts;
  }

  /** Absent: it can be read, or has not been stalled for long enough to be worth a word. */
  get figures(): { readonly stalled?: string } {
    return this.#now === null || this.#saidMs === null ? {} : { stalled: this.#now.problem.message };
  }

  /** To be called again and again; null: it can be read. */
  look(problem: MillraceError | null): void {
    const { task, clock, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (problem === null) {
      if (this.#now !== null && this.#saidMs !== null) log(`${task} reads again, after ${seconds(nowMs - this.#now.sinceMs)}`);
      this.#now = this.#saidMs = null;
      return;
    }
    this.#now = { sinceMs: this.#now?.sinceMs ?? nowMs, problem };
    const lastsMs = nowMs - this.#now.sinceMs;
    if (this.#saidMs === null ? lastsMs < SOURCE_STALLED_AFTER_MS : nowMs - this.#saidMs < SOURCE_STALLED_REPEAT_MS) return;
    this.#saidMs = nowMs;
    log(`${task} reads nothing, for ${seconds(lastsMs)} now: ${problem.message} (${problem.fix})`);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
