// Keyed cells in memory: the implementation of keyed-cells.ts (C1 … C4) that notes every change.
//
//   L1. A generation is the time between two takes. An entry is noted once per generation, at its first change, so a
//       put of a cell that is changed already costs one look-up and no note.
//   L2. New entries are noted in insertion order; a key that was deleted and comes again is a new entry. Applying
//       drops, then deletes, then puts in noted order therefore gives the same iteration order (C4).
//   L4. While an image is under way, each way to a cell that may change it tells the image first (frozen-cells.ts).
//   L5. Where there is a place for values that do not fit memory (spilled-values.ts), entries stay and their values may be away: who gets one
//       has it back, who only goes through entries gets a copy. Values go in the order in which they came, but for those that changed lately.
//   L6. What a step touches is counted, so that it can end when that is much: values that came back from their place, new ones, and the
//       encoded form of what changed, which waits in the delta.
//   L3. A namespace without cells does not exist: when its last cell goes it is dropped.

import { assert } from '../base/assert.ts';
import type { Key, Value } from '../event/batch.ts';
import { RoughSum } from '../event/rough-bytes.ts';
import type { CellChanges, NamespaceChanges } from './cell-changes.ts';
import { LIST_FROM_START, PLAIN_CELL } from './cell-changes.ts';
import { AWAY, GONE, PLAIN, weightOf } from './cell-entry.ts';
import type { Entry } from './cell-entry.ts';
import { FrozenCells } from './frozen-cells.ts';
import type { KeyedCells } from './keyed-cells.ts';
import { Residents } from './residents.ts';
import type { SpilledValues } from './spilled-values.ts';
import { ValueSizes } from './value-sizes.ts';

type Namespace = {
  readonly id: number;
  readonly born: number;
  readonly entries: Map<Key, Entry>;
  noted: Entry[];
  deleted: Key[];
  /** Plain cells plus items of list cells. */
  weight: number;
};

const EMPTY: readonly Value[] = Object.freeze([]);

export class LiveCells implements KeyedCells {
  readonly #namespaces = new Map<number, Namespace>();
  /** Null: all values are in memory. */
  readonly #spilled: SpilledValues | null;
  readonly #residents: Residents | null;
  #sorted: readonly number[] | null = [];
  #dropped = new Set<number>();
  #touched = new Set<Namespace>();
  #generation = 1;
  /** The image that is under way, and the number of the last one. */
  #frozen: FrozenCells | null = null;
  #image = 0;
  #cellCount = 0;
  #weight = 0;
  /** Of cells whose values are away. */
  #awayWeight = 0;
  readonly #sizes = new ValueSizes();
  /** L6: what came to be or changed, and what of `bytesRead` is counted. */
  #changedSum = new RoughSum();
  #comeBytes = 0;
  /** The namespace and entry met last: a put mostly follows the get of the same cell. */
  #lastNamespace: Namespace | undefined;
  #lastEntry: Entry | undefined;

  constructor(spilled: SpilledValues | null = null) {
    this.#spilled = spilled;
    this.#residents = spilled === null ? null : new Residents();
  }

  get(namespace: number, key: Key): Value | undefined {
    const entry = this.#find(namespace, key);
    if (entry === undefined) return undefined;
    if (entry.cell === AWAY) this.#comeBack(entry);
    this.#frozen?.lend(entry);
    return entry.cell;
  }

  put(namespace: number, key: Key, cell: Value): void {
    assert(cell !== undefined, 'a cell is never undefined; delete it instead');
    const entry = this.#find(namespace, key);
    if (entry === undefined) {
      this.#insert(this.#open(namespace, this.#generation), key, cell, PLAIN);
      return;
    }
    if (entry.cell === AWAY) this.#comeBack(entry, entry.savedItems === PLAIN ? cell : undefined);
    this.#frozen?.replace(entry, cell);
    if (entry.savedItems !== PLAIN) this.#weigh(this.#lastNamespace!, 1 - weightOf(entry));
    entry.cell = cell;
    entry.savedItems = PLAIN;
    if (entry.noted !== this.#generation) this.#note(this.#lastNamespace!, entry);
  }

  append(namespace: number, key: Key, item: Value): void {
    const entry = this.#find(namespace, key);
    if (entry === undefined) {
      this.#insert(this.#open(namespace, this.#generation), key, [item], 0);
      return;
    }
    assert(entry.savedItems !== PLAIN, 'append to a cell that was put');
    if (entry.cell === AWAY) this.#comeBack(entry);
    this.#frozen?.lend(entry);
    (entry.cell as Value[]).push(item);
    this.#weigh(this.#lastNamespace!, 1);
    if (this.#spilled !== null) this.#changedSum.add(item);
    if (entry.noted !== this.#generation) this.#note(this.#lastNamespace!, entry);
  }

  list(namespace: number, key: Key): readonly Value[] {
    const entry = this.#find(namespace, key);
    if (entry === undefined) return EMPTY;
    assert(entry.savedItems !== PLAIN, 'list of a cell that was put');
    if (entry.cell === AWAY) this.#comeBack(entry);
    return entry.cell as readonly Value[];
  }

  delete(namespace: number, key: Key): void {
    const entry = this.#find(namespace, key);
    if (entry === undefined) return;
    const space = this.#lastNamespace!;
    if (space.entries.size === 1) {
      this.drop(namespace); // L3
      return;
    }
    space.entries.delete(key);
    this.#cellCount--;
    this.#weigh(space, -weightOf(entry));
    entry.noted = GONE;
    this.#forget(entry);
    this.#lastEntry = undefined;
    this.#touched.add(space);
    if (entry.born !== this.#generation) space.deleted.push(key);
  }

  drop(namespace: number): void {
    const space = this.#namespaces.get(namespace);
    if (space === undefined) return;
    this.#close(space);
    this.#touched.delete(space);
    if (space.born !== this.#generation) this.#dropped.add(namespace);
  }

  namespaces(): readonly number[] {
    this.#sorted ??= [...this.#namespaces.keys()].sort((a, b) => a - b);
    return this.#sorted;
  }

  *entries(namespace: number): IterableIterator<[Key, Value]> {
    const space = this.#namespaces.get(namespace);
    if (space === undefined) return;
    for (const entry of space.entries.values()) {
      if (entry.cell !== AWAY) this.#frozen?.lend(entry);
      yield [entry.key, valueOf(entry, this.#spilled)];
    }
  }

  size(namespace?: number): number {
    if (namespace !== undefined) return this.#namespaces.get(namespace)?.entries.size ?? 0;
    return this.#cellCount;
  }

  /** Plain cells plus items of list cells: what the size in bytes goes with. */
  get weight(): number {
    return this.#weight;
  }

  /** About how many bytes the values in memory take, as they are encoded. */
  get valueBytes(): number {
    return (this.#weight - this.#awayWeight) * this.#sizes.mean;
  }

  /** About how many bytes came to memory or changed since `settle` (L6); 0 where all values are in memory. */
  get touchedBytes(): number {
    return this.#comeBytes + this.#changedSum.bytes;
  }

  /** What was touched is stored. */
  settle(): void {
    this.#comeBytes = 0;
    this.#changedSum.bytes = 0;
  }

  /** Takes values out of memory until about `bytesMax` are left there (L5). Throws what the store fails with: then they stay. */
  spill(bytesMax: number): void {
    const [spilled, residents] = [this.#spilled, this.#residents];
    assert(spilled !== null && residents !== null && !this.isChanged, 'values go to a place for them, when their changes were taken');
    const entries = residents.take((this.valueBytes - bytesMax) / this.#sizes.mean, this.#generation);
    try {
      if (entries.length > 0) spilled.take(entries);
      for (const entry of entries) this.#awayWeight += weightOf(entry);
    } catch (error) {
      for (const entry of entries) residents.add(entry);
      throw error;
    }
  }

  get isChanged(): boolean {
    return this.#dropped.size > 0 || this.#touched.size > 0;
  }

  /** All changes since the last take, cells as they are now; the next generation begins. */
  takeChanges(): CellChanges {
    const changes = { drops: [...this.#dropped], namespaces: [...this.#touched].map(takeNamespace).filter(isNotEmpty) };
    if (this.#spilled !== null) for (const { puts } of changes.namespaces) this.#sizes.learn(puts);
    this.#dropped = new Set();
    this.#touched = new Set();
    this.#generation++;
    return changes;
  }

  /** The whole content, as changes of an empty instance. */
  image(): CellChanges {
    const namespaces = [...this.#namespaces.values()].map((space) => ({
      id: space.id,
      deletes: [],
      puts: flatten(space.entries.values(), true, this.#spilled),
    }));
    return { drops: [], namespaces };
  }

  /** The whole content as it is now, to be given in pieces while steps go on, until `thaw`. */
  freeze(): FrozenCells {
    assert(this.#frozen === null && !this.isChanged, 'one image at a time, and none of changes that no delta has');
    const look = (entry: Entry): Value => valueOf(entry, this.#spilled);
    const at = (place: number): Value => this.#spilled!.at(place);
    return (this.#frozen = new FrozenCells(this.#namespaces.values(), { image: ++this.#image, generation: this.#generation, look, at }));
  }

  thaw(): void {
    this.#frozen = null;
  }

  /** Applies changes that another instance made; they are not noted as changes of this one. */
  applyChanges(changes: CellChanges): void {
    assert(this.#frozen === null, 'changes of others are applied beside an image');
    for (const namespace of changes.drops) {
      const space = this.#namespaces.get(namespace);
      if (space !== undefined) this.#close(space);
    }
    for (const each of changes.namespaces) this.#applyNamespace(each);
  }

  #applyNamespace({ id, deletes, puts }: NamespaceChanges): void {
    const space = this.#open(id, 0);
    this.#lastEntry = undefined;
    if (this.#spilled !== null) this.#sizes.learn(puts);
    const countBefore = space.entries.size;
    for (const key of deletes) {
      const entry = space.entries.get(key);
      if (entry === undefined) continue;
      this.#weigh(space, -weightOf(entry));
      this.#forget(entry);
      space.entries.delete(key);
    }
    for (let i = 0; i < puts.length; i += 3) {
      const key = puts[i] as Key;
      const kind = puts[i + 1] as number;
      const known = space.entries.get(key);
      const before = known === undefined ? 0 : weightOf(known);
      if (known?.cell === AWAY) this.#comeBack(known, kind === PLAIN_CELL ? puts[i + 2] : undefined);
      const entry =
        kind === PLAIN_CELL
          ? setPlain(space, key, known, puts[i + 2])
          : setList(space, key, known, { items: puts[i + 2] as Value[], from: kind - LIST_FROM_START });
      entry.stored = -Math.abs(entry.stored);
      if (known === undefined) this.#residents?.add(entry);
      this.#weigh(space, weightOf(entry) - before);
    }
    this.#cellCount += space.entries.size - countBefore;
    if (space.entries.size === 0) this.#close(space);
  }

  #find(namespace: number, key: Key): Entry | undefined {
    let space = this.#lastNamespace;
    if (space === undefined || space.id !== namespace) {
      space = this.#namespaces.get(namespace);
      if (space === undefined) return undefined;
      this.#lastNamespace = space;
      this.#lastEntry = undefined;
    }
    const last = this.#lastEntry;
    if (last !== undefined && last.key === key) return last;
    return (this.#lastEntry = space.entries.get(key));
  }

  #open(id: number, born: number): Namespace {
    let space = this.#namespaces.get(id);
    if (space === undefined) {
      assert(!Number.isNaN(id), 'a namespace is a number');
      space = { id, born, entries: new Map(), noted: [], deleted: [], weight: 0 };
      this.#namespaces.set(id, space);
      this.#sorted = null;
    }
    this.#lastNamespace = space;
    return space;
  }

  #close(space: Namespace): void {
    if (this.#spilled !== null) for (const entry of space.entries.values()) this.#forget(entry);
    this.#namespaces.delete(space.id);
    this.#cellCount -= space.entries.size;
    this.#weight -= space.weight;
    this.#sorted = null;
    this.#lastNamespace = undefined;
    this.#lastEntry = undefined;
  }

  #insert(space: Namespace, key: Key, cell: Value, savedItems: number): void {
    const entry: Entry = { key, cell, savedItems, noted: 0, born: this.#generation, image: 0, stored: 0 };
    space.entries.set(key, entry);
    this.#cellCount++;
    this.#weigh(space, 1);
    this.#lastEntry = entry;
    this.#residents?.add(entry);
    if (this.#spilled !== null) this.#changedSum.add(cell);
    this.#note(space, entry);
  }

  /** Its value is in memory again: what the store has, or `cell` instead, which is about to take its place. */
  #comeBack(entry: Entry, cell?: Value): void {
    this.#awayWeight -= weightOf(entry);
    const before = this.#spilled!.bytesRead;
    entry.cell = cell === undefined ? this.#spilled!.look(entry) : cell;
    this.#comeBytes += this.#spilled!.bytesRead - before;
    this.#residents!.add(entry);
  }

  /** It has gone: nobody needs its place. */
  #forget(entry: Entry): void {
    if (this.#spilled === null) return;
    entry.noted = GONE;
    this.#spilled.forget(entry);
    if (entry.cell === AWAY) this.#awayWeight -= weightOf(entry);
    else this.#residents!.noteGone();
  }

  #weigh(space: Namespace, more: number): void {
    space.weight += more;
    this.#weight += more;
  }

  #note(space: Namespace, entry: Entry): void {
    entry.noted = this.#generation;
    if (this.#spilled !== null && entry.savedItems === PLAIN) this.#changedSum.add(entry.cell);
    if (entry.stored > 0) entry.stored = -entry.stored;
    if (space.noted.push(entry) === 1) this.#touched.add(space);
  }
}

function takeNamespace(space: Namespace): NamespaceChanges {
  const changes = { id: space.id, deletes: space.deleted, puts: flatten(space.noted, false) };
  space.noted = [];
  space.deleted = [];
  return changes;
}

/** The value, which stays away where it is. */
function valueOf(entry: Entry, spilled: SpilledValues | null): Value {
  return entry.cell === AWAY ? spilled!.look(entry) : entry.cell;
}

/** A cell that came and went between two takes leaves nothing to say. */
function isNotEmpty(changes: NamespaceChanges): boolean {
  return changes.deletes.length > 0 || changes.puts.length > 0;
}

/** Triples key, kind, cell of the live entries; of lists only what is not saved yet, or all for an image. */
function flatten(entries: Iterable<Entry>, whole: boolean, spilled: SpilledValues | null = null): readonly unknown[] {
  const flat: unknown[] = [];
  for (const entry of entries) {
    if (entry.noted === GONE) continue;
    const cell = valueOf(entry, spilled);
    if (entry.savedItems === PLAIN) {
      flat.push(entry.key, PLAIN_CELL, cell);
      continue;
    }
    const items = cell as Value[];
    const from = whole ? 0 : entry.savedItems;
    flat.push(entry.key, LIST_FROM_START + from, from === 0 ? items : items.slice(from));
    if (!whole) entry.savedItems = items.length;
  }
  return flat;
}

function setPlain(space: Namespace, key: Key, known: Entry | undefined, cell: Value): Entry {
  if (known === undefined) return restoreEntry(space, key, { cell, savedItems: PLAIN });
  known.cell = cell;
  known.savedItems = PLAIN;
  return known;
}

function setList(space: Namespace, key: Key, known: Entry | undefined, { items, from }: { items: Value[]; from: number }): Entry {
  if (known === undefined) {
    assert(from === 0, () => `list ${key} goes on at item ${from}, but its beginning is missing`);
    return restoreEntry(space, key, { cell: items, savedItems: items.length });
  }
  const list = known.cell as Value[];
  assert(known.savedItems === from, () => `list ${key} goes on at item ${from}, but has ${list.length}`);
  for (const item of items) list.push(item);
  known.savedItems = list.length;
  return known;
}

function restoreEntry(space: Namespace, key: Key, { cell, savedItems }: { cell: Value; savedItems: number }): Entry {
  const entry: Entry = { key, cell, savedItems, noted: 0, born: 0, image: 0, stored: 0 };
  space.entries.set(key, entry);
  return entry;
}
