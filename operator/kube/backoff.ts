// How long to wait before the same is tried again. Pure.

import { doublingMs } from '../../runtime/base/doubling.ts';
import type { Random } from '../../runtime/base/clock.ts';

export type BackoffBounds = { readonly minMs: number; readonly maxMs: number };

/** Doubles from `minMs` with each failure up to `maxMs`; the upper half of it is random, so that many do not come back at once. */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffBounds, random: Random): number {
  const fullMs = doublingMs(failures, { firstMs: minMs, maxMs });
  return fullMs * (0.5 + random.next() / 2);
}
