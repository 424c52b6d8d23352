// Tables that are streams, as one partition knows them: the newest row of each key, in the cells of its sideInput. Those with versions of
// rows: table-versions.ts.
//
//   T1. A row takes the place of one that is not newer. Rows of one time count in their order, which is the same in all partitions:
//       they come out of one lane.
//   T2. Whoever looks changes nothing.
//
// Cells: namespace ROWS_NAMESPACE: `table:key` → [time, row], or [time] when the key was deleted.

import { WATERMARK_MIN, type Batch, type Key, type Value } from '../event/batch.ts';
import { decodeKey, encodeKey } from '../event/key.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { VERSIONS_NAMESPACE, type TableVersions } from './table-versions.ts';
import type { Table } from './transform.ts';

/** A row of a table, or only the table's name: the key is gone. */
export type RowChange = readonly [table: string, row?: Value];
/** A version of a row; without a row: the key is gone from `atMs` on. */
export type VersionChange = readonly [table: string, atMs: number, row?: Value];
type Version = readonly [timeMs: number, row?: Value];

const ROWS_NAMESPACE = -1;
const NO_VERSIONS: ReadonlyMap<string, TableVersions> = new Map();

/** Where a row lies. Names of tables have no colon. */
export function rowPlace(table: string, key: Key): Key {
  return `${table}:${key}`;
}

/** `versions`: of tables that have them. */
export function applyRows(
  cells: KeyedCells,
  { values, times, keys }: Batch,
  watermark = WATERMARK_MIN,
  versions: ReadonlyMap<string, TableVersions> = NO_VERSIONS,
): void {
  for (let i = 0; i < values.length; i++) {
    const [table, ...row] = values[i] as RowChange;
    const versioned = versions.get(table);
    if (versioned !== undefined) {
      const [, atMs, ...rest] = values[i] as VersionChange;
      versioned.apply(keys![i]!, atMs, [times[i]!, ...rest], watermark);
      continue;
    }
    const place = rowPlace(table, keys![i]!);
    const known = cells.get(ROWS_NAMESPACE, place) as Version | undefined;
    if (known !== undefined && known[0] > times[i]!) continue; // T1
    cells.put(ROWS_NAMESPACE, place, [times[i]!, ...row]);
  }
}

/** Of a key that is still deleted as of `timeMs` nothing is kept any more. */
export function forgetDeleted(cells: KeyedCells, place: Key, timeMs: number): void {
  const known = cells.get(ROWS_NAMESPACE, place) as Version | undefined;
  if (known?.length === 1 && known[0] <= timeMs) cells.delete(ROWS_NAMESPACE, place);
}

/** Rows of tables that are read no more. */
export function forgetOthers(cells: KeyedCells, tables: readonly string[]): void {
  for (const namespace of [ROWS_NAMESPACE, VERSIONS_NAMESPACE]) {
    const gone = [...cells.entries(namespace)].flatMap(([place]) => (tables.includes(tableOf(place)) ? [] : [place]));
    for (const place of gone) cells.delete(namespace, place);
  }
}

function tableOf(place: Key): string {
  return place.slice(0, place.indexOf(':'));
}

/** One table for enrich: always as it is now, which is as of the time of the event that is worked on. */
export function sideTable(cells: KeyedCells, name: string): Table {
  const rows = new SideTable(cells, name);
  return {
    lookup: (key) => rows.rowOf(key) ?? null,
    get rowCount() {
      return rows.size;
    },
    version: '',
  };
}

/** A table as code sees it: a map from keys to rows that cannot be changed. */
export class SideTable extends Map<unknown, Value> {
  readonly #cells: KeyedCells;
  readonly #name: string;

  constructor(cells: KeyedCells, name: string) {
    super();
    this.#cells = cells;
    this.#name = name;
  }

  /** By the encoded key. */
  rowOf(key: Key): Value | undefined {
    return (this.#cells.get(ROWS_NAMESPACE, rowPlace(this.#name, key)) as Version | undefined)?.[1];
  }

  override get(key: unknown): Value | undefined {
    return this.rowOf(encodeKey(key));
  }

  override has(key: unknown): boolean {
    return this.get(key) !== undefined;
  }

  /** Cost: all rows. */
  override get size(): number {
    return [...this.entries()].length;
  }

  override *entries(): MapIterator<[unknown, Value]> {
    for (const [place, cell] of this.#cells.entries(ROWS_NAMESPACE)) {
      const version = cell as Version;
      if (version.length > 1 && tableOf(place) === this.#name) yield [decodeKey(place.slice(this.#name.length + 1)), version[1]];
    }
  }

  override [Symbol.iterator](): MapIterator<[unknown, Value]> {
    return this.entries();
  }

  override *keys(): MapIterator<unknown> {
    for (const [key] of this.entries()) yield key;
  }

  override *values(): MapIterator<Value> {
    for (const [, row] of this.entries()) yield row;
  }

  override forEach(call: (row: Value, key: unknown, map: Map<unknown, Value>) => void): void {
    for (const [key, row] of this.entries()) call(row, key, this);
  }

  override set(): this {
    throw new TypeError(`table ${this.#name} cannot be changed by who reads it: its rows come by its stream`);
  }

  override delete(): boolean {
    return this.set() && false;
  }

  override clear(): void {
    this.set();
  }
}
