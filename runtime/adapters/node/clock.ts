// The machine's clock.

import type { Clock } from '../../base/clock.ts';

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs, signal) => sleep(delayMs, signal),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};

/** The longest that setTimeout waits; more would fire at once. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(Math.max(delayMs, 0), TIMEOUT_MAX_MS));
    signal?.addEventListener('abort', end, { once: true });
  });
}
