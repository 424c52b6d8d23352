// Keys: canonical text, and which partition owns them.
//
//   K1. Equal keys have equal texts, different keys different texts: "1" and 1 differ.
//   K2. The hash is fixed for ever (test vectors in key.test.ts): it decides where state lies.
//   K3. A big int is `{"$int":"…"}`; a field `$int` of a record that somebody sent is written with one `$` more, so it is never taken for one.

import type { Key } from './batch.ts';

const MARK = '\u0000';

/** Canonical text of a key value (string, number, bigint, boolean, null, or an array or record of those). */
export function encodeKey(value: unknown): Key {
  if (typeof value === 'string') return value.startsWith(MARK) ? MARK + JSON.stringify(value) : value;
  if (Number.isSafeInteger(value)) return MARK + String(value); // as JSON writes it, at a third of the time; -0 is 0
  return MARK + canonical(value);
}

/** The key value that `encodeKey` was given (bigints come back as numbers when safe, else as bigints). */
export function decodeKey(key: Key): unknown {
  if (!key.startsWith(MARK)) return key;
  return JSON.parse(key.slice(1), (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const record = value as Record<string, unknown>;
    if (Object.hasOwn(record, '$int')) return BigInt(record['$int'] as string);
    const names = Object.keys(record);
    return names.some(isMarked) ? Object.fromEntries(names.map((name) => [isMarked(name) ? name.slice(1) : name, record[name]])) : value; // K3
  });
}

/** For people: a text as it is, all else as JSON. */
export function keyText(key: Key): string {
  const value = decodeKey(key);
  return typeof value === 'string' ? value : key.slice(MARK.length);
}

/** 32-bit FNV-1a over UTF-16 code units, low byte first, then a murmur3 finalizer to spread it. */
export function hashKey(key: Key): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return spreadHash(hash);
}

/** The finalizer of murmur3: each bit of 32 counts for all of the result. Fixed for ever (K2). */
export function spreadHash(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Partition of a key: 0 … partitionCount - 1. */
export function partitionOf(key: Key, partitionCount: number): number {
  return hashKey(key) % partitionCount;
}

function canonical(value: unknown): string {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? String(number) : `{"$int":"${value}"}`;
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const record = value as Record<string, unknown>;
    const names = Object.keys(record).sort();
    return `{${names.map((name) => `${JSON.stringify(isMarked(name) ? `$${name}` : name)}:${canonical(record[name])}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** `$int`, `$$int`, …: names that mean something in a key (K3). */
function isMarked(name: string): boolean {
  return name.endsWith('$int') && /^\$+int$/.test(name);
}
