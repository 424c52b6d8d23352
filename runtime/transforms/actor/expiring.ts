// State that is forgotten when its key has been quiet for `ttl` of event time: around a transform that keeps one cell a key.
//
// Cells: namespace EXPIRY: key → newest event time that touched it; and a durable timer for each key that has state.
//   X1. State expires `ttl` after the newest event or timer of its key: when the watermark reaches that time, or before the first event
//       that is not earlier than it. So an input in order gives the same however it is cut into steps.
//   X2. What expires goes once: the transform is told (`expired`), then its cell and all timers of the key are gone.
//   X3. A timer is not moved with every event: one that fires too early is set anew.
//   X4. State that was there before the declaration had a ttl is touched by the first rise of the watermark.

import type { Key, Value } from '../../event/batch.ts';
import { partOf } from '../../event/part-of.ts';
import type { StatePlan } from '../../plan/physical-plan.ts';
import { keysOf } from '../batch-keys.ts';
import { EXPIRED, type StepContext, type Timer, type Transform } from '../transform.ts';

/** A transform whose cells may expire. */
export interface Expirable extends Transform {
  /** The namespace that has a cell of each key with state; 0 when absent. */
  readonly stateAt?: number;
  /** The state of `key` goes now; what of it is given on the output `expired` when it is asked for. What lies in other namespaces than
   *  `stateAt` the transform deletes itself. */
  expired(cell: Value, key: Key, timeMs: number, context: StepContext): Value;
  /** Gives out what it has gathered while state expired. Absent: it gathers nothing then. */
  give?(context: StepContext): void;
}

const EXPIRY = -1;
const TIMER = '\u0000expiry';

/** `inner`, whose state expires. */
export function expiring(inner: Expirable, { ttlMs, emits }: StatePlan): Transform {
  const take = {
    batch: inner.onBatch.bind(inner),
    timer: inner.onTimer?.bind(inner),
    watermark: inner.onWatermark?.bind(inner),
    pause: inner.onPause?.bind(inner),
  };
  const state = inner.stateAt ?? 0;
  let given: { values: Value[]; times: number[]; keys: Key[] } = { values: [], times: [], keys: [] };
  /** Newest time of the keys that the part of the batch so far has touched. */
  const touched = new Map<Key, number>();
  let isAdopted = false;

  /** After the inner transform has taken what touched these keys. */
  const settle = (context: StepContext): void => {
    for (const [key, timeMs] of touched) {
      const known = context.cells.get(EXPIRY, key) as number | undefined;
      if (context.cells.get(state, key) === undefined) {
        if (known !== undefined) forget(key, context);
        continue;
      }
      if (known === undefined) context.setTimer({ key, id: TIMER, atMs: timeMs + ttlMs, data: null });
      if (known === undefined || timeMs > known) context.cells.put(EXPIRY, key, timeMs);
    }
    touched.clear();
  };
  const forget = (key: Key, context: StepContext): void => {
    context.cells.delete(EXPIRY, key);
    context.clearTimer(key, TIMER);
  };
  /** X2. */
  const expire = (key: Key, timeMs: number, context: StepContext): void => {
    const cell = context.cells.get(state, key);
    if (cell !== undefined) {
      const value = inner.expired(cell, key, timeMs, context);
      if (emits) {
        given.values.push(value);
        given.times.push(timeMs);
        given.keys.push(key);
      }
      context.cells.delete(state, key);
    }
    context.clearTimers(key);
    forget(key, context);
  };

  inner.onBatch = (batch, context, side): void => {
    const keys = keysOf(batch);
    let from = 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const timeMs = batch.times[i]!;
      const last = touched.get(key) ?? (context.cells.get(EXPIRY, key) as number | undefined);
      if (last !== undefined && timeMs >= last + ttlMs) {
        if (i > from) take.batch(partOf(batch, from, i), context, side);
        settle(context);
        from = i;
        expire(key, last + ttlMs, context);
        flush(context, batch.ingestMs);
        inner.give?.(context);
        touched.set(key, timeMs);
      } else touched.set(key, last === undefined || timeMs > last ? timeMs : last);
    }
    take.batch(partOf(batch, from, keys.length), context, side);
    settle(context);
  };

  inner.onTimer = (timer: Timer, context: StepContext): void => {
    const { key, id, atMs } = timer;
    if (id !== TIMER) {
      take.timer?.(timer, context);
      touched.set(key, atMs);
      settle(context);
      return;
    }
    const dueMs = ((context.cells.get(EXPIRY, key) as number | undefined) ?? -Infinity) + ttlMs;
    if (dueMs > atMs)
      context.setTimer({ ...timer, atMs: dueMs }); // X3
    else expire(key, atMs, context);
  };

  inner.onPause = (context): void => {
    flush(context, context.ingestMs);
    inner.give?.(context);
    take.pause?.(context);
  };

  inner.onWatermark = (watermark, context): number | void => {
    if (!isAdopted) adopt(watermark, context);
    flush(context, context.ingestMs);
    if (take.watermark === undefined) context.emitWatermark(watermark);
    else return take.watermark(watermark, context);
  };

  /** X4. */
  const adopt = (watermark: number, context: StepContext): void => {
    isAdopted = true;
    if (!Number.isFinite(watermark) || context.cells.size(EXPIRY) === context.cells.size(state)) return;
    for (const [key] of context.cells.entries(state)) if (context.cells.get(EXPIRY, key) === undefined) touched.set(key, watermark);
    settle(context);
  };

  const flush = (context: StepContext, ingestMs: number): void => {
    if (given.keys.length === 0) return;
    const batch = { ...given, ingestMs };
    given = { values: [], times: [], keys: [] };
    context.emit(batch, EXPIRED);
  };
  return inner;
}
