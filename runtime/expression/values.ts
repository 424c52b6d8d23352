// The values that expressions work with, and how they become plain data again.
//
//   V1. number is CEL's double, bigint CEL's int; both are numbers and mix.
//   V2. A result is plain data: int → number when safe, timestamp and duration → ms, set → array, map → object.
//   V3. Making a result plain copies only what must change, and visits at most RESULT_NODES_MAX values: values may share
//       parts (cel.bind), so a small one can unfold to a huge one.

import { Duration, isTypeValue, shorten, typeName, UnsignedInt } from './library.ts';
import { ExpressionError } from './expression-error.ts';

/** What one evaluation may visit or make: list items, comprehension turns, values of a result. */
export const RESULT_NODES_MAX = 1_000_000;
/** Nesting of a result: more than an event may have. */
const RESULT_DEPTH_MAX = 512;
/** The longest text that an expression may make: more does not fit a record anyway. */
export const TEXT_CHARACTERS_MAX = 4_194_304;

export type PlainRecord = Readonly<Record<string, unknown>>;

/** A plain object: not null, no list, no bytes, no timestamp, no map. */
export function isRecord(value: unknown): value is PlainRecord {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return !(Array.isArray(value) || value instanceof Map || value instanceof Set || isOpaque(value));
}

/** Values that are objects in JavaScript, but one value in CEL. */
export function isOpaque(value: unknown): boolean {
  return (
    value instanceof Date || value instanceof Duration || value instanceof Uint8Array || value instanceof UnsignedInt || isTypeValue(value)
  );
}

/** ms of a timestamp, duration or number; undefined for anything else. */
export function millisecondsOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.getTime();
  if (value instanceof Duration) return value.valueOf();
  return undefined;
}

/** For messages: the kind and, for short values, the value. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return shorten(JSON.stringify(value), 60);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Date) return `timestamp ${Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()}`;
  if (value instanceof Duration) return `duration ${value.toString()}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (isRecord(value)) return `an object with ${shorten(Object.keys(value).join(', ') || 'no fields', 60)}`;
  return isTypeValue(value) ? `the type ${typeName(value as object)}` : `a ${typeof value}`;
}

let budget = RESULT_NODES_MAX;
/** Begins an evaluation that may loop or make large results. */
export function resetBudget(): void {
  budget = RESULT_NODES_MAX;
}
/** Counts work; throws when the evaluation does more than RESULT_NODES_MAX. */
export function spend(count: number): void {
  budget -= count;
  if (budget < 0) throw new ExpressionError(`the expression visits or makes more than ${RESULT_NODES_MAX} values`);
}

/** Plain data of a result (V2, V3, V4); the same object when nothing in it must change. */
export function toPlain(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'bigint':
      return plainInt(value);
    case 'object':
      return value === null ? null : plainObject(value, depth);
    default:
      if (value === undefined) return null;
      return refuse(describe(value));
  }
}

export function plainInt(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function plainObject(value: object, depth: number): unknown {
  spend(1);
  if (depth > RESULT_DEPTH_MAX)
    throw new ExpressionError(`the result holds itself, or is nested deeper than ${RESULT_DEPTH_MAX}; give plain data without circles`);
  if (Array.isArray(value)) return plainList(value, depth);
  if (value instanceof Uint8Array) return value;
  const ms = millisecondsOf(value);
  if (ms !== undefined) return Number.isNaN(ms) ? refuse('an invalid Date') : ms;
  if (value instanceof UnsignedInt) return plainInt(value.valueOf());
  if (value instanceof Set) return plainList([...(value as Set<unknown>)], depth);
  if (value instanceof Map) return plainRecord(Object.fromEntries(value as Map<string, unknown>), depth);
  if (ArrayBuffer.isView(value)) return refuse(`a ${value.constructor.name}`);
  if (isRecord(value)) return plainRecord(value, depth);
  return typeName(value);
}

function plainList(list: readonly unknown[], depth: number): readonly unknown[] {
  spend(list.length);
  let copy: unknown[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const plain = toPlain(list[i], depth + 1);
    if (plain !== list[i]) (copy ??= [...list])[i] = plain;
  }
  return copy ?? list;
}

function plainRecord(record: PlainRecord, depth: number): PlainRecord {
  let copy: Record<string, unknown> | null = null;
  const names = Object.keys(record);
  if (record instanceof Promise) {
    record.catch(() => undefined); // nobody else will look at it
    if (depth === 0) throw new ExpressionError('it gave a promise; transforms are synchronous');
  }
  if (names.length === 0 && classOf(record) !== null) return refuse(`an instance of ${classOf(record)}`);
  for (const name of names) {
    const item = record[name];
    if (item === undefined) continue;
    spend(1);
    const plain = toPlain(item, depth + 1);
    if (plain !== item) (copy ??= { ...record })[name] = plain;
  }
  return copy ?? record;
}

/** null: a plain object. */
function classOf(value: object): string | null {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null
    ? null
    : ((value as { constructor?: { name?: string } }).constructor?.name ?? '') || 'a class';
}

function refuse(what: string): never {
  throw new ExpressionError(`the result has ${what} in it, which is no data`);
}
