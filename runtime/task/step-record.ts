// What a step puts into its record, and what a task goes on from.

import type { RecordHeader } from '../journal/record.ts';
import type { TraceMark } from '../event/trace-marks.ts';
import type { SpanDraft } from './step-trace.ts';

export type Segment = {
  readonly kind: 'events' | 'delta' | 'image' | 'payload';
  readonly edge: number;
  readonly partition: number;
  readonly count: number;
  readonly bytes: Uint8Array;
};

/** What one step puts into its record, but for what the committer adds (epoch, number, hashes, checkpoint). */
export type Step = {
  readonly header: Pick<
    RecordHeader,
    'inputs' | 'source' | 'sink' | 'watermarks' | 'nodeWatermarks' | 'done' | 'counters' | 'ingestMs' | 'redriven' | 'idle'
  >;
  readonly events: readonly Segment[];
  /** State changes, or the whole state when it is small; null when nothing changed. */
  readonly state: Segment | null;
  readonly payload: Segment | null;
  /** What its traced events went through: to be told when it is stored. */
  readonly spans: readonly SpanDraft[];
  readonly payloadTraces: readonly TraceMark[] | undefined;
  /** All input is processed with this step. A sink still has to apply it before it is done. */
  readonly ends: boolean;
};

/** What a task goes on from: a record's header, or a part of a savepoint. */
export type Standing = Pick<
  RecordHeader,
  'inputs' | 'source' | 'sink' | 'watermarks' | 'nodeWatermarks' | 'done' | 'counters' | 'redriven' | 'idle'
>;
