// What this process uses, as workers report it.

import { performance } from 'node:perf_hooks';

/** `loopBusyMs`: of this thread's event loop; the others are of the process. */
export type Usage = { readonly memoryBytes: number; readonly cpuMs: number; readonly loopBusyMs: number };

export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { memoryBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000, loopBusyMs: performance.eventLoopUtilization().active };
}
