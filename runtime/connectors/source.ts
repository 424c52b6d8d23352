// The port of a source: one split read by one task of a source stage.
//
//   S1. `read` returns events together with the position after them; a reader opened at that position goes on
//       with the next event: none lost, none twice.
//   S2. What does not decode or violates the schema becomes a dead letter at its place; reading goes on behind it.
//   S3. Memory is bounded by the limits of `read`, whatever the input.

import type { MillraceError } from '../base/errors.ts';
import type { TraceContext } from '../base/trace-context.ts';
import type { DeadLetter, Value } from '../event/batch.ts';
import type { DecodedEvent } from '../event/codec/json-event.ts';
import type { TraceMark } from '../event/trace-marks.ts';

/** How far a split was read: plain data, stored in the commit record. */
export type SourcePosition = Readonly<Record<string, number | string | boolean | null>>;

export type SourceRead = {
  readonly values: readonly Value[];
  /** A place for people per value (line number, stream sequence), for dead letters of later transforms. */
  readonly places: readonly number[];
  /** What places count. */
  readonly placeWord: 'line' | 'seq' | 'event';
  readonly deadLetters: readonly (Omit<DeadLetter, 'at'> & { readonly trace?: TraceContext })[];
  /** Values whose producer traces them; absent: none. */
  readonly traces?: readonly TraceMark[] | undefined;
  /** Position after all of these. */
  readonly position: SourcePosition;
  /** Wall-clock ms when the oldest of these was taken in: for NATS its publication, else the time of reading. */
  readonly ingestMs: number;
  /** True when the split has ended: nothing will follow. */
  readonly done: boolean;
  /** Bytes read, for credit and figures. */
  readonly bytes: number;
  /** Share of the split that was read, 0 … 1, or null when unbounded. */
  readonly progress: number | null;
  /** true: its position is to be stored though it has no event; nothing is read before. Absent: it goes with the next events. */
  readonly fixes?: boolean;
};

export interface SourceReader {
  /** false: it cannot be known now whether there is anything. Absent: it always is. */
  readonly isHeard?: boolean;
  /** Why nothing can be read now, though reading goes on by itself once that is mended; null: it can. Absent: it always can. */
  readonly stalled?: MillraceError | null;
  /** Resolves when there is something (or the end), with at most the limits; with an empty read after `waitMs` otherwise. */
  read(limits: { readonly eventsMax: number; readonly bytesMax: number; readonly waitMs: number }): Promise<SourceRead>;
  /** The journal holds that it was read up to `position`. */
  stored?(position: SourcePosition): void;
  close(): Promise<void>;
}

export interface SourceConnector {
  /** Number of splits = partitions of the source stage. */
  readonly splitCount: number;
  /** Opens split `split` at `position` (null: from its start). */
  open(split: number, position: SourcePosition | null): Promise<SourceReader>;
  /** Decodes what a dead letter shows of an event (its text, or its fields), or what somebody wrote in its place. Absent: it reads no
   *  single events. */
  readonly decodeAgain?: (event: Value) => DecodedEvent;
}
