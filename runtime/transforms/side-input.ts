// sideInput: what stands before a transform that reads tables that are streams. It decides which rows the transform knows when it
// gets an event, and nothing else.
//
//   S1. With a table that waits, events and rows are held until the watermark, which is the lowest of the events' and of those tables',
//       has passed them, and are then given on by time, rows before events of the same time: an event sees the rows of its own time.
//   S2. Rows of a table that does not wait, and all without one that does, go on as they come.
//   S3. An event or row at or before the watermark goes on at once: that it is late is for others to judge. A row never takes the place of a
//       newer one (side-tables.ts).
//   S4. Rows go on by the output ROWS, in their place among the events. They are put into the tables where the transform takes
//       them in, so that what was cut off in between (task/agenda.ts) sees the same rows when it goes on.
//   S6. What is held is bounded by what is read (task/back-pressure.ts): what must come before it may go on is always read.
//   S5. Before the events of a time t the watermark t - 1 goes out, as before those of `order` (order.ts, O1 and O4).
//
// Cells: from 0 on what is held (held-events.ts); below are the tables (side-tables.ts).

import { DELETED_KEY_MS, WAITING_EVENTS_MAX } from '../base/limits.ts';
import type { Batch, Key, Value } from '../event/batch.ts';
import { partOf } from '../event/part-of.ts';
import type { OpPlan, SideTablePlan } from '../plan/physical-plan.ts';
import { batchOfHeld, HeldEvents, heldTrace } from './held-events.ts';
import { forgetDeleted, forgetOthers, rowPlace, type RowChange } from './side-tables.ts';
import { ROWS, type RestoreContext, type StepContext, type Timer, type Transform } from './transform.ts';

const ROW = 0;
const EVENT = 1;
/** As it lies in a list cell. */
type Item = readonly [timeMs: number, key: Key | null, value: Value, kind: typeof ROW | typeof EVENT, traceparent?: string];

/** As in order.ts. */
const RELEASED_MAX = 256;

export function makeSideInput({ tables, waitingMax = WAITING_EVENTS_MAX }: Extract<OpPlan, { kind: 'sideInput' }>): Transform {
  return new SideInput(tables, waitingMax);
}

class SideInput implements Transform {
  readonly carriesTraces = true;
  readonly #tables: readonly string[];
  readonly #waiting: ReadonlySet<string>;
  /** Tables whose rows have versions: their deletions are forgotten with them (table-versions.ts). */
  readonly #versioned: ReadonlySet<string>;
  readonly #held = new HeldEvents<Item>(([, , , kind]) => kind);
  readonly #heldMax: number;

  constructor(tables: readonly SideTablePlan[], heldMax: number) {
    this.#tables = tables.map(({ name }) => name);
    this.#waiting = new Set(tables.filter(({ waits }) => waits).map(({ name }) => name));
    this.#versioned = new Set(tables.filter(({ versions }) => versions !== undefined).map(({ name }) => name));
    this.#heldMax = heldMax;
  }

  /** S6. */
  get room(): number {
    return Math.max(0, this.#heldMax - this.#held.size);
  }

  restored({ cells, watermark }: RestoreContext): void {
    forgetOthers(cells, this.#tables);
    this.#held.restored(cells, watermark);
  }

  held(): number {
    return this.#held.size;
  }

  onBatch(batch: Batch, context: StepContext, side: 'left' | 'right'): void {
    const isRow = side === 'right';
    let from = 0;
    for (let i = 0; i < batch.values.length; i++) {
      const timeMs = batch.times[i]!;
      if (timeMs <= context.watermark || !this.#holds(isRow ? (batch.values[i] as RowChange) : null)) continue;
      if (i > from) this.#give(partOf(batch, from, i), isRow, context);
      from = i + 1;
      this.#held.hold(itemOf(batch, i, isRow ? ROW : EVENT), context.cells);
    }
    if (from < batch.values.length) this.#give(partOf(batch, from, batch.values.length), isRow, context);
  }

  /** S1, S2. Without a table that waits something may be held yet that an older declaration held. */
  #holds(row: RowChange | null): boolean {
    return row === null ? this.#waiting.size > 0 || this.#held.size > 0 : this.#waiting.has(row[0]);
  }

  onWatermark(watermark: number, context: StepContext): number {
    const due = this.#held.take(watermark, context.cells, RELEASED_MAX);
    const reached = this.#held.size > 0 && this.#held.earliestMs <= watermark ? due.at(-1)![0] : watermark;
    for (let from = 0; from < due.length;) {
      const [timeMs, , , kind] = due[from]!;
      let to = from + 1;
      while (to < due.length && due[to]![0] === timeMs && due[to]![3] === kind) to++;
      context.emitWatermark(timeMs - 1); // S5
      this.#give(
        batchOfHeld(due.slice(from, to), context.ingestMs, (item) => item[4]),
        kind === ROW,
        context,
      );
      from = to;
    }
    context.emitWatermark(reached);
    return reached;
  }

  /** A deleted key is remembered for a while: an older row that comes later must not bring it back. */
  onTimer({ key, atMs }: Timer, context: StepContext): void {
    forgetDeleted(context.cells, key, atMs - DELETED_KEY_MS);
  }

  #give(batch: Batch, isRow: boolean, context: StepContext): void {
    if (!isRow) return context.emit(batch);
    context.emit(batch, ROWS);
    batch.values.forEach((value, i) => {
      const [table, ...row] = value as RowChange;
      if (row.length > 0 || this.#versioned.has(table)) return;
      const key = rowPlace(table, batch.keys![i]!);
      context.setTimer({ key, id: 'deleted', atMs: batch.times[i]! + DELETED_KEY_MS, data: null });
    });
  }
}

function itemOf(batch: Batch, i: number, kind: Item[3]): Item {
  const item = [batch.times[i]!, batch.keys?.[i] ?? null, batch.values[i], kind] as const;
  const trace = heldTrace(batch, i);
  return trace === undefined ? item : [...item, trace];
}
