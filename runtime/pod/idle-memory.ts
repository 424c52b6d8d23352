// Gives memory back when a worker has become idle.
//
// V8 keeps what its young generation has grown to under load (or while starting), and the pages that it has freed: some 10 to 20 MiB
// that an idle worker of a hundred on a node need not hold. One collection that keeps nothing costs tens of ms, once in each idle time.
//   M1. A worker that works is never held up: only after a span in which the process has hardly used any time.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export type IdleMemory = { stop(): void };

const SPAN_MS = 10_000;
/** Heartbeats, reports and probes of an idle worker take about a hundredth. */
const IDLE_SHARE_MAX = 0.05;

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

export function returnMemoryWhenIdle(): IdleMemory {
  let isReturned = false;
  let before = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const isIdle = (user + system) / 1000 < IDLE_SHARE_MAX * SPAN_MS;
    if (isIdle && !isReturned) collect();
    isReturned = isIdle;
  }, SPAN_MS).unref();
  return { stop: () => clearInterval(timer) };
}

/** Node has no other way to it than V8's own, which a flag lets into new contexts only. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  gc({ type: 'major', flavor: 'last-resort' });
}
