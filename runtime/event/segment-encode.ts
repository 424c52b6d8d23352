// Values to columns. See segment-form.ts for the bytes of each form.
//
// A column of one class (all numbers, all objects of one shape, …) is written at once. A column of several is
// split into its classes, each a column of its own, with a byte per value that says which.

import { unreachable } from '../base/assert.ts';
import { Combined } from './combined.ts';
import type { ByteWriter } from './segment-bytes.ts';
import { FORM } from './segment-form.ts';
import { encodeNumbers } from './segment-numbers.ts';
import { hasNames, shapeOf } from './segment-shape.ts';
import { encodeStrings } from './segment-strings.ts';

/** Deepest nesting of arrays and objects in an event. Each level costs stack here, in expressions and in every reader. */
export const DEPTH_MAX = 200;
/** From this depth on an event that holds itself is looked for: it would be written 2, 4, 8 … times before it is too deep. */
const CYCLE_DEPTH = 8;
/** Elements of one column: more make no record, whatever they are. */
const COLUMN_ELEMENTS_MAX = 16_777_216;
/** Shapes of objects per column before they are written as maps; mixed columns have a byte per value for the class. */
const COLUMN_SHAPES_MAX = 64;

/** A value that no event may hold. */
export class SegmentRefused extends Error {
  override readonly name = 'SegmentRefused';
}

type Kind = 'null' | 'undefined' | 'boolean' | 'number' | 'string' | 'bigint' | 'bytes' | 'date' | 'array' | 'combined' | 'object';
/** What can be written as one column. `names`: fields of a record; null: objects of many shapes. */
type Class = { readonly kind: Kind; readonly names: readonly string[] | null };

export function encodeColumn(writer: ByteWriter, values: readonly unknown[], pieceUnits: number, depth = 0): void {
  if (depth > DEPTH_MAX) throw new SegmentRefused(`an event is nested deeper than ${DEPTH_MAX}; flatten it`);
  if (depth === CYCLE_DEPTH) for (const value of values) refuseCycle(value, new Set());
  if (values.length === 0) return writer.u8(FORM.null);
  const kind = kindOf(values[0]);
  if (kind === 'object') {
    if (encodeRecords(writer, values as readonly object[], pieceUnits, depth)) return;
  } else if (isAll(kind, values)) {
    return encodeKind(writer, kind, values, pieceUnits, depth);
  }
  encodeMixed(writer, values, pieceUnits, depth);
}

/** False, and nothing written, when not all are objects with the fields of the first. */
function encodeRecords(writer: ByteWriter, values: readonly object[], pieceUnits: number, depth: number): boolean {
  const names = namesOf(values[0] as object);
  const shape = shapeOf(names, values.length);
  const columns = names.map(() => new Array<unknown>(values.length));
  if (!isAll('object', values) || !shape.split(values, columns)) return false;
  writer.u8(FORM.record);
  writer.u32(names.length);
  encodeStrings(writer, names, pieceUnits);
  for (const column of columns) encodeColumn(writer, column, pieceUnits, depth + 1);
  return true;
}

function encodeMixed(writer: ByteWriter, values: readonly unknown[], pieceUnits: number, depth: number): void {
  const classes: Class[] = [];
  const members: unknown[][] = [];
  const places = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const index = classOf(values[i], classes);
    places[i] = index;
    (members[index] ??= []).push(values[i]);
  }
  writer.u8(FORM.mixed);
  writer.u8(classes.length);
  writer.bytes(places);
  for (let c = 0; c < classes.length; c++) {
    const { kind, names } = classes[c] as Class;
    const group = members[c] as unknown[];
    writer.u32(group.length);
    if (kind !== 'object') encodeKind(writer, kind, group, pieceUnits, depth);
    else if (names === null || !encodeRecords(writer, group as object[], pieceUnits, depth))
      encodeMaps(writer, group as object[], pieceUnits, depth);
  }
}

/** Index of the class of `value`; adds it when it is new. */
function classOf(value: unknown, classes: Class[]): number {
  const kind = kindOf(value);
  let shapes = 0;
  for (let c = 0; c < classes.length; c++) {
    const known = classes[c] as Class;
    if (known.kind !== kind) continue;
    if (kind !== 'object' || known.names === null || hasNames(value as object, known.names)) return c;
    shapes++;
  }
  const names = kind === 'object' && shapes < COLUMN_SHAPES_MAX ? namesOf(value as object) : null;
  return classes.push({ kind, names }) - 1;
}

function encodeKind(writer: ByteWriter, kind: Kind, values: readonly unknown[], pieceUnits: number, depth: number): void {
  switch (kind) {
    case 'null':
      return writer.u8(FORM.null);
    case 'undefined':
      return writer.u8(FORM.undefined);
    case 'boolean':
      return encodeBooleans(writer, values);
    case 'number':
      writer.u8(FORM.number);
      return encodeNumbers(writer, values as readonly number[]);
    case 'string':
      writer.u8(FORM.string);
      return encodeStrings(writer, values as readonly string[], pieceUnits);
    case 'bigint':
      writer.u8(FORM.bigint);
      return encodeStrings(writer, values.map(String), pieceUnits);
    case 'bytes':
      return encodeBytes(writer, values as readonly Uint8Array[]);
    case 'date':
      writer.u8(FORM.date);
      return encodeNumbers(writer, values.map(Number));
    case 'array':
      return encodeArrays(writer, values as readonly (readonly unknown[])[], pieceUnits, depth);
    case 'combined':
      return encodeCombined(writer, values as readonly Combined[], pieceUnits, depth);
    case 'object':
      return encodeMaps(writer, values as readonly object[], pieceUnits, depth);
    default:
      unreachable(kind);
  }
}

function encodeBooleans(writer: ByteWriter, values: readonly unknown[]): void {
  writer.u8(FORM.boolean);
  writer.reserve(values.length);
  for (const value of values) writer.buffer[writer.at++] = value === true ? 1 : 0;
}

function encodeBytes(writer: ByteWriter, values: readonly Uint8Array[]): void {
  writer.u8(FORM.bytes);
  encodeNumbers(
    writer,
    values.map((value) => value.length),
  );
  for (const value of values) writer.bytes(value);
}

function encodeArrays(writer: ByteWriter, values: readonly (readonly unknown[])[], pieceUnits: number, depth: number): void {
  const elements: unknown[] = [];
  for (const value of values) {
    for (let i = 0; i < value.length; i++) elements.push(value[i]);
    if (elements.length > COLUMN_ELEMENTS_MAX) throw new SegmentRefused(`an event holds more than ${COLUMN_ELEMENTS_MAX} elements`);
  }
  writer.u8(FORM.array);
  encodeNumbers(
    writer,
    values.map((value) => value.length),
  );
  encodeColumn(writer, elements, pieceUnits, depth + 1);
}

/** All are of one window, so all have as many slots. */
function encodeCombined(writer: ByteWriter, values: readonly Combined[], pieceUnits: number, depth: number): void {
  writer.u8(FORM.combined);
  encodeNumbers(
    writer,
    values.map(({ events }) => events),
  );
  const slots = values[0]?.cell.length ?? 0;
  writer.u32(slots);
  for (let slot = 0; slot < slots; slot++)
    encodeColumn(
      writer,
      values.map(({ cell }) => cell[slot]),
      pieceUnits,
      depth + 1,
    );
}

function encodeMaps(writer: ByteWriter, values: readonly object[], pieceUnits: number, depth: number): void {
  const counts: number[] = [];
  const names: string[] = [];
  const fields: unknown[] = [];
  for (const value of values) {
    const own = namesOf(value);
    counts.push(own.length);
    for (const name of own) {
      names.push(name);
      fields.push((value as Record<string, unknown>)[name]);
    }
  }
  writer.u8(FORM.map);
  encodeNumbers(writer, counts);
  writer.u32(names.length);
  encodeStrings(writer, names, pieceUnits);
  encodeColumn(writer, fields, pieceUnits, depth + 1);
}

function namesOf(value: object): string[] {
  const names = Object.keys(value);
  // A Map, a Set, a class without fields would come back as {}: tell, instead of losing it.
  if (names.length === 0) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null)
      throw new SegmentRefused(`an event holds a ${value.constructor.name}; events hold plain data (JSON values, bigint, Uint8Array)`);
  }
  return names;
}

function refuseCycle(value: unknown, above: Set<object>): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (above.has(value)) throw new SegmentRefused('an event holds itself; give it plain data without circles');
  if (above.size > DEPTH_MAX) return;
  above.add(value);
  for (const part of Object.values(value)) refuseCycle(part, above);
  above.delete(value);
}

function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'number':
      return 'number';
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'undefined':
      return 'undefined';
    case 'bigint':
      return 'bigint';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'array';
      if (value instanceof Uint8Array) return 'bytes';
      if (value instanceof Date) return 'date';
      return value instanceof Combined ? 'combined' : 'object';
    default:
      throw new SegmentRefused(`an event holds a ${typeof value}; events hold plain data (JSON values, bigint, Uint8Array)`);
  }
}

function isAll(kind: Kind, values: readonly unknown[]): boolean {
  if (kind === 'number' || kind === 'string' || kind === 'boolean') {
    for (let i = 0; i < values.length; i++) if (typeof values[i] !== kind) return false;
    return true;
  }
  for (let i = 0; i < values.length; i++) if (kindOf(values[i]) !== kind) return false;
  return true;
}
