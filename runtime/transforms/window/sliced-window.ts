// Tumbling and sliding windows: every event is added to one slice, a window is the sum of its slices.
//
// Cells: (slice start, key) → aggregates. Derived: the open slices, and where the slice met last lies.
//   W1. A window closes once, when the watermark reaches its end - 1; windows without events give nothing.
//   W2. A slice is dropped, by one entry of the delta, with its last window.
//   W3. An event is late when all windows that it belongs to are closed. Of one that is too late for some of its windows
//       the others still count it.
//   W4. Results of a rise come out by window end, then by the slice and the order in which keys came.

import { assert } from '../../base/assert.ts';
import type { Batch, Key } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { compileAggregates } from '../aggregate/aggregates.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { failEvent, refuseLate } from '../failure.ts';
import { OPEN_TOLD_MAX, type WindowFigures } from '../figures.ts';
import type { RestoreContext, StepContext, Transform } from '../transform.ts';
import type { SliceGrid } from './slice-grid.ts';
import { WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;

/** Where the slice of an event lies. */
type Slice = {
  readonly startMs: number;
  readonly endMs: number;
  /** The watermark at which its last window is closed; -Infinity for a gap between windows (every > size). */
  readonly closedAt: number;
  readonly isGap: boolean;
  isOpen: boolean;
};

const NOWHERE: Slice = { startMs: Infinity, endMs: -Infinity, closedAt: Infinity, isGap: false, isOpen: false };

export class SlicedWindow implements Transform {
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly #grid: SliceGrid;
  readonly #aggregates: Aggregates;
  readonly #results: WindowResults;
  readonly #late: WindowOp['late'];
  /** Starts of the open slices, ascending. */
  #open: number[] = [];
  /** The slice met last: most events lie in it. */
  #slice = NOWHERE;

  constructor(grid: SliceGrid, op: WindowOp) {
    this.#grid = grid;
    this.#aggregates = compileAggregates(op.aggregates);
    this.#results = new WindowResults(this.#aggregates, op.keyNames);
    this.#late = op.late;
  }

  restored(context: RestoreContext): void {
    this.#open = [...context.cells.namespaces()];
    this.#slice = NOWHERE;
  }

  onBatch(batch: Batch, context: StepContext): void {
    const keys = keysOf(batch);
    if (batch.traces !== undefined) context.contributors.add(batch);
    const { times } = batch;
    const late: number[] = [];
    let [outside, added] = [0, 0];
    for (let i = 0; i < keys.length; i++) {
      const timeMs = times[i]!;
      if (timeMs < this.#slice.startMs || timeMs >= this.#slice.endMs) this.#slice = this.#sliceOf(timeMs);
      if (this.#slice.isGap) outside++;
      else if (this.#slice.closedAt <= context.watermark) late.push(i);
      else if (this.#add(batch, i, keys[i]!, timeMs, context)) added++;
    }
    context.countAbsorbed(added);
    if (outside > 0) context.countFiltered(outside);
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  onWatermark(watermark: number, context: StepContext): void {
    let start = this.#grid.firstOpenWindow(context.watermark);
    for (let first = this.#open[0]; first !== undefined; first = this.#open[0]) {
      start = Math.max(start, this.#grid.firstWindowOf(first));
      assert(first >= start, 'a slice is dropped with its last window');
      if (start + this.#grid.sizeMs - 1 > watermark) break;
      this.#close(start, context.cells);
      this.#dropSlices(start, context.cells);
      start += this.#grid.everyMs;
    }
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    if (!context.contributors.isEmpty) context.contributors.forget(watermark - this.#grid.sizeMs + 1);
    context.emitWatermark(watermark);
  }

  figures({ cells }: RestoreContext): WindowFigures {
    const spans = this.#open.slice(0, OPEN_TOLD_MAX).map((start) => [start, this.#grid.sliceEnd(start), cells.size(start)] as const);
    return { kind: 'windows', open: cells.size(), spans, results: this.#results.given };
  }

  /** False: the event is a dead letter. */
  #add(batch: Batch, index: number, key: Key, timeMs: number, context: StepContext): boolean {
    const { cells } = context;
    const slice = this.#slice;
    try {
      const cell = (cells.get(slice.startMs, key) as Cell | undefined) ?? this.#aggregates.init();
      this.#aggregates.add(cell, batch.values[index], key, timeMs, context.nowMs);
      cells.put(slice.startMs, key, cell);
    } catch (error) {
      failEvent(context, batch, index, error);
      return false;
    }
    if (!slice.isOpen) this.#openSlice(slice);
    return true;
  }

  #sliceOf(timeMs: number): Slice {
    const startMs = this.#grid.sliceAt(timeMs);
    const window = this.#grid.windowAt(startMs);
    return {
      startMs,
      endMs: this.#grid.sliceEnd(startMs),
      closedAt: window + this.#grid.sizeMs - 1,
      isGap: this.#grid.firstWindowOf(startMs) > window,
      isOpen: false,
    };
  }

  #openSlice(slice: Slice): void {
    slice.isOpen = true;
    const at = firstAtLeast(this.#open, slice.startMs);
    if (this.#open[at] !== slice.startMs) this.#open.splice(at, 0, slice.startMs);
  }

  /** Results of the window that starts at `start`. */
  #close(start: number, cells: KeyedCells): void {
    const end = start + this.#grid.sizeMs;
    const slices = this.#open.slice(0, firstAtLeast(this.#open, end));
    const figures = slices.length === 1 ? cells.entries(slices[0]!) : this.#merged(slices, cells);
    for (const [key, cell] of figures) this.#results.add(key, start, end, cell as Cell);
  }

  #merged(slices: readonly number[], cells: KeyedCells): Map<Key, Cell> {
    const merged = new Map<Key, Cell>();
    for (const slice of slices) {
      for (const [key, cell] of cells.entries(slice)) {
        let sum = merged.get(key);
        if (sum === undefined) merged.set(key, (sum = this.#aggregates.init()));
        this.#aggregates.merge(sum, cell as Cell);
      }
    }
    return merged;
  }

  /** Drops the slices whose last window starts at or before `closed`. */
  #dropSlices(closed: number, cells: KeyedCells): void {
    let count = 0;
    for (let slice = this.#open[0]; slice !== undefined && this.#grid.windowAt(slice) <= closed; slice = this.#open[++count])
      cells.drop(slice);
    this.#open.splice(0, count);
    this.#slice = NOWHERE;
  }
}

/** Index of the first of the ascending `numbers` that is at least `value`. */
function firstAtLeast(numbers: readonly number[], value: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
