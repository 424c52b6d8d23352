// Running aggregates per key: a result whenever a key's figures changed.
//
// Cell (namespace 0): [newest event time, aggregates].
//   A1. A key gives one result a batch, however many of its events the batch holds.
//   A2. A result's time is the newest event time of its key so far, so it is never behind the watermark.
//   A3. With `rows` events are changes of rows (row-figures.ts). A key whose last row has gone gives a result of no rows, and is forgotten.

import type { Batch, Key, Value } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { withTraces } from '../../event/trace-marks.ts';
import type { TraceMark } from '../../event/trace-marks.ts';
import { LiveCells } from '../../state/live-cells.ts';
import { TraceCells } from '../../state/trace-cells.ts';
import { Contributors } from '../contributors.ts';
import { failEvent } from '../failure.ts';
import { keyFields } from '../key-fields.ts';
import { keysOf } from '../batch-keys.ts';
import type { Expirable } from '../actor/expiring.ts';
import type { RestoreContext, StepContext, Timer } from '../transform.ts';
import { RowFigures } from './row-figures.ts';
import type { RowChange } from './row-figures.ts';
import { compileAggregates } from './aggregates.ts';
import type { Aggregates, Cell } from './aggregates.ts';

type RunningCell = [newestMs: number, figures: Cell];

const NAMESPACE = 0;

export function makeAggregate(op: Extract<OpPlan, { kind: 'aggregate' }>): Expirable {
  const rows = op.rows === undefined ? null : new RowFigures(op.aggregates, op.rows);
  return new RunningAggregate(compileAggregates(op.aggregates), op.keyNames, rows);
}

class RunningAggregate implements Expirable {
  /** A1 holds traced or not: so a traced event does not come alone. */
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly #aggregates: Aggregates;
  readonly #keyNames: readonly string[];
  readonly #rows: RowFigures | null;

  constructor(aggregates: Aggregates, keyNames: readonly string[], rows: RowFigures | null) {
    this.#aggregates = aggregates;
    this.#keyNames = keyNames;
    this.#rows = rows;
  }

  restored({ cells }: RestoreContext): void {
    this.#rows?.restored(cells);
  }

  onBatch(batch: Batch, context: StepContext): void {
    const changed = new Map<Key, RunningCell>();
    const keys = keysOf(batch);
    let [added, older] = [0, 0];
    for (let i = 0; i < keys.length; i++) {
      try {
        const change = { event: batch.values[i], key: keys[i]!, timeMs: batch.times[i]! };
        if (this.#add(context, change, changed)) added++;
        else older++;
      } catch (error) {
        failEvent(context, batch, i, error);
      }
    }
    context.countAbsorbed(added);
    context.countFiltered(older);
    this.#settle(changed, context);
    const results = this.#results(changed, batch.ingestMs);
    context.emit(batch.traces === undefined ? results : withTraces(results, tracesOf(results, batch, context)));
  }

  onTimer({ key, id }: Timer, { cells }: StepContext): void {
    this.#rows?.onTimer(key, id, cells);
  }

  expired([, figures]: RunningCell, key: Key, _timeMs: number, { cells }: StepContext): Value {
    this.#rows?.clear(key, cells);
    return { ...keyFields(this.#keyNames, key), ...this.#aggregates.result(figures) };
  }

  /** False: it is older than what is known. */
  #add(context: StepContext, change: RowChange, changed: Map<Key, RunningCell>): boolean {
    const { event, key, timeMs } = change;
    const cell = changed.get(key) ?? (context.cells.get(NAMESPACE, key) as RunningCell | undefined) ?? [timeMs, this.#aggregates.init()];
    if (this.#rows === null) this.#aggregates.add(cell[1], event, key, timeMs, context.nowMs);
    else {
      const what = this.#rows.take(cell[1], change, context);
      if (what !== 'changed') return what === 'nothing';
    }
    if (timeMs > cell[0]) cell[0] = timeMs;
    context.cells.put(NAMESPACE, key, cell);
    changed.set(key, cell);
    return true;
  }

  /** A3. */
  #settle(changed: ReadonlyMap<Key, RunningCell>, { cells }: StepContext): void {
    const rows = this.#rows;
    if (rows === null) return;
    for (const [key, cell] of changed) {
      rows.settle(cell[1], key, cells);
      if (rows.has(key)) cells.put(NAMESPACE, key, cell);
      else cells.delete(NAMESPACE, key);
    }
  }

  #results(changed: ReadonlyMap<Key, RunningCell>, ingestMs: number): Batch {
    const values: Value[] = [];
    const times: number[] = [];
    for (const [key, [newestMs, figures]] of changed) {
      values.push({ ...keyFields(this.#keyNames, key), ...this.#aggregates.result(figures) });
      times.push(newestMs);
    }
    return { values, times, keys: [...changed.keys()], ingestMs, traces: undefined };
  }
}

/** A key's result is of the traces of its events of the batch. */
function tracesOf({ keys }: Batch, batch: Batch, context: StepContext): TraceMark[] {
  const contributors = new Contributors(new TraceCells(null, () => new LiveCells())); // of this batch alone
  contributors.add(batch);
  return (keys as readonly Key[]).flatMap((key, at) => {
    const from = contributors.of(key, -Infinity, Infinity);
    return from.length === 0 ? [] : [{ at, context: from.length === 1 ? from[0]! : context.gathered(from, key) }];
  });
}
