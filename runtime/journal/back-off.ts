// Waiting longer after each try, up to a limit: for everything that is retried for ever (J8).

import type { Clock } from '../base/clock.ts';

export const BACK_OFF_FIRST_MS = 1;
/** A journal that comes back is found within a second. */
export const BACK_OFF_MAX_MS = 1000;

export type Waiting = { readonly clock: Clock; /** Ends every wait; the caller gives up without an error. */ readonly signal: AbortSignal };

export class BackOff {
  private readonly waiting: Waiting;
  private delayMs = BACK_OFF_FIRST_MS;

  constructor(waiting: Waiting) {
    this.waiting = waiting;
  }

  reset(): void {
    this.delayMs = BACK_OFF_FIRST_MS;
  }

  /** Waits; each time twice as long as before. */
  async wait(): Promise<void> {
    const delayMs = this.delayMs;
    this.delayMs = Math.min(delayMs * 2, BACK_OFF_MAX_MS);
    await this.waiting.clock.sleep(delayMs, this.waiting.signal);
  }
}
