// A stretch of a batch, with the marks of its events (B2, T2).

import type { Batch } from './batch.ts';
import { sliceTraces } from './trace-marks.ts';

/** Events [from, to) of a batch, in their order; the batch itself when that is all of it. */
export function partOf(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to >= batch.values.length) return batch;
  return {
    values: batch.values.slice(from, to),
    times: batch.times.slice(from, to),
    keys: batch.keys?.slice(from, to) ?? null,
    ingestMs: batch.ingestMs,
    traces: sliceTraces(batch.traces, from, to),
  };
}
