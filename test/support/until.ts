// Waiting for what is to come about, however long a machine takes to bring it about.
import { setTimeout as sleep } from 'node:timers/promises';

/** Looks until it is so; resolves with how long that took, ms. `story` tells what was there instead. */
export async function until(
  fact: string,
  limitMs: number,
  holds: () => Promise<boolean>,
  story: () => unknown = () => '',
): Promise<number> {
  const beganMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - beganMs > limitMs) throw new Error(`not within ${limitMs} ms: ${fact}\n${String(await story())}`);
    await sleep(50);
  }
  return performance.now() - beganMs;
}
