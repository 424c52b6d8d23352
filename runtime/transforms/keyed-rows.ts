// Rows of a table whose changes come as events: of each key, or of each key and id, the newest version.
//
// Cells: one namespace, by key and the row's id: [time, row], or [time] when it was deleted. Derived: how many rows a key has.
//   R1. Of a row the change with the newest event time counts, of equal times the one that came last.
//   R2. A deletion is remembered for DELETED_KEY_MS of event time, so that an older change does not bring the row back.

import type { Code } from '../../crds/stream-job/code.ts';
import { DELETED_KEY_MS } from '../base/limits.ts';
import type { Key, Value } from '../event/batch.ts';
import { compileCode, compilePredicate } from '../expression/expression.ts';
import type { Compiled } from '../expression/expression.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { KeyedMaps } from '../state/keyed-maps.ts';
import { EVENT_NAMES } from './event-names.ts';
import { keyOfValue } from './key-value.ts';
import type { StepContext } from './transform.ts';

/** A row, or what is kept of it; without a value: deleted. */
export type Version = readonly [timeMs: number, row?: Value];
/** How rows of a key are told apart, and which changes delete. */
export type RowCode = { readonly id?: Code | undefined; readonly deleted?: Code | undefined };

export class KeyedRows {
  readonly #maps: KeyedMaps;
  readonly #live = new Map<Key, number>();
  readonly #isDeletion: Compiled<boolean> | null;
  readonly #idOf: Compiled | null;

  constructor(namespace: number, { deleted, id }: RowCode) {
    this.#maps = new KeyedMaps(namespace);
    this.#isDeletion = deleted === undefined ? null : compilePredicate(deleted, EVENT_NAMES);
    this.#idOf = id === undefined ? null : compileCode(id, EVENT_NAMES);
  }

  read(value: Value, key: Key, timeMs: number, nowMs: number): { readonly id: string; readonly isDeletion: boolean } {
    const id = this.#idOf === null ? '' : keyOfValue(this.#idOf(value, key, timeMs, nowMs));
    return { id, isDeletion: this.#isDeletion !== null && this.#isDeletion(value, key, timeMs, nowMs) };
  }

  restored(cells: KeyedCells): void {
    this.#maps.restored(cells);
    this.#live.clear();
    for (const key of this.#maps.keys()) {
      const count = this.live(cells, key).length;
      if (count > 0) this.#live.set(key, count);
    }
  }

  get(cells: KeyedCells, key: Key, id: string): Version | undefined {
    return this.#maps.get(cells, key, id) as Version | undefined;
  }

  set(cells: KeyedCells, key: Key, id: string, version: Version): void {
    const known = this.get(cells, key, id);
    this.#count(key, (version.length === 2 ? 1 : 0) - (known?.length === 2 ? 1 : 0));
    this.#maps.set(cells, key, id, version);
  }

  /** R2. The timer is `mark` and the row's id; when it fires, `forget`. */
  remember(
    context: StepContext,
    key: Key,
    timer: { readonly mark: string; readonly id: string; readonly data: string },
    version: Version,
    known?: Version,
  ): void {
    const id = `${timer.mark}${timer.id}`;
    if (version.length === 1) context.setTimer({ key, id, atMs: version[0] + DELETED_KEY_MS, data: timer.data });
    else if (known?.length === 1) context.clearTimer(key, id);
  }

  forget(cells: KeyedCells, key: Key, id: string): void {
    if (this.get(cells, key, id)?.length === 1) this.#maps.delete(cells, key, id);
  }

  /** All rows of the key, and what is remembered of deleted ones. */
  clear(cells: KeyedCells, key: Key): void {
    this.#maps.clear(cells, key);
    this.#live.delete(key);
  }

  /** Rows of the key, in the order in which they first came. */
  live(cells: KeyedCells, key: Key): readonly Version[] {
    const found: Version[] = [];
    for (const [, version] of this.#maps.entries(cells, key)) if ((version as Version).length === 2) found.push(version as Version);
    return found;
  }

  /** When something was last said of the key's rows, deletions that are remembered too; -Infinity: never. */
  newestMs(cells: KeyedCells, key: Key): number {
    let newest = -Infinity;
    for (const [, version] of this.#maps.entries(cells, key)) newest = Math.max(newest, (version as Version)[0]);
    return newest;
  }

  liveCount(key: Key): number {
    return this.#live.get(key) ?? 0;
  }

  #count(key: Key, more: number): void {
    const count = this.liveCount(key) + more;
    if (count === 0) this.#live.delete(key);
    else this.#live.set(key, count);
  }
}
