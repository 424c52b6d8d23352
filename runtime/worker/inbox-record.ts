// What one task keeps of a record of its upstream lane.

import type { InboxRecord } from '../task/inbox.ts';
import { EVERY_PARTITION } from '../journal/record.ts';
import { segmentBytes } from '../journal/record-codec.ts';
import type { LaneRecord } from './lane-feed.ts';

/** A segment smaller than this share of its record is copied, so that it does not hold the whole record in memory. */
const COPY_BELOW_SHARE = 0.5;

/** The part of `laneRecord` for partition `partition` on `edges`; null when it was written by another stage of the lane. */
export function inboxRecord(
  { sequence, record }: LaneRecord,
  fromStage: string,
  edges: ReadonlySet<number>,
  partition: number,
  isOwnStage: boolean,
): InboxRecord | null {
  const { header, body } = record;
  if (header.stage !== fromStage) return null;
  const segments = header.segments
    .filter(
      (info) => info.kind === 'events' && (info.partition === partition || info.partition === EVERY_PARTITION) && edges.has(info.edge),
    )
    .map((info) => {
      const view = segmentBytes(record, info);
      return { edge: info.edge, count: info.count, bytes: view.byteLength < body.byteLength * COPY_BELOW_SHARE ? view.slice() : view };
    });
  return {
    stage: header.stage,
    partition: header.partition,
    sequence,
    number: header.number,
    kind: header.kind,
    more: header.more,
    watermarks: header.watermarks,
    idle: header.idle,
    segments,
    bytes: segments.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
    ...(isOwnStage && !header.more ? { own: header } : {}),
  };
}
