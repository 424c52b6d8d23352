// What a step has changed of its partition's state, as a segment of its record.

import type { PartitionState } from '../state/partition-state.ts';
import type { Segment } from './step-record.ts';

/** States below this many bytes lie whole in each record: recovery then reads one record only. */
const INLINE_STATE_BYTES_MAX = 2_048;

/** null: nothing has changed. Takes the changes out of `state`. */
export function stateSegment(state: PartitionState): Segment | null {
  const delta = state.takeDelta();
  if (state.bytesEstimate() <= INLINE_STATE_BYTES_MAX) return segmentOf('image', state.checkpoint());
  return delta === null ? null : segmentOf('delta', delta);
}

function segmentOf(kind: 'delta' | 'image', bytes: Uint8Array): Segment {
  return { kind, edge: -1, partition: -1, count: 0, bytes };
}
