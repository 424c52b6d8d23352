// From what a chain emitted on an edge to one segment per destination partition.

import { hashKey } from '../event/key.ts';
import type { Batch } from '../event/batch.ts';
import { partOf } from '../event/part-of.ts';
import { concatTraces } from '../event/trace-marks.ts';
import type { TraceMark } from '../event/trace-marks.ts';
import { assert } from '../base/assert.ts';

/** Events of one edge for one partition of the stage it leads to. Order within a partition is emission order. */
export type Outgoing = { readonly partition: number; readonly batch: Batch };

/** Splits batches by key hash (`partitionCount` > 1 needs keys). Partitions without events are absent. Cost: one hash an event. */
export function splitByKey(batches: readonly Batch[], partitionCount: number): Outgoing[] {
  if (partitionCount === 1) return [{ partition: 0, batch: concatenate(batches) }];
  const open: (OpenBatch | undefined)[] = new Array<OpenBatch | undefined>(partitionCount);
  for (const batch of batches) scatter(batch, open, partitionCount);
  return open.flatMap((batch, partition) => (batch === undefined ? [] : [{ partition, batch }]));
}

/** All events for one partition. */
export function toOne(batches: readonly Batch[], partition: number): Outgoing[] {
  return [{ partition, batch: concatenate(batches) }];
}

export function concatenate(batches: readonly Batch[]): Batch {
  const [first, ...others] = batches;
  assert(first !== undefined, 'an edge with output has a batch');
  if (others.length === 0) return first;
  // `concat` copies whole arrays; `flatMap` goes through their elements.
  return {
    values: first.values.concat(...others.map(({ values }) => values)),
    times: first.times.concat(...others.map(({ times }) => times)),
    keys: first.keys?.concat(...others.map(({ keys }) => keys ?? [])) ?? null,
    ingestMs: Math.min(...batches.map((batch) => batch.ingestMs)),
    traces: concatTraces(batches),
  };
}

/** Pieces of at most `eventsMax` events. */
export function slices(batch: Batch, eventsMax: number): Batch[] {
  const count = batch.values.length;
  if (count <= eventsMax) return [batch];
  return Array.from({ length: Math.ceil(count / eventsMax) }, (_, piece) => partOf(batch, piece * eventsMax, (piece + 1) * eventsMax));
}

type OpenBatch = { values: unknown[]; times: number[]; keys: string[]; ingestMs: number; traces: TraceMark[] | undefined };

function scatter(batch: Batch, open: (OpenBatch | undefined)[], partitionCount: number): void {
  const { keys, values, traces = [] } = batch;
  assert(keys !== null, 'events of a key exchange have keys');
  let from = 0;
  for (const { at, context } of traces) {
    scatterPart(batch, keys, { from, to: at + 1 }, open, partitionCount);
    from = at + 1;
    const found = open[hashKey(keys[at] as string) % partitionCount] as OpenBatch;
    (found.traces ??= []).push({ at: found.values.length - 1, context });
  }
  scatterPart(batch, keys, { from, to: values.length }, open, partitionCount);
}

/** Once an event, and the same whether any is traced. */
function scatterPart(
  { values, times, ingestMs }: Batch,
  keys: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
  open: (OpenBatch | undefined)[],
  partitionCount: number,
): void {
  for (let i = from; i < to; i++) {
    const key = keys[i] as string;
    const found = (open[hashKey(key) % partitionCount] ??= { values: [], times: [], keys: [], ingestMs, traces: undefined });
    found.values.push(values[i]);
    found.times.push(times[i] as number);
    found.keys.push(key);
    if (ingestMs < found.ingestMs) found.ingestMs = ingestMs;
  }
}
