// How far a rise that gives its results in parts has come: one cell beside those of the windows, deleted with the rise's last part
// (ADR 69, ADR 67).

import { assert } from '../../base/assert.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';

/** Namespace of that cell: behind all windows, slices and buckets. */
export const CLOSING = Infinity;

/** Of the window that begins at `start` so many keys were given, and are there still. */
export type Given = readonly [start: number, given: number];

/** undefined: no rise has stopped. */
export function notedGiven(cells: KeyedCells): Given | undefined {
  return cells.get(CLOSING, '') as Given | undefined;
}

/** Goes behind the keys that were given. */
export function skipGiven(keys: Iterator<unknown>, given: number): void {
  for (let i = 0; i < given; i++) assert(keys.next().done !== true, 'all keys that were given are there still');
}
