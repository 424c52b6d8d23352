// How long the event loop stood still, over the last seconds.

import { monitorEventLoopDelay } from 'node:perf_hooks';

export type LoopWatch = { readonly stoodMs: () => number; stop(): void };

const RESOLUTION_MS = 50;
/** Two spans are looked at: what happened is seen for one to two of them, however rarely somebody asks. */
const SPAN_MS = 10_000;
const NS_PER_MS = 1e6;

export function watchLoop(): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let before = 0;
  // An empty histogram says a huge minimum and no maximum; what it measures includes the timer's own period.
  const now = (): number => (histogram.count === 0 ? 0 : Math.max(0, histogram.max / NS_PER_MS - RESOLUTION_MS));
  const timer = setInterval(() => {
    before = now();
    histogram.reset();
  }, SPAN_MS).unref();
  return {
    stoodMs: () => Math.max(before, now()),
    stop: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
