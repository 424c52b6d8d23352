// Figures of the rows of a table: the events are changes, and of each row only its newest version counts.
//
// Cells: those of keyed-rows.ts in namespace 1. Of a row what it added to each figure is kept, not the row.
//   F1. A version takes back exactly what the one before has added, whatever the code says by then.
//   F2. What can't be taken back (the highest of all goes, a quantile) is made anew of the key's rows, once a batch: that costs all of
//       them. count, sum and mean never are; min, max, first, last and top are when what they tell goes.
//   F3. An older version than the one that is known changes nothing (R1 of keyed-rows.ts).

import type { AggregateSpec } from '../../../crds/stream-job/aggregates.ts';
import type { Key, Value } from '../../event/batch.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { KeyedRows } from '../keyed-rows.ts';
import type { RowCode, Version } from '../keyed-rows.ts';
import type { StepContext } from '../transform.ts';
import { compileFields, evaluate, SKIP } from './aggregates.ts';
import type { Cell, Field } from './aggregates.ts';

/** What a row adds to each aggregate; null: nothing. */
type Share = readonly (readonly [value: unknown] | null)[];
export type RowChange = { readonly event: Value; readonly key: Key; readonly timeMs: number };

const NAMESPACE = 1;
const MARK = 'r';

export class RowFigures {
  readonly #fields: readonly Field[];
  readonly #rows: KeyedRows;
  /** Fields by key that have to be made anew (F2); of the batch. */
  readonly #stale = new Map<Key, Set<Field>>();

  constructor(aggregates: Readonly<Record<string, AggregateSpec>>, rows: RowCode) {
    this.#fields = compileFields(aggregates);
    this.#rows = new KeyedRows(NAMESPACE, rows);
  }

  restored(cells: KeyedCells): void {
    this.#rows.restored(cells);
  }

  /** Whether the key has any row. */
  has(key: Key): boolean {
    return this.#rows.liveCount(key) > 0;
  }

  /** Changes `cell` in place. `nothing`: a row is deleted that was not there. Throws as `Aggregates.add`, and nothing is changed then. */
  take(cell: Cell, { event, key, timeMs }: RowChange, context: StepContext): 'changed' | 'nothing' | 'older' {
    const { cells, nowMs } = context;
    const { id, isDeletion } = this.#rows.read(event, key, timeMs, nowMs);
    const known = this.#rows.get(cells, key, id);
    if (known !== undefined && known[0] > timeMs) return 'older';
    const share = isDeletion ? null : this.#shareOf(cell, { event, key, timeMs }, nowMs);
    const version: Version = share === null ? [timeMs] : [timeMs, share];
    this.#rows.set(cells, key, id, version);
    this.#rows.remember(context, key, { mark: MARK, id, data: '' }, version, known);
    if (known?.length !== 2 && share === null) return 'nothing';
    const stale = this.#staleOf(key);
    if (known?.length === 2) this.#remove(cell, known[1] as Share, known[0], stale);
    if (share !== null) this.#add(cell, share, timeMs, stale);
    return 'changed';
  }

  /** F2: at the end of a batch, before the figures of `key` are told. */
  settle(cell: Cell, key: Key, cells: KeyedCells): void {
    const stale = this.#stale.get(key);
    this.#stale.delete(key);
    if (stale === undefined || stale.size === 0) return;
    const rows = this.#rows.live(cells, key);
    for (const field of stale) makeAnew(cell, field, this.#fields.indexOf(field), rows);
  }

  /** A deletion need not be remembered any more. */
  onTimer(key: Key, timer: string, cells: KeyedCells): void {
    this.#rows.forget(cells, key, timer.slice(MARK.length));
  }

  clear(key: Key, cells: KeyedCells): void {
    this.#rows.clear(cells, key);
  }

  #shareOf(cell: Cell, { event, key, timeMs }: RowChange, nowMs: number): Share {
    return this.#fields.map((field) => {
      const value = evaluate(field, cell, event, key, timeMs, nowMs);
      return value === SKIP ? null : [value];
    });
  }

  #add(cell: Cell, share: Share, timeMs: number, stale: ReadonlySet<Field>): void {
    this.#fields.forEach((field, i) => {
      const added = share[i];
      if (added && !stale.has(field)) field.accumulator.add(cell, field.at, added[0], timeMs);
    });
  }

  #remove(cell: Cell, share: Share, timeMs: number, stale: Set<Field>): void {
    this.#fields.forEach((field, i) => {
      const { accumulator, at } = field;
      const added = share[i];
      if (added && !stale.has(field) && accumulator.remove?.(cell, at, added[0], timeMs) !== true) stale.add(field);
    });
  }

  #staleOf(key: Key): Set<Field> {
    const known = this.#stale.get(key);
    if (known !== undefined) return known;
    const stale = new Set<Field>();
    this.#stale.set(key, stale);
    return stale;
  }
}

function makeAnew(cell: Cell, { accumulator, at }: Field, place: number, rows: readonly Version[]): void {
  const fresh: Cell = [];
  accumulator.init(fresh);
  for (const [timeMs, share] of rows) {
    const added = (share as Share)[place];
    if (added) accumulator.add(fresh, 0, added[0], timeMs);
  }
  fresh.forEach((slot, i) => {
    cell[at + i] = slot;
  });
}
