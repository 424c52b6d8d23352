// Maps by key: each entry is a cell of its own, so that a change costs what changed and not the whole map.
//
// Owns: the cells of one namespace. Derived: which entries a key has.
//   M1. A cell's key is the length of the map's key, a colon, that key and the entry's name: keys and names may be any text.
//   M2. Entries come in the order in which they were first set, equal after a restore.

import type { Key, Value } from '../event/batch.ts';
import type { KeyedCells } from './keyed-cells.ts';

export class KeyedMaps {
  readonly #namespace: number;
  readonly #names = new Map<Key, Set<string>>();

  constructor(namespace: number) {
    this.#namespace = namespace;
  }

  /** After a restore: which entries there are. */
  restored(cells: KeyedCells): void {
    this.#names.clear();
    for (const [cell] of cells.entries(this.#namespace)) {
      const keyAt = cell.indexOf(':') + 1;
      const nameAt = keyAt + Number(cell.slice(0, keyAt - 1));
      this.#note(cell.slice(keyAt, nameAt), cell.slice(nameAt));
    }
  }

  get(cells: KeyedCells, key: Key, name: string): Value | undefined {
    return cells.get(this.#namespace, cellKey(key, name));
  }

  set(cells: KeyedCells, key: Key, name: string, cell: Value): void {
    cells.put(this.#namespace, cellKey(key, name), cell);
    this.#note(key, name);
  }

  delete(cells: KeyedCells, key: Key, name: string): void {
    const names = this.#names.get(key);
    if (names === undefined || !names.delete(name)) return;
    cells.delete(this.#namespace, cellKey(key, name));
    if (names.size === 0) this.#names.delete(key);
  }

  clear(cells: KeyedCells, key: Key): void {
    for (const name of this.#names.get(key) ?? NONE) cells.delete(this.#namespace, cellKey(key, name));
    this.#names.delete(key);
  }

  /** Names of the key's entries. It may be changed while they are gone through. */
  names(key: Key): Iterable<string> {
    return this.#names.get(key) ?? NONE;
  }

  *entries(cells: KeyedCells, key: Key): IterableIterator<[string, Value]> {
    for (const name of this.names(key)) yield [name, this.get(cells, key, name)];
  }

  keys(): Iterable<Key> {
    return this.#names.keys();
  }

  size(key: Key): number {
    return this.#names.get(key)?.size ?? 0;
  }

  #note(key: Key, name: string): void {
    const names = this.#names.get(key);
    if (names === undefined) this.#names.set(key, new Set([name]));
    else names.add(name);
  }
}

const NONE: readonly string[] = [];

/** M1. */
function cellKey(key: Key, name: string): Key {
  return `${key.length}:${key}${name}`;
}
