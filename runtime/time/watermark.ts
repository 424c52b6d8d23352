// Watermarks: how far event time has come. A watermark W says that no event with a time <= W will come any more.
//
//   W1. A watermark never goes back.
//   W2. Over several inputs it is the lowest of those that are open and not idle: an idle one holds nobody back.
//   W3. Idle is not ended. An input that has ended counts no more, but only when all have ended is it the end: the watermark never
//       passes what the furthest open input has said itself.
//   W4. When all that are open are idle, it stands where the furthest of them does, as if the others had become idle before it.
//       Which of them was seen to be idle first makes no difference.

import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';

/** What inputs say together. `isIdle`: nothing is open that is not idle. */
export type Together = { readonly watermark: number; readonly isIdle: boolean };

/** W2 … W4. Of no inputs: the end. `idle` may be shorter: what is not there is not idle. Looks at nothing but these, so it may be lower
 *  than before when an idle input speaks again: who reads it keeps W1. */
export function together(watermarks: readonly number[], idle: readonly boolean[]): Together {
  let lowest = WATERMARK_MAX;
  let furthestIdle = WATERMARK_MIN;
  let isIdle = false;
  for (let i = 0; i < watermarks.length; i++) {
    const watermark = watermarks[i] as number;
    if (idle[i] !== true || watermark === WATERMARK_MAX) {
      if (watermark < lowest) lowest = watermark;
      continue;
    }
    isIdle = true;
    if (watermark > furthestIdle) furthestIdle = watermark;
  }
  return lowest === WATERMARK_MAX && isIdle ? { watermark: furthestIdle, isIdle } : { watermark: lowest, isIdle: false };
}

/** The watermark of a stream whose events are out of order by at most `maxOutOfOrderMs`, after `highestMs` was seen. */
export function boundedOutOfOrder({ highestMs, maxOutOfOrderMs }: { highestMs: number; maxOutOfOrderMs: number }): number {
  return highestMs - maxOutOfOrderMs - 1; // an event as old as the bound allows is not late yet
}
