// From what a key expression gave to a key.

import type { Key } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { refusePromise } from './each-event.ts';
import { EventRefused, describeValue } from './failure.ts';

/** The key of a value. Refuses what is no key: null, and numbers that equal no other in canonical text (NaN, infinite). */
export function keyOfValue(value: unknown): Key {
  if (typeof value === 'string' || Number.isSafeInteger(value)) return encodeKey(value);
  if (value === null) throw new EventRefused('the key is null; filter events without a key out before, or give them one');
  checkPart(value);
  return encodeKey(value);
}

/** Looks into lists and records too: in canonical text NaN would look like null. */
function checkPart(value: unknown): void {
  if (value instanceof Promise) refusePromise(value);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new EventRefused(`the key is ${describeValue(value)}, which equals no other`);
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) checkPart(part);
}
