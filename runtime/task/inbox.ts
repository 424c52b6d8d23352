// Records that came from upstream lanes and were not taken into a step yet, in lane order per lane.
//
//   X1. A record is given out when it and everything before it in its lane is whole: a step that spans several records
//       is held until its last one came, and dropped when its writer was replaced first.
//   X2. Only the segments for this task are kept; `bytes` is what they hold (credit).

import type { RecordHeader } from '../journal/record.ts';
import type { OwnRecord } from './feedback.ts';
import { NO_LANES } from './back-pressure.ts';

/** Events of one edge for this task, as they were stored. */
export type InboxSegment = { readonly edge: number; readonly count: number; readonly bytes: Uint8Array };

export type InboxRecord = {
  readonly stage: string;
  readonly partition: number;
  readonly sequence: number;
  readonly number: number;
  readonly kind: RecordHeader['kind'];
  readonly more: boolean;
  readonly watermarks: RecordHeader['watermarks'];
  readonly idle?: RecordHeader['idle'];
  readonly segments: readonly InboxSegment[];
  readonly bytes: number;
  /** Of a record of the task's own stage that ends a step. */
  readonly own?: OwnRecord | undefined;
};

export class Inbox {
  bytes = 0;
  readonly #lanes = new Map<string, InboxRecord[]>();

  offer(record: InboxRecord): void {
    const lane = this.#lanes.get(record.stage);
    if (lane === undefined) this.#lanes.set(record.stage, [record]);
    else lane.push(record);
    this.bytes += record.bytes;
  }

  /** Whether `take` would give something, but for the lanes of the stages in `without`. */
  isReady(without = NO_LANES): boolean {
    for (const [stage, lane] of this.#lanes) {
      if (without.has(stage)) continue;
      const [first] = lane;
      if (first !== undefined && (!first.more || fateOf(first, lane, 1) !== 'open')) return true;
    }
    return false;
  }

  /** Records that can be taken now, up to the limits (at least one when there is one), lane by lane, but those of `without`. */
  take(limits: { readonly eventsMax: number; readonly bytesMax: number }, without = NO_LANES): InboxRecord[] {
    const taken: InboxRecord[] = [];
    const room = { events: limits.eventsMax, bytes: limits.bytesMax };
    for (const [stage, lane] of this.#lanes) if (!without.has(stage)) this.#takeLane(lane, taken, room);
    return taken;
  }

  /** Of all lanes but those of `without`. */
  bytesBut(without: ReadonlySet<string>): number {
    let bytes = this.bytes;
    for (const stage of without) for (const record of this.#lanes.get(stage) ?? []) bytes -= record.bytes;
    return bytes;
  }

  clear(): void {
    this.#lanes.clear();
    this.bytes = 0;
  }

  #takeLane(lane: InboxRecord[], taken: InboxRecord[], room: { events: number; bytes: number }): void {
    let count = 0;
    for (; count < lane.length && room.events > 0 && room.bytes > 0; count++) {
      const record = lane[count] as InboxRecord;
      const fate = record.more ? fateOf(record, lane, count + 1) : 'whole';
      if (fate === 'open') break;
      this.bytes -= record.bytes;
      taken.push(fate === 'whole' ? record : { ...record, segments: [] });
      room.events -= record.segments.reduce((sum, segment) => sum + segment.count, 0);
      room.bytes -= record.bytes;
    }
    lane.splice(0, count);
  }
}

/** Whether the step that `record` begins or continues was finished (X1). */
function fateOf(record: InboxRecord, lane: readonly InboxRecord[], from: number): 'whole' | 'dropped' | 'open' {
  for (let i = from; i < lane.length; i++) {
    const next = lane[i] as InboxRecord;
    if (next.partition !== record.partition) continue;
    if (next.kind === 'claim') return 'dropped';
    if (!next.more) return 'whole';
  }
  return 'open';
}
