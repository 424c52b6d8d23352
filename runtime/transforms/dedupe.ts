// dedupe: of the events of a key that lie within `ttl` of event time, only the one that came first goes on.
//
// What was let through is kept by time buckets of the width ttl: (bucket, key) → its time.
//   U1. Two that were let through are at least ttl apart, so a bucket holds at most one a key, and an event can only
//       be a duplicate of one in its own bucket or in a neighbour.
//   U2. A bucket is dropped whole when no event that is still in time could be a duplicate of one in it.
//   U3. An event whose neighbour was dropped can't be judged any more: it is late. Later than the watermark alone is not.
//   U4. State of another ttl (an upgrade) is put into buckets of this one; of two of a key that then share one the later stays.

import type { Batch, Key } from '../event/batch.ts';
import { assert } from '../base/assert.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { pickEvents } from './each-event.ts';
import { refuseLate } from './failure.ts';
import type { StepContext, Transform } from './transform.ts';

export function makeDedupe({ ttlMs, late = 'deadLetter' }: Extract<OpPlan, { kind: 'dedupe' }>): Transform {
  return {
    carriesTraces: true,
    restored: ({ cells }) => rebucket(cells, ttlMs),
    onBatch(batch, context) {
      const { fresh, tooLate } = judge(batch, context, ttlMs);
      context.countFiltered(batch.values.length - fresh.length - tooLate.length);
      if (tooLate.length > 0) refuseLate(context, pickEvents(batch, tooLate), late);
      context.emit(fresh.length === batch.values.length ? batch : pickEvents(batch, fresh));
    },
    onWatermark(watermark, context) {
      for (const bucket of context.cells.namespaces()) {
        if (!isOver({ bucket, ttlMs, watermark })) break;
        context.cells.drop(bucket);
      }
      context.emitWatermark(watermark);
    },
  };
}

function judge({ keys, times }: Batch, { cells, watermark }: StepContext, ttlMs: number): { fresh: number[]; tooLate: number[] } {
  assert(keys !== null, 'dedupe has keys');
  const fresh: number[] = [];
  const tooLate: number[] = [];
  for (let i = 0; i < times.length; i++) {
    const timeMs = times[i]!;
    const bucket = Math.floor(timeMs / ttlMs);
    if (isOver({ bucket: bucket - 1, ttlMs, watermark }))
      tooLate.push(i); // U3
    else if (!isDuplicate(cells, { key: keys[i]!, timeMs, bucket, ttlMs })) {
      cells.put(bucket, keys[i]!, timeMs);
      fresh.push(i);
    }
  }
  return { fresh, tooLate };
}

/** U1. */
function isDuplicate(
  cells: KeyedCells,
  { key, timeMs, bucket, ttlMs }: { key: Key; timeMs: number; bucket: number; ttlMs: number },
): boolean {
  if (cells.get(bucket, key) !== undefined) return true;
  const before = cells.get(bucket - 1, key) as number | undefined;
  if (before !== undefined && timeMs - before < ttlMs) return true;
  const after = cells.get(bucket + 1, key) as number | undefined;
  return after !== undefined && after - timeMs < ttlMs;
}

/** U2: every event after `watermark` lies beyond the next bucket. */
function isOver({ bucket, ttlMs, watermark }: { bucket: number; ttlMs: number; watermark: number }): boolean {
  return watermark + 1 >= (bucket + 2) * ttlMs;
}

/** U4. */
function rebucket(cells: KeyedCells, ttlMs: number): void {
  const moved: (readonly [key: Key, timeMs: number])[] = [];
  for (const bucket of cells.namespaces()) {
    const entries = [...cells.entries(bucket)] as [Key, number][];
    if (entries.every(([, timeMs]) => Math.floor(timeMs / ttlMs) === bucket)) continue;
    cells.drop(bucket);
    moved.push(...entries);
  }
  for (const [key, timeMs] of moved) {
    const bucket = Math.floor(timeMs / ttlMs);
    const known = cells.get(bucket, key) as number | undefined;
    if (known === undefined || known < timeMs) cells.put(bucket, key, timeMs);
  }
}
