// Timers of an actor that works by the clock, and what becomes of them when they are late.
//
//   MT1. A timer is missed when it is late by more than `afterMs`: nobody ran meanwhile.
//   MT2. catchUp: it fires with its own time, so what it sets anew is due from there on: nothing is left out.
//        fireOnce: with the time of now. skip: not at all; its delay begins anew, so no actor waits for it for ever.
//   MT3. With `skip` a timer keeps its delay beside its data. One that was set under another policy has none, and fires once.

import type { Value } from '../../event/batch.ts';
import { WATERMARK_MAX } from '../../event/batch.ts';
import type { MissedTimers } from '../../plan/physical-plan.ts';
import type { StepContext, Timer } from '../transform.ts';

/** No event of a user has such a field. */
const DELAY = '\u0000delayMs';
type Delayed = { readonly [DELAY]: number; readonly data: Value };

/** What a timer keeps (MT3). */
export function timerData(missed: MissedTimers | null, delayMs: number, data: Value): Value {
  return missed?.policy === 'skip' ? ({ [DELAY]: delayMs, data } satisfies Delayed) : data;
}

/** The data of one that `timerData` made. */
export function dataOf({ data }: Timer): Value {
  return isDelayed(data) ? data.data : data;
}

function isDelayed(data: Value): data is Delayed {
  return typeof data === 'object' && data !== null && DELAY in data;
}

export type DueTimer = { readonly timeMs: number; readonly data: Value };

/** The time and data with which it fires; null: it is skipped, and set anew. */
export function dueTimer({ key, id, atMs, data }: Timer, missed: MissedTimers, context: StepContext): DueTimer | null {
  const delayed = isDelayed(data) ? data : null;
  const due = { timeMs: atMs, data: delayed === null ? data : delayed.data };
  const nowMs = Math.floor(context.nowMs);
  if (nowMs - atMs <= missed.afterMs || missed.policy === 'catchUp' || context.watermarkNext === WATERMARK_MAX) return due;
  if (missed.policy === 'fireOnce' || delayed === null) return { ...due, timeMs: nowMs };
  context.setTimer({ key, id, atMs: nowMs + delayed[DELAY], data });
  return null;
}
