// Parts of batches that keyed transforms need.

import { assert } from '../../base/assert.ts';
import type { Batch, Key } from '../../event/batch.ts';

/** The keys of a batch that came through a keyBy. */
export function keysOf(batch: Batch): readonly Key[] {
  assert(batch.keys !== null, 'a keyed transform gets events with keys');
  return batch.keys;
}

/** The events at `indices`, in that order. */
export function pick(batch: Batch, indices: readonly number[]): Batch {
  return {
    values: indices.map((i) => batch.values[i]),
    times: indices.map((i) => batch.times[i]!),
    keys: batch.keys === null ? null : indices.map((i) => batch.keys![i]!),
    ingestMs: batch.ingestMs,
  };
}
