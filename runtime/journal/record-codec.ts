// Commit records as bytes, and back.
//
// Bytes: "MRJ1" · u32 header length · u32 CRC-32 of the header · header (msgpack list, fields by place) · body.
//   R1. The header is read without touching the body.
//   R3. The body's hash stands in the header and is checked before a segment is read.
//   R4. The record's hash, the chain's link, is that of the bytes before the body: with R3 it covers every byte,
//       and a reader that needs no body need not hash it. The CRC finds damage of the header itself, at once and
//       not only when the next record's link is compared.
// SHA-256 because it is there natively (1.5 GB/s here, one call) and no two bodies share it by accident or on
// purpose; 16 of its 32 bytes because 2^64 tries for a collision are out of reach and headers are small.

import { hash as cryptoHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr/pack';
import { MillraceError } from '../base/errors.ts';
import { headerFromList, headerToList } from './record-header.ts';
import type { RecordHeader, Record_, SegmentInfo, SegmentKind } from './record.ts';

export type SegmentInput = {
  readonly kind: SegmentKind;
  readonly edge: number;
  readonly partition: number;
  readonly count: number;
  readonly bytes: Uint8Array;
};

export type EncodedRecord = { readonly bytes: Uint8Array; readonly hash: string };

/** Link of the first record of a partition: there is none before it. */
export const NO_HASH = '';

const MAGIC = 0x314a524d; // "MRJ1", read little-endian
const PREFIX_BYTES = 12;
const HASH_HEX_LENGTH = 32;

/** Plain msgpack: a header is self-contained, and its few objects have names that we chose. */
const packr = new Packr({ useRecords: false, moreTypes: false });

/** The message of a record. Segments lie in the body in the order given. */
export function encodeRecord(header: Omit<RecordHeader, 'bodyHash' | 'segments'>, segments: readonly SegmentInput[]): EncodedRecord {
  const { infos, bodyBytes } = layOut(segments);
  const body = gather(segments, bodyBytes);
  const list = headerToList({ ...header, bodyHash: hashOf(body), segments: infos });
  const headerBytes = packr.pack(list);
  const bodyStart = PREFIX_BYTES + headerBytes.length;
  const bytes = Buffer.allocUnsafeSlow(bodyStart + bodyBytes);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(headerBytes.length, 4);
  bytes.writeUInt32LE(crc32(headerBytes), 8);
  bytes.set(headerBytes, PREFIX_BYTES);
  bytes.set(body, bodyStart);
  return { bytes, hash: hashOf(bytes.subarray(0, bodyStart)) };
}

/** The header alone. `place` names the partition in the error. Throws MR2105 when the bytes are no record. */
export function decodeHeader(bytes: Uint8Array, place = 'a partition'): RecordHeader {
  return openHeader(bytes, place).header;
}

/** Hash of a record (R4), without reading its body. Throws MR2105. */
export function recordHash(bytes: Uint8Array, place = 'a partition'): string {
  return hashOf(bytes.subarray(0, bodyStartOf(bytes, place)));
}

/** The record, its body verified. Throws MR2105 when anything is damaged. Does not copy: the body is a view of `bytes`. */
export function decodeRecord(bytes: Uint8Array, place = 'a partition'): Record_ {
  const { header, bodyStart } = openHeader(bytes, place);
  const body = bytes.subarray(bodyStart);
  if (hashOf(body) !== header.bodyHash)
    throw broken(place, `the body of record ${header.number} (${body.length} bytes) has another hash than its header says`);
  const end = header.segments.reduce((at, segment) => (segment.offset === at && segment.length >= 0 ? at + segment.length : -1), 0);
  if (end !== body.length) throw broken(place, `the segments of record ${header.number} do not fill its body of ${body.length} bytes`);
  return { header, body, hash: hashOf(bytes.subarray(0, bodyStart)) };
}

/** Bytes of one segment: a view. */
export function segmentBytes(record: Record_, segment: SegmentInfo): Uint8Array {
  return record.body.subarray(segment.offset, segment.offset + segment.length);
}

function openHeader(bytes: Uint8Array, place: string): { readonly header: RecordHeader; readonly bodyStart: number } {
  const bodyStart = bodyStartOf(bytes, place);
  const headerBytes = bytes.subarray(PREFIX_BYTES, bodyStart);
  const found = crc32(headerBytes);
  const expected = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32LE(8);
  if (found !== expected) throw broken(place, `a record's header is damaged (CRC-32 ${found}, expected ${expected})`);
  const header = headerFromList(unpack(headerBytes, place));
  if (header === null) throw broken(place, 'a record has a header of an unknown form; a newer version may have written it');
  return { header, bodyStart };
}

function bodyStartOf(bytes: Uint8Array, place: string): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < PREFIX_BYTES || view.readUInt32LE(0) !== MAGIC)
    throw broken(place, `a message of ${view.length} bytes is no commit record`);
  const bodyStart = PREFIX_BYTES + view.readUInt32LE(4);
  if (bodyStart > view.length) throw broken(place, `a record is cut: ${view.length} bytes, its header alone ends at ${bodyStart}`);
  return bodyStart;
}

function unpack(bytes: Uint8Array, place: string): unknown {
  try {
    return packr.unpack(bytes);
  } catch (error) {
    throw broken(place, 'a record has a header that is no msgpack', error);
  }
}

function layOut(segments: readonly SegmentInput[]): { readonly infos: readonly SegmentInfo[]; readonly bodyBytes: number } {
  let offset = 0;
  const infos = segments.map(({ kind, edge, partition, count, bytes }) => {
    const info = { kind, edge, partition, count, offset, length: bytes.length };
    offset += bytes.length;
    return info;
  });
  return { infos, bodyBytes: offset };
}

function gather(segments: readonly SegmentInput[], bodyBytes: number): Uint8Array {
  const [only] = segments;
  if (segments.length === 1 && only !== undefined) return only.bytes;
  const body = Buffer.allocUnsafe(bodyBytes);
  let at = 0;
  for (const { bytes } of segments) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return body;
}

function hashOf(bytes: Uint8Array): string {
  return cryptoHash('sha256', bytes, 'hex').slice(0, HASH_HEX_LENGTH);
}

function broken(place: string, problem: string, cause?: unknown): MillraceError<'MR2105'> {
  return new MillraceError('MR2105', { task: place, problem }, cause);
}
