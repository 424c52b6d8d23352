// Time that only moves when told: hours pass in milliseconds, and every run is the same.

import type { Clock } from '../base/clock.ts';

type Sleeper = { readonly atMs: number; readonly order: number; readonly wake: () => void };

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #sleepers: Sleeper[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  turn(): Promise<void> {
    return this.sleep(0);
  }

  /** Lets everything that can run do so, then moves on to the next sleeper, until `promise` settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    for (;;) {
      await settle();
      if (settled) return promise;
      const next = this.#earliest();
      if (next === null) throw new Error('nothing sleeps and nothing runs: what is awaited cannot come');
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
  }

  #earliest(): Sleeper | null {
    let first: Sleeper | null = null;
    for (const sleeper of this.#sleepers) {
      if (first === null || sleeper.atMs < first.atMs || (sleeper.atMs === first.atMs && sleeper.order < first.order)) first = sleeper;
    }
    return first;
  }
}

/** Resolves when all promise callbacks that can run have run. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
