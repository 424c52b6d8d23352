// The first of two phases of a window: what a step gives out to it is summed up by key and slice before it is stored, so that a key with
// most of the events costs its partition a few sums a step and not each event.
//
// Owns: nothing beyond a call; no sum is held over a commit. Does not own: where it is sound (plan/two-phase.ts).
//   C1. What is summed up can neither be late nor correct a window where it arrives: no window of its slice has closed at the watermark
//       that its partition has promised so far, and the watermark behind the exchange is never above that before all of the record
//       was taken in.
//   C2. What fails crosses as it is: it has an end of its own behind the exchange. What is traced begins a sum of its own, which has its trace: one
//       value that is no sum would make all of its segment be written and read in another, slower form.
//   C3. A sum stands where its first event stood, so keys come to a slice in the order in which they did before.
//   C4. Where a step has hardly two events of a key and slice, the next ones are left alone for a while.

import { AssertionFailed } from '../../base/assert.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { Combined } from '../../event/combined.ts';
import type { TraceMark } from '../../event/trace-marks.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { compileAggregates, type Aggregates } from '../aggregate/aggregates.ts';
import { keysOf } from '../batch-keys.ts';
import { makeSliceGrid, type SliceGrid } from './slice-grid.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;
/** `events` of them became `sums`. */
export type CombinedBatch = { readonly batch: Batch; readonly events: number; readonly sums: number };

type Slice = { readonly startMs: number; readonly endMs: number; readonly sums: Map<Key, Combined> | null };

const NOWHERE: Slice = { startMs: Infinity, endMs: -Infinity, sums: null };
/** Of fewer events nothing is learnt about how they repeat. */
const TELLING_EVENTS = 256;
/** With more sums than that of an event they cost more than they save. */
const SUMS_SHARE_MAX = 0.75;
/** Steps that are left alone before it is tried again. */
const REST_STEPS = 16;

export class Combiner {
  readonly #grid: SliceGrid;
  readonly #aggregates: Aggregates;
  #rest = 0;

  constructor(op: WindowOp) {
    if (op.window.kind !== 'tumbling' && op.window.kind !== 'sliding')
      throw new AssertionFailed(`a ${op.window.kind} window has no slices`);
    this.#grid = makeSliceGrid(op.window);
    this.#aggregates = compileAggregates(op.aggregates);
  }

  /** `promised`: the watermark up to the step. */
  combine(batches: readonly Batch[], promised: number, nowMs: number): CombinedBatch | null {
    if (this.#rest > 0) {
      this.#rest--;
      return null;
    }
    const out = new Sums(this.#grid, this.#aggregates, promised, nowMs);
    for (const batch of batches) out.add(batch);
    if (out.events >= TELLING_EVENTS && out.sums > out.events * SUMS_SHARE_MAX) this.#rest = REST_STEPS; // C4
    return { batch: out.batch(), events: out.events, sums: out.sums };
  }
}

class Sums {
  events = 0;
  sums = 0;
  readonly #grid: SliceGrid;
  readonly #aggregates: Aggregates;
  readonly #promised: number;
  readonly #nowMs: number;
  readonly #slices = new Map<number, Slice>();
  /** Most events lie in the slice of the one before. */
  #slice = NOWHERE;
  #ingestMs = Infinity;
  readonly #values: Value[] = [];
  readonly #times: number[] = [];
  readonly #keys: Key[] = [];
  readonly #traces: TraceMark[] = [];

  constructor(grid: SliceGrid, aggregates: Aggregates, promised: number, nowMs: number) {
    this.#grid = grid;
    this.#aggregates = aggregates;
    this.#promised = promised;
    this.#nowMs = nowMs;
  }

  add(batch: Batch): void {
    const { values, times, traces = [] } = batch;
    const keys = keysOf(batch);
    this.#ingestMs = Math.min(this.#ingestMs, batch.ingestMs);
    let mark = 0; // in traces
    for (let i = 0; i < values.length; i++) {
      const timeMs = times[i]!;
      const isTraced = traces[mark]?.at === i;
      if (isTraced) this.#traces.push({ at: this.#values.length, context: traces[mark++]!.context });
      if (!this.#combine(values[i], keys[i]!, timeMs, isTraced)) this.#push(values[i], keys[i]!, timeMs);
    }
  }

  batch(): Batch {
    const traces = this.#traces.length === 0 ? undefined : this.#traces;
    return { values: this.#values, times: this.#times, keys: this.#keys, ingestMs: this.#ingestMs, traces };
  }

  /** False: it is to cross as it is (C1, C2). */
  #combine(event: Value, key: Key, timeMs: number, beginsOne: boolean): boolean {
    if (timeMs < this.#slice.startMs || timeMs >= this.#slice.endMs) this.#slice = this.#sliceOf(timeMs);
    const { sums } = this.#slice;
    if (sums === null) return false;
    const found = beginsOne ? undefined : sums.get(key);
    const sum = found ?? new Combined(0, this.#aggregates.init());
    try {
      this.#aggregates.add(sum.cell, event, key, timeMs, this.#nowMs);
    } catch (error) {
      if (error instanceof AssertionFailed) throw error;
      return false; // the window meets the event, and says so
    }
    sum.events++;
    this.events++;
    if (found !== undefined) return true;
    this.sums++;
    sums.set(key, sum);
    this.#push(sum, key, timeMs);
    return true;
  }

  #push(value: Value, key: Key, timeMs: number): void {
    this.#values.push(value);
    this.#times.push(timeMs);
    this.#keys.push(key);
  }

  #sliceOf(timeMs: number): Slice {
    const startMs = this.#grid.sliceAt(timeMs);
    const known = this.#slices.get(startMs);
    if (known !== undefined) return known;
    const isApart = this.#grid.firstWindowOf(startMs) + this.#grid.sizeMs - 1 <= this.#promised; // C1
    const slice = { startMs, endMs: this.#grid.sliceEnd(startMs), sums: isApart ? null : new Map<Key, Combined>() };
    this.#slices.set(startMs, slice);
    return slice;
  }
}
