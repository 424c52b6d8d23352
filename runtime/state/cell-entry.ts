// One cell as live-cells.ts keeps it.

import type { Key, Value } from '../event/batch.ts';

export type Entry = {
  readonly key: Key;
  /** AWAY: it lies in the value store only. */
  cell: Value;
  /** Items of a list cell that the last take held already; PLAIN for a plain cell. */
  savedItems: number;
  /** Generation of its last note (GONE: it was deleted), and of its making. */
  noted: number;
  readonly born: number;
  /** The last image that has it, as it was when that was begun; 0: none. */
  image: number;
  /** Its place in the value store (spilled-values.ts); negative: what lies there is older than the cell; 0: none. */
  stored: number;
};

export const PLAIN = -1;
export const GONE = -1;
/** In the place of a value that is not in memory. */
export const AWAY: unique symbol = Symbol('in the value store');

/** Plain cells count one, list cells their items. One that is away is as the last take saw it. */
export function weightOf(entry: Entry): number {
  if (entry.savedItems === PLAIN) return 1;
  return entry.cell === AWAY ? entry.savedItems : (entry.cell as readonly Value[]).length;
}
