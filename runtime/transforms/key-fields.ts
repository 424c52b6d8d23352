// Keys made of named parts, and how results show them.
//
//   K1. One name: the key is that part's value itself. Several: the list of the parts' values, in their order.

import type { Key, Value } from '../event/batch.ts';
import { decodeKey } from '../event/key.ts';

/** The parts of `key` under their names: `{ origin: 'JFK' }`. The fields that a keyed result begins with. */
export function keyFields(names: readonly string[], key: Key): Record<string, Value> {
  if (names.length === 0) return {};
  const value = decodeKey(key);
  if (names.length === 1) return { [names[0]!]: value };
  const parts = value as readonly Value[];
  return Object.fromEntries(names.map((name, index) => [name, parts[index] ?? null]));
}
