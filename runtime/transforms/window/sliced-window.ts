// Tumbling and sliding windows: every event is added to one slice, a window is the sum of its slices.
//
// Cells: (slice start, key) → aggregates; (CLOSING, '') → [start, results given] of a window that is closed in parts (W8).
// Derived: the open slices, where the slice met last lies, sums of slices (slice-blocks.ts), and where in them a close has come to.
//   W1. A window closes once, when the watermark reaches its end - 1; windows without events give nothing.
//   W2. A slice is dropped, by one entry of the delta, with its last window.
//   W3. An event is late when all windows that it belongs to have expired: closed, and their lateness is over. Of one that is too
//       late for some of its windows the others still count it.
//   W4. Results of a rise come out by window end, then by the slice and the order in which keys came.
//   W6. What comes may be a sum of events of one key and slice (combiner.ts).
//   W7. Dead letters come in the order of their events, however those are cut into batches: late ones before one that fails behind them.
//   W8. A rise gives RESULTS_MAX results at a time, or as many bytes as the step has room for, and stops there (transform.ts, onWatermark): behind
//       a window, or within it with the watermark before its end. A tumbling window without lateness deletes the keys that it has given.
//       The slices of others are still needed: how many were given is noted, and whoever goes on passes over so many. Nothing comes in
//       between, as a rise is ended before events are taken in, so keys still come in the same order.
//   W5. With allowed lateness a closed window keeps its slices until it expires. What comes for it corrects it: once a batch, key and
//       window, behind the batch's last event, by window and then as keys came. Which windows have closed follows from the watermark.

import { assert } from '../../base/assert.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { Combined } from '../../event/combined.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { compileAggregates } from '../aggregate/aggregates.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { failEvent, refuseLate } from '../failure.ts';
import { OPEN_TOLD_MAX, type WindowFigures } from '../figures.ts';
import { firstAtLeast } from '../sorted.ts';
import { giveSome } from '../give-some.ts';
import type { RestoreContext, StepContext, Transform } from '../transform.ts';
import { CLOSING, type Given, notedGiven, skipGiven } from './closing-mark.ts';
import { SliceBlocks } from './slice-blocks.ts';
import type { SliceGrid } from './slice-grid.ts';
import { RESULTS_MAX, WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;

/** Where the slice of an event lies. */
type Slice = {
  readonly startMs: number;
  readonly endMs: number;
  /** The watermark at which its last window is closed; -Infinity for a gap between windows (every > size). */
  readonly closedAt: number;
  /** The one at which its first window is. */
  readonly firstClosedAt: number;
  readonly isGap: boolean;
  isOpen: boolean;
};

const NOWHERE: Slice = { startMs: Infinity, endMs: -Infinity, closedAt: Infinity, firstClosedAt: Infinity, isGap: false, isOpen: false };

export class SlicedWindow implements Transform {
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly #grid: SliceGrid;
  readonly #aggregates: Aggregates;
  readonly #blocks: SliceBlocks;
  readonly #slots: number;
  /** A slice is one window, and nothing is kept of it when that is closed (W8). */
  readonly #isAlone: boolean;
  readonly #results: WindowResults;
  readonly #late: WindowOp['late'];
  readonly #latenessMs: number;
  readonly #retracts: boolean;
  /** Closed windows that the batch changed: start → key → what it was; null: nothing, or nobody asks. */
  readonly #corrected = new Map<number, Map<Key, Cell | null>>();
  /** Starts of the open slices, ascending. */
  #open: number[] = [];
  /** What is left of a window that is closed in parts; null: it begins, or this worker has not begun it. */
  #closing: Closing | null = null;
  /** The slice met last: most events lie in it. */
  #slice = NOWHERE;

  constructor(grid: SliceGrid, op: WindowOp) {
    this.#grid = grid;
    this.#aggregates = compileAggregates(op.aggregates);
    this.#blocks = new SliceBlocks(grid, this.#aggregates);
    this.#slots = this.#aggregates.init().length;
    this.#results = new WindowResults(this.#aggregates, op);
    this.#late = op.late;
    this.#latenessMs = op.latenessMs ?? 0;
    this.#retracts = op.retracts === true;
    this.#isAlone = grid.sizeMs === grid.everyMs && this.#latenessMs === 0;
  }

  restored(context: RestoreContext): void {
    this.#open = context.cells.namespaces().filter((slice) => slice !== CLOSING);
    this.#closing = null;
    this.#slice = NOWHERE;
    this.#blocks.clear();
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
      else if (this.#slice.closedAt + this.#latenessMs <= context.watermark) late.push(i);
      else
        try {
          this.#add(batch, i, keys[i]!, timeMs, context);
          added++;
        } catch (error) {
          this.#refuse(batch, late.splice(0), context); // W7
          failEvent(context, batch, i, error);
        }
    }
    context.countAbsorbed(added);
    if (outside > 0) context.countFiltered(outside);
    this.#refuse(batch, late, context);
    if (this.#corrected.size > 0) this.#emitCorrections(context);
  }

  onWatermark(wanted: number, context: StepContext): number {
    const { sizeMs, everyMs } = this.#grid;
    let start = this.#grid.firstOpenWindow(context.watermark);
    let watermark = wanted;
    for (let at = 0; at < this.#open.length;) {
      const slice = this.#open[at]!;
      // Behind its last window a slice waits for corrections only.
      if (slice < start) at++;
      else {
        start = Math.max(start, this.#grid.firstWindowOf(slice));
        if (start + sizeMs - 1 > watermark) break;
        if (!this.#close(start, context)) {
          watermark = Math.max(context.watermark, start + sizeMs - 2);
          break;
        }
        if (this.#results.isFull(context)) watermark = start + sizeMs - 1; // W8
        start += everyMs;
      }
    }
    this.#blocks.forget(this.#grid.firstOpenWindow(watermark));
    const isExpired = this.#dropSlices(watermark - this.#latenessMs, context.cells);
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    if (isExpired && !context.contributors.isEmpty) context.contributors.forget(watermark - this.#latenessMs - sizeMs + 1);
    context.emitWatermark(watermark);
    return watermark;
  }

  figures({ cells, watermark }: RestoreContext): WindowFigures {
    const open = this.#open.filter((slice) => !this.#isClosed(slice, watermark));
    const spans = open.slice(0, OPEN_TOLD_MAX).map((start) => [start, this.#grid.sliceEnd(start), cells.size(start)] as const);
    const count =
      open.length === this.#open.length ? cells.size() - cells.size(CLOSING) : open.reduce((sum, slice) => sum + cells.size(slice), 0);
    return { kind: 'windows', open: count, spans, results: this.#results.given };
  }

  /** Whether its last window is closed at that watermark. */
  #isClosed(slice: number, watermark: number): boolean {
    return this.#grid.windowAt(slice) + this.#grid.sizeMs - 1 <= watermark;
  }

  /** Throws what the event fails with; nothing has changed then. */
  #add(batch: Batch, index: number, key: Key, timeMs: number, context: StepContext): void {
    const { cells } = context;
    const slice = this.#slice;
    const noted = this.#latenessMs > 0 && slice.firstClosedAt <= context.watermark ? this.#noteCorrections(slice, key, context) : NONE;
    try {
      const cell = (cells.get(slice.startMs, key) as Cell | undefined) ?? this.#aggregates.init();
      const event = batch.values[index];
      if (event instanceof Combined) {
        // Who still runs the declaration before must not go on with sums that lack one of its figures.
        assert(event.cell.length >= this.#slots, 'a sum has a figure for each aggregate');
        this.#aggregates.merge(cell, event.cell);
      } else this.#aggregates.add(cell, event, key, timeMs, context.nowMs);
      cells.put(slice.startMs, key, cell);
      this.#blocks.changed(slice.startMs);
    } catch (error) {
      for (const start of noted) this.#corrected.get(start)?.delete(key);
      throw error;
    }
    if (!slice.isOpen) this.#openSlice(slice);
  }

  #refuse(batch: Batch, late: readonly number[], context: StepContext): void {
    if (late.length > 0) refuseLate(context, this.#told(pickEvents(batch, late)), this.#late);
  }

  /** Sums are not late (combiner.ts, C1) but where another declaration has made events late; then they are told as what they are. */
  #told(late: Batch): Batch {
    const tell = (value: Value): Value =>
      value instanceof Combined ? { events: value.events, ...this.#aggregates.result(value.cell) } : value;
    return late.values.some((value) => value instanceof Combined) ? { ...late, values: late.values.map(tell) } : late;
  }

  /** Notes that the key's results of the slice's closed windows change. Starts of those that the batch had not changed so far. */
  #noteCorrections({ startMs }: Slice, key: Key, { cells, watermark }: StepContext): readonly number[] {
    const { everyMs, firstOpenWindow, firstWindowOf, windowAt } = this.#grid;
    const last = Math.min(windowAt(startMs), firstOpenWindow(watermark) - everyMs);
    const noted: number[] = [];
    for (let start = Math.max(firstWindowOf(startMs), firstOpenWindow(watermark - this.#latenessMs)); start <= last; start += everyMs) {
      const keys = this.#corrected.get(start) ?? new Map<Key, Cell | null>();
      if (keys.has(key)) continue;
      this.#corrected.set(start, keys.set(key, this.#retracts ? this.#blocks.sumOf(start, key, this.#open, cells) : null));
      noted.push(start);
    }
    return noted;
  }

  /** W5. */
  #emitCorrections(context: StepContext): void {
    for (const [start, keys] of [...this.#corrected].toSorted((a, b) => a[0] - b[0])) {
      const window = [start, start + this.#grid.sizeMs] as const;
      for (const [key, before] of keys) {
        if (before !== null) this.#results.add(key, window, before, 'retracted');
        this.#results.add(key, window, this.#blocks.sumOf(start, key, this.#open, context.cells)!, 'late');
      }
    }
    this.#corrected.clear();
    if (this.#results.count > 0) context.emit(this.#results.take(context));
  }

  #sliceOf(timeMs: number): Slice {
    const startMs = this.#grid.sliceAt(timeMs);
    const window = this.#grid.windowAt(startMs);
    const first = this.#grid.firstWindowOf(startMs);
    return {
      startMs,
      endMs: this.#grid.sliceEnd(startMs),
      closedAt: window + this.#grid.sizeMs - 1,
      firstClosedAt: first + this.#grid.sizeMs - 1,
      isGap: first > window,
      isOpen: false,
    };
  }

  #openSlice(slice: Slice): void {
    slice.isOpen = true;
    const at = firstAtLeast(this.#open, slice.startMs);
    if (this.#open[at] !== slice.startMs) this.#open.splice(at, 0, slice.startMs);
  }

  /** Those results of the window that starts at `start` that there is room for (W8). True: all. */
  #close(start: number, context: StepContext): boolean {
    const { cells } = context;
    const window = [start, start + this.#grid.sizeMs] as const;
    const isFull = (): boolean => this.#results.isFull(context);
    if (this.#isAlone && cells.size(CLOSING) === 0) {
      const isSmall = context.bytesLeft === Infinity && cells.size(start) <= RESULTS_MAX;
      return giveSome(cells, start, isSmall ? () => false : isFull, (key, cell) => this.#results.add(key, window, cell as Cell));
    }
    const closing = this.#closing?.start === start ? this.#closing : this.#beginClose(start, cells);
    for (; closing.next.done !== true; closing.next = closing.sums.next(), closing.given++) {
      if (isFull()) {
        this.#closing = closing;
        cells.put(CLOSING, '', [start, closing.given] satisfies Given);
        return false;
      }
      const [key, cell] = closing.next.value;
      this.#results.add(key, window, cell);
    }
    this.#closing = null;
    cells.drop(CLOSING);
    return true;
  }

  /** Behind what was given of the window before. */
  #beginClose(start: number, cells: KeyedCells): Closing {
    const sums = this.#blocks.sums(start, this.#open, cells)[Symbol.iterator]();
    const [noted, given] = notedGiven(cells) ?? [start, 0];
    assert(noted === start, 'a window that is closed in parts is closed before others');
    skipGiven(sums, given);
    const next = sums.next();
    assert(given === 0 || next.done !== true, 'a window that was closed in part has keys left');
    return { start, sums, next, given };
  }

  /** Drops the slices whose last window is closed at the watermark `expired`. False: there is none. */
  #dropSlices(expired: number, cells: KeyedCells): boolean {
    let count = 0;
    for (let slice = this.#open[0]; slice !== undefined && this.#isClosed(slice, expired); slice = this.#open[++count]) cells.drop(slice);
    this.#open.splice(0, count);
    this.#slice = NOWHERE;
    return count > 0;
  }
}

type Sum = readonly [Key, Cell];
type Closing = { readonly start: number; readonly sums: Iterator<Sum>; next: IteratorResult<Sum>; given: number };
const NONE: readonly number[] = [];
