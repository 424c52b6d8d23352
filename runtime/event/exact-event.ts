// Dead letters are written as JSON, for people and ordinary clients. Where JSON would not give back the event, the letter carries it
// exactly too, so that it can be put in again as it was.

import { Buffer } from 'node:buffer';
import type { DeadLetter, Value } from './batch.ts';
import { decodeEvents, encodeEvents } from './segment.ts';

/** A letter stays small enough to be written anywhere; a larger event must be given anew to be put in again. */
const EXACT_BYTES_MAX = 64 * 1024;

/** The letter with `exact` where its event needs it. The event is one that a segment holds. */
export function withExact(letter: DeadLetter): DeadLetter {
  if (letter.cut === true || isJson(letter.event)) return letter;
  const bytes = encodeEvent(letter.event);
  return bytes.byteLength > EXACT_BYTES_MAX ? { ...letter, cut: true } : { ...letter, exact: Buffer.from(bytes).toString('base64') };
}

/** The event of a letter that was read as JSON. Throws SegmentBroken when somebody else wrote `exact`. */
export function exactEvent({ event, exact }: Pick<DeadLetter, 'event' | 'exact'>): Value {
  return exact === undefined ? event : decodeEvent(Buffer.from(exact, 'base64'));
}

/** One value as a segment. */
export function encodeEvent(value: Value): Uint8Array {
  return encodeEvents([{ values: [value], times: [0], keys: null, ingestMs: 0 }]);
}

export function decodeEvent(bytes: Uint8Array): Value {
  return decodeEvents(bytes).values[0];
}

/** Whether JSON gives back the same. */
function isJson(value: Value): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (value === null || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== 'object' || value instanceof Date || ArrayBuffer.isView(value)) return false;
  return Object.entries(value).every(([name, part]) => name !== '__proto__' && name.isWellFormed() && isJson(part));
}
