// Waiting that has an end.

import type { Clock } from '../base/clock.ts';

/** Resolves with `work`, or after `limitMs` without it. */
export async function within(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, clock.sleep(limitMs, done.signal)]);
  done.abort();
}
