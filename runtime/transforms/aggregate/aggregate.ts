// Running aggregates per key: a result whenever a key's figures changed.
//
// Cell (namespace 0): [newest event time, aggregates].
//   A1. A key gives one result a batch, however many of its events the batch holds.
//   A2. A result's time is the newest event time of its key so far, so it is never behind the watermark.

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
import type { StepContext } from '../transform.ts';
import { compileAggregates } from './aggregates.ts';
import type { Aggregates, Cell } from './aggregates.ts';

type RunningCell = [newestMs: number, figures: Cell];

const NAMESPACE = 0;

export function makeAggregate(op: Extract<OpPlan, { kind: 'aggregate' }>): Expirable {
  return new RunningAggregate(compileAggregates(op.aggregates), op.keyNames);
}

class RunningAggregate implements Expirable {
  /** A1 holds traced or not: so a traced event does not come alone. */
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly #aggregates: Aggregates;
  readonly #keyNames: readonly string[];

  constructor(aggregates: Aggregates, keyNames: readonly string[]) {
    this.#aggregates = aggregates;
    this.#keyNames = keyNames;
  }

  onBatch(batch: Batch, context: StepContext): void {
    const changed = new Map<Key, RunningCell>();
    const keys = keysOf(batch);
    let added = 0;
    for (let i = 0; i < keys.length; i++) {
      try {
        const key = keys[i]!;
        changed.set(key, this.#add(context, key, batch.values[i], batch.times[i]!));
        added++;
      } catch (error) {
        failEvent(context, batch, i, error);
      }
    }
    context.countAbsorbed(added);
    const results = this.#results(changed, batch.ingestMs);
    context.emit(batch.traces === undefined ? results : withTraces(results, tracesOf(results, batch, context)));
  }

  expired([, figures]: RunningCell, key: Key): Value {
    return { ...keyFields(this.#keyNames, key), ...this.#aggregates.result(figures) };
  }

  #add(context: StepContext, key: Key, event: Value, timeMs: number): RunningCell {
    const cell = (context.cells.get(NAMESPACE, key) as RunningCell | undefined) ?? [timeMs, this.#aggregates.init()];
    this.#aggregates.add(cell[1], event, key, timeMs, context.nowMs);
    if (timeMs > cell[0]) cell[0] = timeMs;
    context.cells.put(NAMESPACE, key, cell);
    return cell;
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
