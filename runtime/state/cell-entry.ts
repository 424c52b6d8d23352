// One cell as live-cells.ts keeps it.

import type { Key, Value } from '../event/batch.ts';

export type Entry = {
  readonly key: Key;
  cell: Value;
  /** Items of a list cell that the last take held already; PLAIN for a plain cell. */
  savedItems: number;
  /** Generation of its last note (GONE: it was deleted), and of its making. */
  noted: number;
  readonly born: number;
  /** The last image that has it, as it was when that was begun; 0: none. */
  image: number;
};

export const PLAIN = -1;
export const GONE = -1;

/** Plain cells count one, list cells their items. */
export function weightOf(entry: Entry): number {
  return entry.savedItems === PLAIN ? 1 : (entry.cell as readonly Value[]).length;
}
