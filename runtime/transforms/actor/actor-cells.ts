// State kinds of a reducer beside its state: value, list, map, reducing, aggregating. A change costs what changed, not the whole.
//
// Cells, by handle and key: MAPS entries of maps (state/keyed-maps.ts), VALUES what is one value, LISTS lists.
//   K1. What an event changes is kept apart until the event went well, then written; until then its own step reads it.
//   K2. Maps keep the order in which entries were first set, lists that in which items were added; equal after a restore.
//   K3. When the actor is forgotten, so is all that it holds.

import type { Key, Value } from '../../event/batch.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { KeyedMaps } from '../../state/keyed-maps.ts';
import { EventRefused } from '../failure.ts';
import { demandPlain } from './plain-state.ts';

export type CellKind =
  | { readonly kind: 'value' | 'list' | 'map' }
  | { readonly kind: 'reducing'; readonly reduce: (sum: Value, item: Value) => Value }
  | {
      readonly kind: 'aggregating';
      readonly init: () => Value;
      readonly add: (sum: Value, item: Value) => Value;
      readonly result: (sum: Value) => Value;
    };

const MAPS = 1;
const VALUES = 2;
const LISTS = 3;

/** The actor that is worked on. */
class Place {
  key: Key = '';
  cells: KeyedCells | null = null;
  readonly maps = new KeyedMaps(MAPS);

  of(handle: string): Key {
    return `${handle}\u0000${this.key}`; // names of handles have no NUL (schema)
  }
}

/** One handle for all keys: it means the actor that is worked on. */
interface Handle {
  /** Writes what the event changed (K1). */
  write(cells: KeyedCells): void;
  /** Forgets what the event changed. */
  reset(): void;
  clear(): void;
}

export class ActorCells {
  readonly handles: Readonly<Record<string, Handle>>;
  readonly #place = new Place();
  readonly #all: readonly Handle[];

  constructor(kinds: Readonly<Record<string, CellKind>>) {
    this.handles = Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, makeHandle(name, kind, this.#place)]));
    this.#all = Object.values(this.handles);
  }

  /** There are some; else nothing of this costs anything. */
  get isUsed(): boolean {
    return this.#all.length > 0;
  }

  /** What handles that are gone from the declaration held is dropped. */
  restored(cells: KeyedCells): void {
    for (const namespace of [MAPS, VALUES, LISTS])
      for (const [key] of cells.entries(namespace)) if (!this.#isKnown(namespace, key)) cells.delete(namespace, key);
    this.#place.maps.restored(cells);
  }

  begin(key: Key, cells: KeyedCells): void {
    this.#place.key = key;
    this.#place.cells = cells;
    for (const handle of this.#all) handle.reset();
  }

  /** The event went well. */
  commit(cells: KeyedCells): void {
    for (const handle of this.#all) handle.write(cells);
  }

  /** K3. */
  forget(key: Key, cells: KeyedCells): void {
    this.begin(key, cells);
    for (const handle of this.#all) handle.clear();
    this.commit(cells);
  }

  #isKnown(namespace: number, key: Key): boolean {
    const handle = key.slice(namespace === MAPS ? key.indexOf(':') + 1 : 0, key.indexOf('\u0000'));
    return Object.hasOwn(this.handles, handle);
  }
}

function makeHandle(name: string, kind: CellKind, place: Place): Handle {
  switch (kind.kind) {
    case 'value':
      return new ValueCell(name, place);
    case 'list':
      return new ListCell(name, place);
    case 'map':
      return new MapCell(name, place);
    case 'reducing':
      return new AddingCell(name, place, {
        add: (sum, item) => (sum === undefined ? item : kind.reduce(sum, item)),
        result: (sum) => sum,
      });
    case 'aggregating':
      return new AddingCell(name, place, {
        add: (sum, item) => kind.add(sum === undefined ? kind.init() : sum, item),
        result: (sum) => kind.result(sum),
      });
  }
}

class ValueCell implements Handle {
  readonly #name: string;
  readonly #place: Place;
  #changed: Value | undefined;
  #isChanged = false;

  constructor(name: string, place: Place) {
    this.#name = name;
    this.#place = place;
  }

  get(): Value | undefined {
    return this.#isChanged ? this.#changed : this.#place.cells?.get(VALUES, this.#place.of(this.#name));
  }

  set(value: Value): void {
    this.#change(checked(value));
  }

  clear(): void {
    this.#change(undefined);
  }

  reset(): void {
    this.#isChanged = false;
    this.#changed = undefined;
  }

  write(cells: KeyedCells): void {
    if (!this.#isChanged) return;
    const key = this.#place.of(this.#name);
    if (this.#changed === undefined) cells.delete(VALUES, key);
    else cells.put(VALUES, key, this.#changed);
    this.reset();
  }

  #change(value: Value | undefined): void {
    this.#changed = value;
    this.#isChanged = true;
  }
}

type Adding = { readonly add: (sum: Value | undefined, item: Value) => Value; readonly result: (sum: Value) => Value };

/** Reducing and aggregating: items go into a sum. */
class AddingCell implements Handle {
  readonly #sum: ValueCell;
  readonly #adding: Adding;

  constructor(name: string, place: Place, adding: Adding) {
    this.#sum = new ValueCell(name, place);
    this.#adding = adding;
  }

  add(item: Value): void {
    this.#sum.set(this.#adding.add(this.#sum.get(), item));
  }

  get(): Value | undefined {
    const sum = this.#sum.get();
    return sum === undefined ? undefined : this.#adding.result(sum);
  }

  clear(): void {
    this.#sum.clear();
  }

  reset(): void {
    this.#sum.reset();
  }

  write(cells: KeyedCells): void {
    this.#sum.write(cells);
  }
}

class ListCell implements Handle {
  readonly #name: string;
  readonly #place: Place;
  #added: Value[] = [];
  #isCleared = false;

  constructor(name: string, place: Place) {
    this.#name = name;
    this.#place = place;
  }

  add(item: Value): void {
    this.#added.push(checked(item));
  }

  items(): readonly Value[] {
    const saved = this.#saved();
    return this.#added.length === 0 ? saved : [...saved, ...this.#added];
  }

  get size(): number {
    return this.#saved().length + this.#added.length;
  }

  clear(): void {
    this.#added = [];
    this.#isCleared = true;
  }

  reset(): void {
    if (this.#added.length > 0) this.#added = [];
    this.#isCleared = false;
  }

  write(cells: KeyedCells): void {
    const key = this.#place.of(this.#name);
    if (this.#isCleared) cells.delete(LISTS, key);
    for (const item of this.#added) cells.append(LISTS, key, item);
    this.reset();
  }

  #saved(): readonly Value[] {
    return this.#isCleared ? NONE : (this.#place.cells?.list(LISTS, this.#place.of(this.#name)) ?? NONE);
  }
}

const NONE: readonly Value[] = [];

class MapCell implements Handle {
  readonly #name: string;
  readonly #place: Place;
  /** undefined: deleted. */
  readonly #changed = new Map<string, Value | undefined>();
  #isCleared = false;

  constructor(name: string, place: Place) {
    this.#name = name;
    this.#place = place;
  }

  get(name: string): Value | undefined {
    return this.#changed.has(name) ? this.#changed.get(name) : this.#saved(name);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  set(name: string, value: Value): void {
    this.#changed.set(name, checked(value));
  }

  delete(name: string): void {
    if (this.#saved(name) === undefined) this.#changed.delete(name);
    else this.#changed.set(name, undefined);
  }

  *entries(): IterableIterator<[string, Value]> {
    const { cells, maps } = this.#place;
    const saved = this.#isCleared || cells === null ? NO_NAMES : maps.names(this.#place.of(this.#name));
    for (const name of saved) {
      const value = this.get(name);
      if (value !== undefined) yield [name, value];
    }
    for (const [name, value] of this.#changed) if (value !== undefined && this.#saved(name) === undefined) yield [name, value];
  }

  /** Costs what the event has changed, not the map. */
  get size(): number {
    let size = this.#isCleared ? 0 : this.#place.maps.size(this.#place.of(this.#name));
    for (const [name, value] of this.#changed) size += (value === undefined ? 0 : 1) - (this.#saved(name) === undefined ? 0 : 1);
    return size;
  }

  clear(): void {
    this.#changed.clear();
    this.#isCleared = true;
  }

  reset(): void {
    if (this.#changed.size > 0) this.#changed.clear();
    this.#isCleared = false;
  }

  write(cells: KeyedCells): void {
    const key = this.#place.of(this.#name);
    const { maps } = this.#place;
    if (this.#isCleared) maps.clear(cells, key);
    for (const [name, value] of this.#changed) {
      if (value === undefined) maps.delete(cells, key, name);
      else maps.set(cells, key, name, value);
    }
    this.reset();
  }

  #saved(name: string): Value | undefined {
    const { cells, maps } = this.#place;
    return this.#isCleared || cells === null ? undefined : maps.get(cells, this.#place.of(this.#name), name);
  }
}

const NO_NAMES: readonly string[] = [];

function checked(value: Value): Value {
  if (value === undefined) throw new EventRefused('a cell was set to undefined; clear or delete it instead');
  if (value instanceof Promise) {
    value.catch(() => undefined); // nobody else will look at it
    throw new EventRefused('a cell was set to a promise; actors are synchronous');
  }
  demandPlain(value);
  return value;
}
