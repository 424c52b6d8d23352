// Tables that are streams and whose rows have a time of their own (`at`), as one partition knows them: versions of rows by key and time.
//
//   V1. A version is valid from its time on until that of the next one of its key, or for `validForMs` at most. Of versions with one time
//       the one with the later event time counts, of equal event times the one that came last (side-tables.ts, T1). When they came
//       changes nothing else: a version may come before or after those beside it.
//   V2. A look-up of a time at or behind the horizon, `keepForMs` before the reader's watermark, finds what all versions that came would
//       say. One before it is refused: what is found never depends on what was forgotten.
//   V3. A version is forgotten where no look-up behind the horizon can find it. That is looked at as rows come, row by row, so it follows from
//       rows and watermarks only, however they are cut into portions. A deletion is remembered for DELETED_KEY_MS at least.
//
// Cells: namespace VERSIONS_NAMESPACE: `table:time:key` → [event time, row], or [event time] where the key is deleted from that time on.
// Derived: the times of each key in order, and what is to be looked at when.

import { formatDuration } from '../base/duration.ts';
import { DELETED_KEY_MS } from '../base/limits.ts';
import type { Key, Value } from '../event/batch.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { Heap } from '../time/heap.ts';
import { EventRefused, describeTime } from './failure.ts';
import type { Table } from './transform.ts';

export const VERSIONS_NAMESPACE = -2;

export type VersionOptions = { readonly keepForMs: number; /** null: until the next one. */ readonly validForMs: number | null };
type Cell = readonly [timeMs: number, row?: Value];
type Due = { readonly atMs: number; readonly key: Key; readonly sequence: number };

export class TableVersions {
  readonly #cells: KeyedCells;
  readonly #name: string;
  readonly #keepForMs: number;
  readonly #validForMs: number;
  /** By key, ascending. */
  readonly #times = new Map<Key, number[]>();
  /** When the watermark has come to `atMs`, something of that key may be forgotten. */
  readonly #dues = new Heap<Due>((a, b) => (a.atMs === b.atMs ? a.sequence < b.sequence : a.atMs < b.atMs));
  #sequence = 0;

  /** `cells`: as they were restored. */
  constructor(cells: KeyedCells, name: string, { keepForMs, validForMs }: VersionOptions) {
    this.#cells = cells;
    this.#name = name;
    this.#keepForMs = keepForMs;
    this.#validForMs = validForMs ?? Infinity;
    for (const [place, cell] of cells.entries(VERSIONS_NAMESPACE)) {
      const [table, time] = place.split(':', 2) as [string, string];
      if (table !== name) continue;
      const key = place.slice(table.length + time.length + 2);
      this.#times.set(key, [...(this.#times.get(key) ?? []), Number(time)]);
      this.#noteDue(key, Number(time), cell as Cell, undefined);
    }
    for (const times of this.#times.values()) times.sort((a, b) => a - b);
  }

  /** Versions that are kept, deletions too. Cost: all keys. */
  get size(): number {
    return [...this.#times.values()].reduce((sum, times) => sum + times.length, 0);
  }

  /** Takes one change of a row; what may be forgotten goes. */
  apply(key: Key, atMs: number, cell: Cell, watermark: number): void {
    this.#forgetDue(watermark);
    this.#put(key, atMs, cell);
    this.#forgetDue(watermark);
  }

  /** For one whose watermark is that. */
  asOf(watermark: number): Table {
    const size = (): number => this.size;
    return {
      lookup: (key, atMs) => this.#lookup(key, atMs, watermark),
      get rowCount() {
        return size();
      },
      version: '',
    };
  }

  /** V2. */
  #lookup(key: Key, atMs: number, watermark: number): Value | null {
    if (atMs < watermark - this.#keepForMs) {
      const kept = `${formatDuration(this.#keepForMs)} before the watermark, which is ${describeTime(watermark)}`;
      throw new EventRefused(`the time to look up is ${describeTime(atMs)}, and table "${this.#name}" keeps versions for keepFor, ${kept}`);
    }
    const times = this.#times.get(key) ?? NONE;
    const validMs = times[countUpTo(times, atMs) - 1];
    if (validMs === undefined || atMs >= validMs + this.#validForMs) return null;
    return this.#cell(key, validMs)[1] ?? null;
  }

  #put(key: Key, atMs: number, cell: Cell): void {
    const times = this.#times.get(key) ?? [];
    const index = countUpTo(times, atMs);
    const known = times[index - 1] === atMs ? this.#cell(key, atMs) : undefined;
    if (known !== undefined && known[0] > cell[0]) return; // V1
    this.#cells.put(VERSIONS_NAMESPACE, this.#place(key, atMs), cell);
    this.#noteDue(key, atMs, cell, known);
    if (known !== undefined) return;
    times.splice(index, 0, atMs);
    this.#times.set(key, times);
  }

  /** When it takes the place of those before it for good, and when it is over itself. */
  #noteDue(key: Key, atMs: number, cell: Cell, known: Cell | undefined): void {
    if (known === undefined) this.#dues.push({ atMs: atMs + this.#keepForMs, key, sequence: this.#sequence++ });
    if (known?.length === cell.length) return;
    const overMs = this.#overMs(atMs, cell);
    if (overMs < Infinity) this.#dues.push({ atMs: overMs, key, sequence: this.#sequence++ });
  }

  /** V3. */
  #forgetDue(watermark: number): void {
    for (let due = this.#dues.peek(); due !== undefined && due.atMs <= watermark; due = this.#dues.peek()) {
      this.#dues.pop();
      this.#forget(due.key, watermark);
    }
  }

  #forget(key: Key, watermark: number): void {
    const times = this.#times.get(key);
    if (times === undefined) return;
    let gone = Math.max(0, countUpTo(times, watermark - this.#keepForMs) - 1);
    const last = times.at(-1)!;
    if (gone === times.length - 1 && this.#overMs(last, this.#cell(key, last)) <= watermark) gone++;
    for (const atMs of times.splice(0, gone)) this.#cells.delete(VERSIONS_NAMESPACE, this.#place(key, atMs));
    if (times.length === 0) this.#times.delete(key);
  }

  /** When a version without a next one is of no use any more. */
  #overMs(atMs: number, cell: Cell): number {
    return atMs + (cell.length === 1 ? Math.max(this.#keepForMs, DELETED_KEY_MS) : this.#validForMs + this.#keepForMs);
  }

  #cell(key: Key, atMs: number): Cell {
    return this.#cells.get(VERSIONS_NAMESPACE, this.#place(key, atMs)) as Cell;
  }

  #place(key: Key, atMs: number): Key {
    return `${this.#name}:${atMs}:${key}`;
  }
}

const NONE: readonly number[] = [];

/** How many of `times`, which ascend, are at or before `atMs`. */
function countUpTo(times: readonly number[], atMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
