// The loop that the stateless transforms share: one value in, one value or none out, failures to dead letters.

import type { Batch, Key, Value } from '../event/batch.ts';
import { pickTraces } from '../event/trace-marks.ts';
import { EventRefused, failEvent } from './failure.ts';
import type { StepContext } from './transform.ts';

/** What `change` gives for an event that is dropped on purpose. */
export const DROPPED: unique symbol = Symbol('dropped');

/** What becomes of one event. `key` is null before a keyBy. May throw: that event is a dead letter then. */
export type EventChange = (value: Value, key: Key | null, timeMs: number) => Value | typeof DROPPED;

/** Runs `change` on each event. Gives the batch itself when it changed nothing; counts what was dropped. */
export function changeEvents(batch: Batch, context: StepContext, change: EventChange): Batch {
  const { values, times, keys } = batch;
  let changed: Value[] | null = null;
  /** Indices of what stays; null while everything stays. */
  let staying: number[] | null = null;
  let droppedCount = 0;
  for (let i = 0; i < values.length; i++) {
    const result = changeOne(i);
    if (result === DROPPED) {
      staying ??= range(i);
      continue;
    }
    staying?.push(i);
    if (changed !== null) changed[i] = result;
    else if (result !== values[i]) (changed = values.slice())[i] = result;
  }
  if (droppedCount > 0) context.countFiltered(droppedCount);
  const result = changed === null ? batch : { ...batch, values: changed };
  return staying === null ? result : pickEvents(result, staying);

  function changeOne(i: number): Value | typeof DROPPED {
    try {
      const result = change(values[i], keys === null ? null : keys[i]!, times[i]!);
      if (result === DROPPED) droppedCount++;
      return result instanceof Promise ? refusePromise(result) : result;
    } catch (error) {
      failEvent(context, batch, i, error);
      return DROPPED;
    }
  }
}

/** The events at `indices`, which ascend. */
export function pickEvents(batch: Batch, indices: readonly number[]): Batch {
  return {
    values: indices.map((i) => batch.values[i]),
    times: indices.map((i) => batch.times[i]!),
    keys: batch.keys === null ? null : indices.map((i) => batch.keys![i]!),
    ingestMs: batch.ingestMs,
    traces: pickTraces(batch.traces, indices),
  };
}

/** An async function in the place of code: its result must be there now. */
export function refusePromise(result: Promise<unknown>): never {
  result.catch(() => undefined); // nobody else will look at it
  throw new EventRefused('it gave a promise; transforms are synchronous');
}

/** 0 … count - 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
