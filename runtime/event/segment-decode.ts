// Columns to values: the reverse of segment-encode.ts.

import { Combined } from './combined.ts';
import type { ByteReader } from './segment-bytes.ts';
import { COUNT_MAX, SegmentBroken } from './segment-bytes.ts';
import { FORM } from './segment-form.ts';
import { decodeNumbers } from './segment-numbers.ts';
import { setField, shapeOf } from './segment-shape.ts';
import { decodeStrings } from './segment-strings.ts';

export function decodeColumn(reader: ByteReader, count: number, pieceUnits: number): unknown[] {
  const form = reader.u8();
  switch (form) {
    case FORM.null:
      return new Array<unknown>(count).fill(null);
    case FORM.undefined:
      return new Array<unknown>(count).fill(undefined);
    case FORM.boolean:
      return decodeBooleans(reader, count);
    case FORM.number:
      return decodeNumbers(reader, count);
    case FORM.string:
      return decodeStrings(reader, count, pieceUnits);
    case FORM.bigint:
      return decodeStrings(reader, count, pieceUnits).map(toBigInt);
    case FORM.bytes:
      return decodeNumbers(reader, count).map((length) => decodeBytes(reader, length));
    case FORM.date:
      return decodeNumbers(reader, count).map((timeMs) => new Date(timeMs));
    case FORM.array:
      return decodeArrays(reader, count, pieceUnits);
    case FORM.record:
      return decodeRecords(reader, count, pieceUnits);
    case FORM.map:
      return decodeMaps(reader, count, pieceUnits);
    case FORM.mixed:
      return decodeMixed(reader, count, pieceUnits);
    case FORM.combined:
      return decodeCombined(reader, count, pieceUnits);
    default:
      throw new SegmentBroken(`a column of unknown form ${form} at ${reader.at - 1}`);
  }
}

function decodeBooleans(reader: ByteReader, count: number): boolean[] {
  let at = reader.take(count);
  const values = new Array<boolean>(count);
  for (let i = 0; i < count; i++) values[i] = reader.buffer[at++] === 1;
  return values;
}

/** A copy: the value must not keep the segment alive. */
function decodeBytes(reader: ByteReader, length: number): Uint8Array {
  const start = reader.take(length);
  return Uint8Array.prototype.slice.call(new Uint8Array(reader.buffer.buffer, reader.buffer.byteOffset + start, length));
}

function decodeArrays(reader: ByteReader, count: number, pieceUnits: number): unknown[][] {
  const lengths = decodeNumbers(reader, count);
  const elements = decodeColumn(reader, sum(lengths), pieceUnits);
  let at = 0;
  return lengths.map((length) => elements.slice(at, (at += length)));
}

function decodeRecords(reader: ByteReader, count: number, pieceUnits: number): object[] {
  const names = decodeStrings(reader, reader.count(), pieceUnits);
  const columns = names.map(() => decodeColumn(reader, count, pieceUnits));
  return shapeOf(names, count).join(count, columns);
}

function decodeMaps(reader: ByteReader, count: number, pieceUnits: number): object[] {
  const counts = decodeNumbers(reader, count);
  const total = reader.count();
  if (sum(counts) !== total) throw new SegmentBroken(`${total} fields where the objects have ${sum(counts)}`);
  const names = decodeStrings(reader, total, pieceUnits);
  const fields = decodeColumn(reader, total, pieceUnits);
  let at = 0;
  return counts.map((fieldCount) => {
    const value: Record<string, unknown> = {};
    for (const end = at + fieldCount; at < end; at++) setField(value, names[at] as string, fields[at]);
    return value;
  });
}

function decodeMixed(reader: ByteReader, count: number, pieceUnits: number): unknown[] {
  const classCount = reader.u8();
  const start = reader.take(count);
  const members: unknown[][] = [];
  for (let c = 0; c < classCount; c++) members.push(decodeColumn(reader, reader.count(), pieceUnits));
  const next = new Uint32Array(classCount);
  const values = new Array<unknown>(count);
  for (let i = 0; i < count; i++) {
    const index = reader.buffer[start + i] as number;
    const place = next[index];
    const group = members[index];
    if (group === undefined || place === undefined || place >= group.length) throw new SegmentBroken(`no value ${place} of class ${index}`);
    values[i] = group[place];
    next[index] = place + 1;
  }
  return values;
}

function decodeCombined(reader: ByteReader, count: number, pieceUnits: number): Combined[] {
  const events = decodeNumbers(reader, count);
  const slots = Array.from({ length: reader.count() }, () => decodeColumn(reader, count, pieceUnits));
  return events.map(
    (each, i) =>
      new Combined(
        each,
        slots.map((column) => column[i]),
      ),
  );
}

function toBigInt(text: string): bigint {
  try {
    return BigInt(text);
  } catch (error) {
    throw new SegmentBroken(`"${text.slice(0, 40)}" is no whole number`, error);
  }
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  if (!(total >= 0 && total <= COUNT_MAX)) throw new SegmentBroken(`${total} values in one column`);
  return total;
}
