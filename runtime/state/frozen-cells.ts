// The cells of a transform, given in pieces for an image: as changes of an empty instance.
//
//   F1. Pieces come in the order of the cells, so that applying them gives the same order (C4). A long list comes in several.

import type { Key, Value } from '../event/batch.ts';
import { LIST_FROM_START, PLAIN_CELL } from './cell-changes.ts';
import type { NamespaceChanges } from './cell-changes.ts';
import { PLAIN } from './cell-entry.ts';
import type { Entry } from './cell-entry.ts';

type Space = { readonly id: number; readonly entries: readonly Entry[] };

const NONE: readonly Key[] = [];

export class FrozenCells {
  readonly #spaces: Space[];
  /** Place of the next cell in its space, and of its next item. */
  #entry = 0;
  #item = 0;

  constructor(spaces: Iterable<{ readonly id: number; readonly entries: ReadonlyMap<Key, Entry> }>) {
    this.#spaces = Array.from(spaces, ({ id, entries }) => ({ id, entries: [...entries.values()] })).reverse();
  }

  /** The next cells, `itemsMax` items of them (a plain cell counts one); none: that were all. */
  take(itemsMax: number): readonly NamespaceChanges[] {
    const taken: NamespaceChanges[] = [];
    let left = itemsMax;
    for (let space = this.#spaces.at(-1); space !== undefined && left > 0; space = this.#spaces.at(-1)) {
      const puts: unknown[] = [];
      while (left > 0 && this.#entry < space.entries.length) left -= this.#put(puts, space.entries[this.#entry] as Entry, left);
      taken.push({ id: space.id, deletes: NONE, puts });
      if (this.#entry < space.entries.length) break;
      this.#entry = 0;
      this.#spaces.pop();
    }
    return taken;
  }

  /** Returns how many items it has put. */
  #put(puts: unknown[], entry: Entry, itemsMax: number): number {
    if (entry.savedItems === PLAIN) {
      puts.push(entry.key, PLAIN_CELL, entry.cell);
      this.#entry++;
      return 1;
    }
    const items = entry.cell as readonly Value[];
    const from = this.#item;
    const to = Math.min(items.length, from + itemsMax);
    puts.push(entry.key, LIST_FROM_START + from, to - from === items.length ? items : items.slice(from, to));
    this.#item = to < items.length ? to : 0;
    if (to === items.length) this.#entry++;
    return to - from;
  }
}
