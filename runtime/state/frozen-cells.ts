// The cells of a transform as they were at one moment, given in pieces for an image while steps go on: as changes of an empty instance.
//
//   F1. Pieces come in the order of the cells, so that applying them gives the same order (C4). A long list comes in several.
//   F2. A cell may be changed in place by whoever has got it (C1). So what is got, and was not given yet, is kept: a copy of a plain cell,
//       of a list how long it was, since lists only grow. What is replaced without having been got is kept as it is. Of what the value store
//       has as it was, only the place is kept: an image takes no more memory than values had when it was begun.
//   F3. What came after that moment is not of it, and what is gone since is: its entry is held from here.

import type { Key, Value } from '../event/batch.ts';
import { LIST_FROM_START, PLAIN_CELL } from './cell-changes.ts';
import type { NamespaceChanges } from './cell-changes.ts';
import { PLAIN } from './cell-entry.ts';
import type { Entry } from './cell-entry.ts';
import { decodeValue, encodeValue } from './value-codec.ts';

type Space = { readonly id: number; readonly entries: readonly Entry[] };
/** A cell of before, or its `place` in the value store; `items`: of a list, how many it had; else PLAIN. */
type Kept = { readonly cell: Value; readonly place: number; readonly items: number };
type Look = {
  /** The value of a cell, also when it is not in memory. */
  readonly look: (entry: Entry) => Value;
  /** What the value store has there. */
  readonly at: (place: number) => Value;
};

const NONE: readonly Key[] = [];

export class FrozenCells {
  readonly #image: number;
  readonly #generation: number;
  readonly #spaces: Space[];
  readonly #values: Look;
  readonly #kept = new Map<Entry, Kept>();
  /** Place of the next cell in its space, and of its next item. */
  #entry = 0;
  #item = 0;

  /** `generation`: what was made in it, or later, is not of this image. */
  constructor(
    spaces: Iterable<{ readonly id: number; readonly entries: ReadonlyMap<Key, Entry> }>,
    { image, generation, ...values }: { readonly image: number; readonly generation: number } & Look,
  ) {
    this.#values = values;
    this.#image = image;
    this.#generation = generation;
    this.#spaces = Array.from(spaces, ({ id, entries }) => ({ id, entries: [...entries.values()] })).reverse();
  }

  /** Somebody gets the cell, or a list is about to grow (F2). */
  lend(entry: Entry): void {
    if (!this.#isOf(entry)) return;
    this.#keep(entry, entry.savedItems === PLAIN && entry.stored <= 0 ? copyOf(entry.cell) : entry.cell);
  }

  /** `cell` is about to take the place of the entry's (F2). */
  replace(entry: Entry, cell: Value): void {
    if (cell === entry.cell) this.lend(entry);
    else if (this.#isOf(entry)) this.#keep(entry, entry.cell);
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

  /** It is to be in the image, and was neither given nor kept. */
  #isOf(entry: Entry): boolean {
    return entry.image !== this.#image && entry.born < this.#generation;
  }

  #keep(entry: Entry, cell: Value): void {
    entry.image = this.#image;
    const items = entry.savedItems === PLAIN ? PLAIN : (cell as readonly Value[]).length;
    this.#kept.set(entry, entry.stored > 0 ? { cell: null, place: entry.stored, items } : { cell, place: 0, items });
  }

  /** A list that is about to be given, piece by piece. */
  #hold(entry: Entry, cell: readonly Value[]): void {
    entry.image = this.#image;
    this.#kept.set(entry, { cell, place: 0, items: this.#kept.get(entry)?.items ?? cell.length });
  }

  /** Returns how many items it has put. */
  #put(puts: unknown[], entry: Entry, itemsMax: number): number {
    if (entry.image === this.#image) return this.#putKept(puts, entry, itemsMax);
    if (entry.savedItems === PLAIN) {
      puts.push(entry.key, PLAIN_CELL, this.#values.look(entry));
      return this.#given(entry, 1);
    }
    this.#hold(entry, this.#values.look(entry) as readonly Value[]);
    return this.#putKept(puts, entry, itemsMax);
  }

  #putKept(puts: unknown[], entry: Entry, itemsMax: number): number {
    const { cell: kept, place, items } = this.#kept.get(entry) as Kept;
    const cell = place > 0 ? this.#values.at(place) : kept;
    if (items === PLAIN) {
      puts.push(entry.key, PLAIN_CELL, cell);
      return this.#given(entry, 1);
    }
    const list = cell as readonly Value[];
    if (place > 0) this.#hold(entry, list);
    const from = this.#item;
    const to = Math.min(items, from + itemsMax);
    puts.push(entry.key, LIST_FROM_START + from, to - from === list.length ? list : list.slice(from, to));
    this.#item = to;
    return to === items ? this.#given(entry, to - from) : to - from;
  }

  /** All of the entry is. */
  #given(entry: Entry, items: number): number {
    entry.image = this.#image;
    this.#kept.delete(entry);
    this.#entry++;
    this.#item = 0;
    return items;
  }
}

function copyOf(cell: Value): Value {
  return typeof cell === 'object' && cell !== null ? decodeValue(encodeValue(cell)) : cell;
}
