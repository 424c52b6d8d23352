// A commit record: all that one step of a partition caused, in one message.
//
// Bytes: 4 bytes magic "MRJ1" · u32 header length · header (msgpack) · body (segments, one behind the other).
//   R1. The header is read without touching the body; `segments` gives each one's place in the body.
//   R2. `number` counts up by one per record of a partition, `previousHash` is the record hash of the one before (J2).
//   R3. `bodyHash` is checked before a segment is decoded.

import type { SourcePosition } from '../connectors/source.ts';
import type { SinkState } from '../connectors/sink.ts';

/** Cumulative counts since the task's first record, and what it holds. Each event has one end:
 *  eventsIn + made = eventsOut + filtered + late + deadLetters + absorbed + held (telemetry/conservation.ts). */
export type TaskCounters = {
  readonly eventsIn: number;
  /** Events that came to be inside: results of state, copies for further readers; less those that nobody reads. null: an older
   *  release wrote it, which did not count these three. */
  readonly made: number | null;
  /** Events that went into state for good; what comes of them is made. */
  readonly absorbed: number;
  /** Events that lie in the state now and will go on as they are. */
  readonly held: number;
  readonly eventsOut: number;
  readonly filtered: number;
  readonly late: number;
  readonly deadLetters: number;
  /** Claims after the first: how often another owner took over. */
  readonly recoveries: number;
  /** Events taken in per in-edge (order of stage.inputs) and given out per out-edge (order of stage.outputs). */
  readonly edgesIn: readonly number[];
  readonly edgesOut: readonly number[];
};

/** Position in one upstream lane: the last stream sequence taken in on that edge, with what was known of its partitions then. */
export type InputPosition = {
  readonly edge: number;
  readonly sequence: number;
  /** Per upstream partition: its edge watermark (null: none yet; Infinity: ended). Of an exchange of a stage to itself: what is known
   *  of its partitions (task/feedback.ts). */
  readonly watermarks: readonly (number | null)[];
  /** Upstream partitions that are idle on it: they hold nobody back. Absent: none. */
  readonly idle?: readonly number[];
  /** Of the first record behind that which holds something for the task on that edge so many events are taken in: the step ended
   *  inside of it. Absent: nothing of it is. */
  readonly part?: { readonly sequence: number; readonly events: number };
};

export type SegmentKind =
  /** Events of edge `edge` for partition `partition` of the stage it leads to. */
  | 'events'
  /** State and timer changes of this step. */
  | 'delta'
  /** The whole state after this record, when it is small: recovery then needs no other record. */
  | 'image'
  /** What a sink will apply. */
  | 'payload';

/** In the place of a partition: the events of the segment are for each partition of the stage that their edge leads to. */
export const EVERY_PARTITION = -1;

export type SegmentInfo = {
  readonly kind: SegmentKind;
  readonly edge: number; // -1 but for events
  readonly partition: number; // -1 but for events; of these: EVERY_PARTITION
  readonly count: number;
  readonly offset: number;
  readonly length: number;
};

/** Where the task's clock was. A commit says it of the moment at which it was sent; a claim carries on what the record before said,
 *  with the time at which that was stored. */
export type RecordedClock = { readonly ms: number; readonly storedMs?: number };

export type RecordHeader = {
  readonly stage: string;
  readonly partition: number;
  /** Raised by one by each claim. */
  readonly epoch: number;
  /** Worker that wrote it. */
  readonly owner: string;
  /** claim: no content but positions carried over. commit: a step. */
  readonly kind: 'claim' | 'commit';
  readonly number: number;
  /** The step was too large for one record and goes on in the next of this partition: readers hold it until the last
   *  one (`more: false`) is there, and drop it when a claim comes instead. Positions and state stand only in the last. */
  readonly more: boolean;
  readonly previousHash: string;
  readonly bodyHash: string;
  readonly inputs: readonly InputPosition[];
  readonly source: SourcePosition | null;
  readonly sink: {
    readonly before: SinkState;
    readonly after: SinkState;
    /** Records up to this number are applied outside. */ readonly appliedNumber: number;
  } | null;
  /** Per out-edge of the stage (same order as stage.outputs): the watermark after this record. null: none yet. */
  readonly watermarks: readonly (number | null)[];
  /** Per transform: its input watermark and the watermark that it last gave out (infinities where none yet, or ended). */
  readonly nodeWatermarks: Readonly<Record<string, readonly [input: number, output: number]>>;
  /** The task has ended: all input processed, nothing will follow. */
  readonly done: boolean;
  readonly counters: TaskCounters;
  readonly ingestMs: number;
  /** Newest checkpoint that is stored and verified; recovery starts there. */
  readonly checkpoint: CheckpointRef | null;
  /** Versions of side inputs by table. */
  readonly tables: Readonly<Record<string, string>>;
  readonly segments: readonly SegmentInfo[];
  /** Revision of the declaration that its writer ran: no owner of an older one claims behind it. */
  readonly revision: number;
  /** Up to where it has read what was decided about dead letters (the job's stream `redrive`): its own ones are taken in. */
  readonly redriven: number;
  /** Places in `watermarks` of the out-edges that are idle: nothing comes on them for now, and they have not ended. */
  readonly idle: readonly number[];
  /** Absent: an older release wrote it. */
  readonly clock?: RecordedClock | undefined;
};

/** Image of the state after record `number` (which lies at `sequence`; -1: the record that says so itself).
 *  `name`: '' for an empty state, ':inline' when that record holds it as its `image` segment, else a blob. */
export type CheckpointRef = {
  readonly name: string;
  readonly sha256: string;
  readonly number: number;
  readonly sequence: number;
  readonly bytes: number;
};

export type Record_ = {
  readonly header: RecordHeader;
  readonly body: Uint8Array;
  /** Hash of the whole message: the chain's link. */ readonly hash: string;
};
