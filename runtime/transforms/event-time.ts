// eventTime: says when each event happened, and from that how far event time has come.
//
//   V1. The watermark follows the highest time seen (bounded out-of-orderness); that time is a cell, so it survives.
//   V5. Where events say the watermark themselves, only that counts; the cell then holds 1 ms more than the highest one.
//   V2. An event whose time is missing, none, before 1970, or too far ahead of the clock is a dead letter and moves nothing.
//   V4. While nothing comes to a source that says so, event time goes on as the clock does: as if the highest time were that of an
//       event that came just now. It never goes on before the first event.
//   V3. Watermarks of the input are of another time and stop here; only the end of the input goes through.

import type { Batch } from '../event/batch.ts';
import { WATERMARK_MAX } from '../event/batch.ts';
import { EVENT_TIME_AHEAD_MS_MAX, EVENT_TIME_MS_MAX } from '../base/limits.ts';
import { formatDuration } from '../base/duration.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { compileCode } from '../expression/expression.ts';
import { boundedOutOfOrder } from '../time/watermark.ts';
import { pickEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { EventRefused, describeTime, describeValue, failEvent } from './failure.ts';
import type { StepContext, Transform } from './transform.ts';

const NAMESPACE = 0;
const HIGHEST = '';

export function makeEventTime({ spec, maxOutOfOrderMs, maxAheadMs }: Extract<OpPlan, { kind: 'eventTime' }>): Transform {
  const timing: Timing = {
    timeOf: compileCode(spec.at, EVENT_NAMES),
    watermarkOf: spec.watermark === undefined ? null : compileCode(spec.watermark, EVENT_NAMES),
    maxAheadMs: maxAheadMs ?? EVENT_TIME_AHEAD_MS_MAX,
  };
  const rise = (context: StepContext, highestMs: number): void => {
    context.cells.put(NAMESPACE, HIGHEST, highestMs);
    context.emitWatermark(boundedOutOfOrder({ highestMs, maxOutOfOrderMs }));
  };
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      const { timed, saidMs } = assignTimes(batch, context, timing);
      if (timed.times.length === 0) return;
      context.emit(timed);
      const before = highestOf(context);
      const highestMs =
        timing.watermarkOf === null
          ? timed.times.reduce((highest, timeMs) => Math.max(highest, timeMs), before)
          : Math.max(saidMs + 1, before);
      if (highestMs > before) rise(context, highestMs);
    },
    onQuiet(passedMs, context) {
      const before = highestOf(context);
      if (before > -Infinity) rise(context, before + passedMs); // V4
    },
    onWatermark(watermark, context) {
      if (watermark === WATERMARK_MAX) context.emitWatermark(WATERMARK_MAX); // V3
    },
  };
}

function highestOf({ cells }: StepContext): number {
  return (cells.get(NAMESPACE, HIGHEST) as number | undefined) ?? -Infinity;
}

type Timing = {
  readonly timeOf: (...args: unknown[]) => unknown;
  /** V5; null: they do not say it. */
  readonly watermarkOf: ((...args: unknown[]) => unknown) | null;
  readonly maxAheadMs: number;
};
/** `saidMs`: the highest watermark that its events say. */
type Timed = { readonly timed: Batch; readonly saidMs: number };

function assignTimes(batch: Batch, context: StepContext, { timeOf, watermarkOf, maxAheadMs }: Timing): Timed {
  let saidMs = -Infinity;
  const bounds = { latestMs: context.nowMs + maxAheadMs, maxAheadMs };
  const times: number[] = [];
  let staying: number[] | null = null;
  for (let i = 0; i < batch.values.length; i++) {
    try {
      const names = [batch.values[i], batch.keys?.[i] ?? null, batch.times[i], context.nowMs] as const;
      const timeMs = checkTime(timeOf(...names), 'event time', bounds);
      const said = watermarkOf?.(...names) ?? null;
      if (said !== null) saidMs = Math.max(saidMs, checkTime(said, 'watermark', bounds));
      times.push(timeMs);
      staying?.push(i);
    } catch (error) {
      staying ??= Array.from(times, (_, place) => place);
      failEvent(context, batch, i, error);
    }
  }
  return { timed: { ...(staying === null ? batch : pickEvents(batch, staying)), times }, saidMs };
}

type Bounds = { readonly latestMs: number; readonly maxAheadMs: number };

/** Whole ms; a part of a ms is cut off. */
function checkTime(value: unknown, what: 'event time' | 'watermark', { latestMs, maxAheadMs }: Bounds): number {
  const isText = typeof value === 'string';
  if ((typeof value !== 'number' && typeof value !== 'bigint') || Number.isNaN(value))
    throw new EventRefused(
      `the ${what} is ${describeValue(value)}, not a timestamp or ms since 1970${isText ? '; write timestamp(…), or declare it in the schema' : ''}`,
    );
  if (typeof value === 'bigint' || Math.abs(value) > EVENT_TIME_MS_MAX)
    throw new EventRefused(`the ${what} is ${describeValue(value)}, beyond what a date can be; is its unit ms?`);
  if (value < 0) throw new EventRefused(`the ${what} is ${describeTime(value)}, before 1970`);
  if (value > latestMs)
    throw new EventRefused(
      `the ${what} is ${describeTime(value)}, more than ${formatDuration(maxAheadMs)} ahead of the clock (eventTime.maxAhead)`,
    );
  return Math.floor(value);
}
