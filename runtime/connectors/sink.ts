// The port of a sink: one partition's way out.
//
// The task first commits what it is going to write (the payload lies in its commit record), then applies it outside.
//   K1. `prepare` is synchronous and has no effect outside; the payload and `state` it returns are stored in the record.
//   K2. `apply` is idempotent: the same record applied twice, by anyone, at any later time, changes nothing the
//       second time, and can't damage what a newer owner wrote. Records are applied in order.
//   K3. After a restart every record that is not known to be applied is applied again, oldest first.
//   K4. A full disk, a lost connection: `apply` rejects with a `retry` error; the task waits and tries again (J8).

import type { TraceContext } from '../base/trace-context.ts';
import type { Batch } from '../event/batch.ts';
import type { TraceMark } from '../event/trace-marks.ts';

/** What the sink must know to go on: plain data, stored in the commit record (a file's length, a subject's last sequence). */
export type SinkState = Readonly<Record<string, number | string | boolean | null>>;

export type SinkRecord = {
  /** Number of the commit record: the first part of each result's id. */
  readonly number: number;
  readonly payload: Uint8Array;
  /** Events in the payload. */
  readonly count: number;
  /** State before and after this record. */
  readonly before: SinkState;
  readonly after: SinkState;
  /** Events of the payload that are traced, in memory only: a record that is applied by another owner comes without. */
  readonly traces?: readonly TraceMark[] | undefined;
};

export type SinkGuarantee = 'exactly-once' | 'at-least-once';

export interface SinkWriter {
  /** Encodes `batches` behind `before`. Pure. An event that can't be encoded is returned in `failed` by its place. */
  prepare(
    batches: readonly Batch[],
    before: SinkState,
  ): {
    readonly payload: Uint8Array;
    readonly count: number;
    readonly after: SinkState;
    readonly failed: readonly { value: unknown; timeMs: number; problem: string; trace?: TraceContext | undefined }[];
    /** Of sinks whose target takes traces on: the traced ones among the events of the payload. */
    readonly traces?: readonly TraceMark[] | undefined;
  };
  apply(record: SinkRecord): Promise<void>;
  /** All input was written and applied: finish (fsync, close files). Idempotent. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface SinkConnector {
  readonly guarantee: SinkGuarantee;
  /** State of a sink that has written nothing yet. */
  readonly initial: SinkState;
  /** `result id` = `${job}.${sink}.${partition}.${record number}.${index}`. */
  open(partition: number): Promise<SinkWriter>;
}
