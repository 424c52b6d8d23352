// clock: events happen when they come here, and time goes on by itself. Processing time for what stands behind it.
//
//   C1. All events of a step have one time, that of the step; the watermark is 1 ms behind it, so none is ever late.
//   C2. Time never goes back, whoever owns the partition and whatever its clock says: the highest is a cell.
//   C3. What it gives out stands in the commit record of the step. A step that is made anew may have another time; nothing of the one
//       before was seen.
//   C4. Only the end of the input goes through: watermarks before are of another time. Behind it, all timers fire.

import { WATERMARK_MAX } from '../event/batch.ts';
import type { StepContext, Transform } from './transform.ts';

const NAMESPACE = 0;
const HIGHEST = '';

export function makeClock(): Transform {
  return {
    carriesTraces: true,
    onClock: (context) => void tick(context),
    onBatch(batch, context) {
      const timeMs = tick(context);
      context.emit({ ...batch, times: batch.times.map(() => timeMs) });
    },
    onWatermark(watermark, context) {
      if (watermark === WATERMARK_MAX) context.emitWatermark(WATERMARK_MAX);
    },
  };
}

/** The time of now. */
function tick(context: StepContext): number {
  const before = (context.cells.get(NAMESPACE, HIGHEST) as number | undefined) ?? -Infinity;
  const nowMs = Math.floor(context.nowMs);
  if (nowMs <= before) return before;
  context.cells.put(NAMESPACE, HIGHEST, nowMs);
  context.emitWatermark(nowMs - 1);
  return nowMs;
}
