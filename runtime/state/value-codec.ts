// Bytes of plain values: msgpack that gives back exactly what it was given.
//
// Owns: what msgpack by itself would change. msgpackr writes -0 as 0, renames an own field `__proto__`, and damages
// texts that are no well-formed UTF-16 (a lone surrogate, which JSON may hold). Those few values travel as extensions.
//   V1. decode(encode(v)) equals v: NaN, ±Infinity, -0, bigint (as bigint), Uint8Array, null and undefined kept apart.
//   V2. A value without such oddities is walked but never copied.

import { addExtension, Packr } from 'msgpackr/pack';

class MinusZero {}
class BrokenText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
/** A record with a field that msgpackr would rename or damage, as [name, value, name, value, …]. */
class OddRecord {
  readonly pairs: readonly unknown[];
  constructor(pairs: readonly unknown[]) {
    this.pairs = pairs;
  }
}

const EXTENSION_MINUS_ZERO = 0x31;
const EXTENSION_BROKEN_TEXT = 0x32;
const EXTENSION_ODD_RECORD = 0x33;
const MINUS_ZERO = new MinusZero();

addExtension({ Class: MinusZero, type: EXTENSION_MINUS_ZERO, write: () => 0, read: () => -0 });
addExtension({
  Class: BrokenText,
  type: EXTENSION_BROKEN_TEXT,
  write: (broken: BrokenText) => Array.from({ length: broken.text.length }, (_, i) => broken.text.charCodeAt(i)),
  read: (units: number[]) => units.map((unit) => String.fromCharCode(unit)).join(''),
});
addExtension({ Class: OddRecord, type: EXTENSION_ODD_RECORD, write: (odd: OddRecord) => odd.pairs, read: recordOf });

// int64AsType bigint: only bigints are written as 64-bit integers (larger numbers travel as float64), so each comes back
// as what it was. moreTypes: Uint8Array comes back as Uint8Array and owns its bytes.
const packr = new Packr({ useRecords: false, int64AsType: 'bigint', useBigIntExtension: true, moreTypes: true, variableMapSize: true });

/** Bytes of a plain value. The array is the caller's. Throws for what is no data (a function, a cycle). */
export function encodeValue(value: unknown): Uint8Array {
  return packr.pack(escapeValue(value));
}

export function decodeValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

/** `value` itself, or a copy in which every odd part is wrapped in its extension (V2). */
function escapeValue(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return value === 0 && Object.is(value, -0) ? MINUS_ZERO : value;
    case 'string':
      return value.isWellFormed() ? value : new BrokenText(value);
    case 'object':
      return value === null ? null : escapeObject(value);
    default:
      return value;
  }
}

function escapeObject(value: object): unknown {
  if (Array.isArray(value)) return escapeArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value; // Uint8Array, Date, Map: msgpackr's own business
  return escapeRecord(value as Record<string, unknown>);
}

// One pass each, so that a deep value costs no more than a flat one: the copy begins at the first odd part.

function escapeArray(items: readonly unknown[]): readonly unknown[] {
  for (let i = 0; i < items.length; i++) {
    const escaped = escapeValue(items[i]);
    if (Object.is(escaped, items[i])) continue;
    const copy = items.slice(0, i);
    copy.push(escaped);
    while (copy.length < items.length) copy.push(escapeValue(items[copy.length]));
    return copy;
  }
  return items;
}

function escapeRecord(record: Record<string, unknown>): unknown {
  let copy: Record<string, unknown> | null = null;
  let isOdd = false;
  for (const name in record) {
    if (name === '__proto__' || !name.isWellFormed()) isOdd = true;
    const escaped = escapeValue(record[name]);
    if (copy === null) {
      if (Object.is(escaped, record[name])) continue;
      copy = Object.create(null, Object.getOwnPropertyDescriptors(record)) as Record<string, unknown>;
    }
    copy[name] = escaped;
  }
  if (isOdd) return oddRecord(copy ?? record);
  return copy === null ? record : { ...copy };
}

/** `record`: fields are escaped already, names are not. */
function oddRecord(record: Record<string, unknown>): OddRecord {
  return new OddRecord(Object.keys(record).flatMap((name) => [escapeValue(name), record[name]]));
}

function recordOf(pairs: readonly unknown[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    Object.defineProperty(record, pairs[i] as string, { value: pairs[i + 1], enumerable: true, configurable: true, writable: true });
  }
  return record;
}
