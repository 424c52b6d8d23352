// The keys of batches that came through a keyBy.

import { assert } from '../base/assert.ts';
import type { Batch, Key } from '../event/batch.ts';

/** A key an event: every keyed transform gets them. */
export function keysOf(batch: Batch): readonly Key[] {
  assert(batch.keys !== null, 'a keyed transform gets events with keys');
  return batch.keys;
}
