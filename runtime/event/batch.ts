// Events on their way through one task: a struct of arrays, so that a step costs per batch and not per event.
//
//   B1. values, times (and keys, when there) have the same length; index i is one event.
//   B2. A batch is never changed after it was emitted; values are shared, not copied, so nobody mutates them.
//   B3. Order is arrival order.
//   B4. `traces` is undefined but for batches with an event that is traced; see trace-marks.ts.
//   B5. On the hot path a batch is made with all its fields, in this order, traced or not: code that has seen two forms of an object is
//       slower for every event.

import type { TraceMark } from './trace-marks.ts';

/** A decoded event: plain data (JSON values, bigint, Uint8Array). Never mutated. */
export type Value = unknown;

/** A key in its canonical text (see key.ts). */
export type Key = string;

export type Batch = {
  readonly values: readonly Value[];
  /** Event time, ms since the epoch, whole numbers. The time of ingestion where no event time was declared. */
  readonly times: readonly number[];
  /** Canonical keys; null before a keyBy. */
  readonly keys: readonly Key[] | null;
  /** Wall-clock ms at which the oldest of these events entered the job: what end-to-end latency is measured from. */
  readonly ingestMs: number;
  /** Events that are traced (B4). */
  readonly traces?: readonly TraceMark[] | undefined;
};

// A watermark W says: no event with time <= W will come any more. So a window [start, end) closes when W >= end - 1,
// a timer is due when atMs <= W, and bounded out-of-orderness gives highest time - bound - 1.

/** Watermark before anything is known. */
export const WATERMARK_MIN = -Infinity;
/** Watermark of an input that has ended: no event can come any more. */
export const WATERMARK_MAX = Infinity;

/** An event that could not be processed, and why. It leaves the stage in the commit record of the step that met it. */
export type DeadLetter = {
  /** Error code of the catalogue, such as MR3002. */
  readonly code: string;
  /** Source or transform id that gave up. */
  readonly at: string;
  readonly message: string;
  /** The single mistakes, when there are several (schema violations). */
  readonly issues: readonly string[];
  /** The event as far as it was decoded: a value, or the raw text (at most 64 KiB of it). */
  readonly event: Value;
  /** Position: in the source, such as `line 17` or `seq 5121`, or those of all that was read with it, where a transform beside the source refused
   *  what another had made of it: `line 12 to 40`; of a transform behind an exchange the record that brought the event,
   *  such as `flights/0 seq 4711`, also where the event had to wait meanwhile (a retry, a lookup, a rate limit); in memory `event 3`, by its
   *  index in the list; null when unknown. */
  readonly place: string | null;
  readonly timeMs: number | null;
  readonly key: Key | null;
  /** The trace that shows how it came to this; absent without tracing. */
  readonly traceId?: string;
  /** The span of it that says what failed: put in again, the event goes on below it. */
  readonly spanId?: string;
  /** Where the code of the user's threw; absent: it was not code that did. */
  readonly stack?: string;
  /** How often it was tried, by retries and when it was put in again; absent: once. */
  readonly attempts?: number;
  /** Input of the transform that it came on; absent: the first. null: what failed is no event that came in, but what time brought
   *  (a timer, the end of a window) or what the transform made. */
  readonly input?: number | null;
  /** `event` is not all of it: what is missing was too large to be kept, or cannot be. */
  readonly cut?: true;
  /** The event as a segment, base64, where JSON would not give back the same. */
  readonly exact?: string;
};
