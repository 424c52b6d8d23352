// A segment: many events as bytes, self-contained. What travels inside commit records, on the engine's hottest path.
//
// Bytes: u8 version · f64 ingestMs · u32 count · u8 has keys · times column · [keys column ·] values column.
//        Version 2, written only when events of it are traced: and u32 marks · per mark u32 index, 24 bytes ids.
// The values go column by column (segment-encode.ts draws the form): events of one shape cost one loop per field.
//   S1. decodeEvents(encodeEvents(batches)) equals the batches, one behind the other: NaN, -0, bigints of any size,
//       Uint8Array, Date, undefined, `__proto__` keys, unpaired surrogates and the order of fields included.
//   S2. Decoded strings are slices of pieces of at most about PIECE_UNITS units, so that one string kept in a
//       state holds on to a piece and never to the segment. Keys live longest: their pieces are smaller still.
//   S3. Bytes that are no segment are refused (SegmentBroken), not guessed at. Hashes protect them before (record.ts, R3).
//   S4. Functions, symbols, class instances, and nesting deeper than DEPTH_MAX are no events: SegmentRefused.

import { assert } from '../base/assert.ts';
import type { Batch } from './batch.ts';
import { concatTraces } from './trace-marks.ts';
import type { TraceMark } from './trace-marks.ts';
import { ByteReader, ByteWriter, SegmentBroken } from './segment-bytes.ts';
import { decodeColumn } from './segment-decode.ts';
import { encodeColumn } from './segment-encode.ts';
import { decodeStrings, encodeStrings } from './segment-strings.ts';
import { decodeNumbers, encodeNumbers } from './segment-numbers.ts';

export { SegmentBroken } from './segment-bytes.ts';
export { DEPTH_MAX, SegmentRefused } from './segment-encode.ts';

const VERSION = 1;
const VERSION_TRACED = 2;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** A value in a state holds on to at most this much text of its neighbours. Smaller pieces cost 85 ns each. */
const PIECE_UNITS = 1024;
const KEY_PIECE_UNITS = 256;

/** Reused for every segment: encoding is synchronous, and `finish` copies. */
const writer = new ByteWriter();

/** Encodes the events of all `batches` in order; `ingestMs` becomes the oldest. Either all batches have keys or none. */
export function encodeEvents(batches: readonly Batch[]): Uint8Array {
  const batch = concatBatches(batches);
  writer.reset();
  writer.u8(batch.traces === undefined ? VERSION : VERSION_TRACED);
  writer.f64(batch.ingestMs);
  writer.u32(batch.values.length);
  writer.u8(batch.keys === null ? 0 : 1);
  encodeNumbers(writer, batch.times);
  if (batch.keys !== null) encodeStrings(writer, batch.keys, KEY_PIECE_UNITS);
  encodeColumn(writer, batch.values, PIECE_UNITS);
  if (batch.traces !== undefined) encodeTraces(batch.traces);
  return writer.finish();
}

/** The events of a segment as one batch. Does not keep `bytes`. Throws SegmentBroken. */
export function decodeEvents(bytes: Uint8Array): Batch {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== VERSION && version !== VERSION_TRACED)
    throw new SegmentBroken(`version ${version}, known are ${VERSION} and ${VERSION_TRACED}`);
  const ingestMs = reader.f64();
  const count = reader.count();
  const hasKeys = reader.u8() === 1;
  const times = decodeNumbers(reader, count);
  const keys = hasKeys ? decodeStrings(reader, count, KEY_PIECE_UNITS) : null;
  const values = decodeColumn(reader, count, PIECE_UNITS);
  const traces = version === VERSION_TRACED ? decodeTraces(reader, count) : undefined;
  reader.end();
  return { values, times, keys, ingestMs, traces };
}

/** One batch with the events of all, in order. */
export function concatBatches(batches: readonly Batch[]): Batch {
  const [first] = batches;
  if (first === undefined) return { values: [], times: [], keys: null, ingestMs: Infinity, traces: undefined };
  if (batches.length === 1) return first;
  const values: unknown[] = [];
  const times: number[] = [];
  const keys: string[] | null = first.keys === null ? null : [];
  let ingestMs = Infinity;
  for (const batch of batches) {
    assert((batch.keys === null) === (keys === null), 'all batches of a segment have keys, or none has');
    append(values, batch.values);
    append(times, batch.times);
    if (keys !== null && batch.keys !== null) append(keys, batch.keys);
    ingestMs = Math.min(ingestMs, batch.ingestMs);
  }
  return { values, times, keys, ingestMs, traces: concatTraces(batches) };
}

function encodeTraces(traces: readonly TraceMark[]): void {
  writer.u32(traces.length);
  for (const { at, context } of traces) {
    writer.u32(at);
    writer.hex(context.traceId);
    writer.hex(context.spanId);
  }
}

function decodeTraces(reader: ByteReader, count: number): readonly TraceMark[] {
  return Array.from({ length: reader.count() }, () => {
    const at = reader.u32();
    if (at >= count) throw new SegmentBroken(`a trace of event ${at}, of ${count}`);
    const from = reader.take(TRACE_ID_BYTES + SPAN_ID_BYTES);
    const ids = reader.buffer.toString('hex', from, reader.at);
    return { at, context: { traceId: ids.slice(0, 2 * TRACE_ID_BYTES), spanId: ids.slice(2 * TRACE_ID_BYTES) } };
  });
}

function append<T>(target: T[], from: readonly T[]): void {
  for (let i = 0; i < from.length; i++) target.push(from[i] as T);
}
