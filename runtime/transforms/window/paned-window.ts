// Tumbling and sliding windows with several results each, and the global window: an event is added to each of its windows.
//
// Cells: (window start, key) → PaneCell; (CLOSING, '') → [start, panes given] of a rise that gives in parts (D8).
// Derived: the windows that are kept, the keys with events that are in no pane yet, and where such a rise has come to.
//   D1. A window closes once, when the watermark reaches its end - 1; each key that had events gives a pane then, whether or not there
//       is more to tell than by the last early one: it says that the window is over. The global window closes at the end of the input.
//   D2. An event is late when all its windows have expired: closed, and their lateness is over. Of one that is too late for some the
//       others still count it. It is added to all of them or to none.
//   D3. What comes for a closed window gives a late pane: once a batch, key and window, behind the batch's last event.
//   D4. A result of a batch comes at its event, those of a rise by window, then as keys came.
//   D5. Results of a window have its last ms as their time, all of them. Those of the global window have a time that is not late: that of
//       the newest event, or of what made them due.
//   D7. A key of the global window that expires (actor/expiring.ts) has its last pane then, as at the end of the input, and begins anew.
//   D8. A rise gives RESULTS_MAX panes at a time, or as many bytes as the step has room for, and stops there, as sliced-window.ts does (W8). Keys
//       of a window that is over with its pane are deleted then; of one that waits for corrections it is noted how many have theirs. Windows
//       before the noted one are closed. Early panes come behind all that close, and who has got one has nothing that is in no pane.
//   D6. Dead letters come in the order of their events, as in sliced-window.ts (W7).

import { assert } from '../../base/assert.ts';
import type { Expirable } from '../actor/expiring.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { compileAggregates } from '../aggregate/aggregates.ts';
import type { Aggregates } from '../aggregate/aggregates.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { failEvent, refuseLate } from '../failure.ts';
import { OPEN_TOLD_MAX, type WindowFigures } from '../figures.ts';
import { firstAtLeast } from '../sorted.ts';
import type { RestoreContext, StepContext, Waits } from '../transform.ts';
import { ClockLooks } from './clock-looks.ts';
import { CLOSING, type Given, notedGiven, skipGiven } from './closing-mark.ts';
import { Panes, type PaneCell } from './panes.ts';
import type { SliceGrid } from './slice-grid.ts';
import { WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;

/** A key of a window with events that are in no pane yet. */
type Pending = { readonly start: number; readonly key: Key };
/** Where a rise that gives in parts has come to: of the window, `left` are still to be seen, and `given` have their pane and are kept. */
type Closing = { readonly start: number; readonly left: Iterator<[Key, Value]>; given: number };
type Due = { readonly start: number; readonly left: Iterator<Key> };
/** Which windows there are. */
type Assigner = Pick<SliceGrid, 'sizeMs' | 'windowsOf'>;

export class PanedWindow implements Expirable {
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly waits?: Waits;
  readonly #assigner: Assigner;
  readonly #isGlobal: boolean;
  readonly #aggregates: Aggregates;
  readonly #results: WindowResults;
  readonly #panes: Panes;
  readonly #late: WindowOp['late'];
  readonly #latenessMs: number;
  /** Starts of the windows that have cells, ascending. */
  #kept: number[] = [];
  /** Open windows → keys with events that are in no pane; only where time alone may make a pane due. */
  readonly #pending = new Map<number, Map<Key, Pending>>();
  readonly #clock: ClockLooks<Pending>;
  /** D8; null: no rise has stopped there, or this worker has not made it. */
  #closing: Closing | null = null;
  #due: Due | null = null;
  /** Keys whose last pane was given because they expire. */
  readonly #over = new Set<Key>();
  /** Closed windows → keys that the batch changed. */
  readonly #corrected = new Map<number, Set<Key>>();

  /** `grid`: null for the global window. */
  constructor(grid: SliceGrid | null, op: WindowOp) {
    assert(op.panes !== undefined, 'a window with panes says when they come');
    this.#isGlobal = grid === null;
    this.#assigner = grid ?? GLOBAL;
    this.#aggregates = compileAggregates(op.aggregates);
    this.#results = new WindowResults(this.#aggregates, op);
    this.#panes = new Panes(op.panes, this.#aggregates, this.#results);
    const isPending = (one: Pending): boolean => this.#pending.get(one.start)?.get(one.key) === one;
    this.#clock = new ClockLooks(this.#panes.clockMs, isPending, (due, context) => this.#giveByClock(due, context));
    if (this.#panes.clockMs.length > 0) this.waits = this.#clock.waits;
    this.#late = op.late;
    this.#latenessMs = op.latenessMs ?? 0;
  }

  restored({ cells, watermark }: RestoreContext): void {
    this.#kept = this.#isGlobal
      ? ALL_TIME.filter((start) => cells.size(start) > 0)
      : cells.namespaces().filter((start) => start !== CLOSING);
    this.#closing = this.#due = null;
    this.#pending.clear();
    this.#clock.clear();
    if (!this.#panes.byTime) return;
    for (const start of this.#kept) {
      if (this.#isClosed(start, watermark)) continue;
      for (const [key, cell] of cells.entries(start)) if ((cell as PaneCell)[4] > 0) this.#await(start, key, cell as PaneCell);
    }
  }

  onBatch(batch: Batch, context: StepContext): void {
    const keys = keysOf(batch);
    if (batch.traces !== undefined) context.contributors.add(batch);
    const late: number[] = [];
    let [outside, added] = [0, 0];
    for (let i = 0; i < keys.length; i++) {
      const starts = this.#assigner.windowsOf(batch.times[i]!);
      const kept = starts.filter((start) => !this.#isExpired(start, context.watermark));
      if (starts.length === 0) outside++;
      else if (kept.length === 0) late.push(i);
      else
        try {
          this.#add(batch, i, kept, context);
          added++;
        } catch (error) {
          this.#refuse(batch, late.splice(0), context); // D6
          failEvent(context, batch, i, error);
        }
    }
    context.countAbsorbed(added);
    if (outside > 0) context.countFiltered(outside);
    this.#refuse(batch, late, context);
    this.#giveCorrections(context);
    if (this.#results.count > 0) context.emit(this.#results.take(context));
  }

  onWatermark(wanted: number, context: StepContext): number {
    if (this.#over.size > 0) this.give(context);
    const noted = notedGiven(context.cells);
    const mayBeDue = noted === undefined ? this.#panes.mayBeDue(context.watermark, wanted) : this.#panes.byTime;
    let watermark = wanted;
    let open: number | undefined;
    for (const start of this.#kept) {
      if (this.#isClosed(start, context.watermark) || start < (noted?.[0] ?? -Infinity)) continue; // it waits for corrections only
      if (!this.#isClosed(start, wanted)) {
        if (!mayBeDue) break;
        open ??= start;
      }
      if (open === undefined ? this.#close(start, wanted, context) : this.#giveDue(start, wanted, context)) continue;
      context.cells.put(CLOSING, '', [open ?? start, this.#closing?.given ?? 0] satisfies Given);
      watermark = this.#isGlobal ? context.watermark : Math.max(context.watermark, Math.min(wanted - 1, start + this.#assigner.sizeMs - 2));
      break;
    }
    if (watermark === wanted) context.cells.drop(CLOSING);
    const isExpired = this.#dropExpired(watermark, context.cells);
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    if (isExpired && !context.contributors.isEmpty) context.contributors.forget(watermark - this.#latenessMs - this.#assigner.sizeMs + 1);
    context.emitWatermark(watermark);
    return watermark;
  }

  /** D7. */
  expired(cell: Value, key: Key, timeMs: number): null {
    const [start] = ALL_TIME;
    this.#pending.get(start)?.delete(key);
    this.#panes.give(key, cell as PaneCell, 'onTime', { ...this.#placeOf(start, cell as PaneCell, timeMs), isLast: true });
    this.#over.add(key);
    return null;
  }

  give(context: StepContext): void {
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    for (const key of this.#over) context.contributors.forgetOf(key, Infinity);
    this.#over.clear();
  }

  figures({ cells, watermark }: RestoreContext): WindowFigures {
    const open = this.#kept.filter((start) => !this.#isClosed(start, watermark));
    const told = this.#isGlobal ? [] : open.slice(0, OPEN_TOLD_MAX);
    const spans = told.map((start) => [start, start + this.#assigner.sizeMs, cells.size(start)] as const);
    return { kind: 'windows', open: open.reduce((sum, start) => sum + cells.size(start), 0), spans, results: this.#results.given };
  }

  /** Throws what the event fails with; nothing has changed then. */
  #add(batch: Batch, index: number, starts: readonly number[], context: StepContext): void {
    const [key, event, timeMs] = [batch.keys![index]!, batch.values[index], batch.times[index]!];
    const { cells, watermark, nowMs } = context;
    const found = starts.map((start) => (cells.get(start, key) as PaneCell | undefined) ?? this.#init(start, timeMs));
    const met = this.#panes.metBy(event, key, timeMs, nowMs);
    const figures = found.map((cell) => cell[2]);
    this.#aggregates.addToAll(figures, event, key, timeMs, nowMs);
    found.forEach((cell, i) => {
      this.#note(key, cell, { start: starts[i]!, met, timeMs, watermark, nowMs });
      cells.put(starts[i]!, key, cell);
    });
  }

  #refuse(batch: Batch, late: readonly number[], context: StepContext): void {
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  #init(start: number, timeMs: number): PaneCell {
    return this.#isGlobal ? this.#panes.init(timeMs, timeMs) : this.#panes.init(start, start + this.#assigner.sizeMs);
  }

  /** The event has been added to the window. */
  #note(key: Key, cell: PaneCell, event: { start: number; met: number; timeMs: number; watermark: number; nowMs: number }): void {
    const { start, met, timeMs, watermark, nowMs } = event;
    if (this.#isGlobal) cell[1] = Math.max(cell[1], timeMs);
    this.#keep(start);
    this.#panes.note(cell, met, { startMs: this.#isGlobal ? timeMs : start, watermark, nowMs });
    if (this.#isClosed(start, watermark)) {
      this.#corrected.set(start, (this.#corrected.get(start) ?? new Set<Key>()).add(key));
      return;
    }
    const holding = this.#panes.holding(cell, watermark, nowMs);
    if (holding !== 0) this.#giveEarly(key, cell, { start, holding, notBeforeMs: watermark + 1 });
    else if (this.#panes.byTime) this.#await(start, key, cell);
  }

  #giveEarly(key: Key, cell: PaneCell, due: { start: number; holding: number; notBeforeMs: number }): void {
    const { start, holding, notBeforeMs } = due;
    this.#pending.get(start)?.delete(key);
    this.#panes.early(key, cell, this.#placeOf(start, cell, notBeforeMs), holding);
  }

  /** D5. */
  #placeOf(start: number, cell: PaneCell, notBeforeMs: number) {
    if (!this.#isGlobal) return { bounds: [cell[0], cell[1]] as const, timeMs: start + this.#assigner.sizeMs - 1 };
    return { bounds: null, timeMs: Number.isFinite(notBeforeMs) ? Math.max(cell[1], notBeforeMs) : cell[1] };
  }

  /** Early panes that the rise to `watermark` makes due, as many as there is room for (D8). True: all. */
  #giveDue(start: number, watermark: number, context: StepContext): boolean {
    const { cells, nowMs } = context;
    if (start < (this.#due?.start ?? -Infinity)) return true;
    const due = this.#due?.start === start ? this.#due : { start, left: (this.#pending.get(start) ?? NONE).keys() };
    for (;;) {
      if (this.#results.isFull(context)) {
        this.#due = due;
        return false;
      }
      const { done, value: key } = due.left.next();
      if (done === true) break;
      const cell = cells.get(start, key) as PaneCell;
      const holding = this.#panes.holding(cell, watermark, nowMs);
      if (holding === 0) continue;
      this.#giveEarly(key, cell, { start, holding, notBeforeMs: this.#panes.passedMs(watermark) });
      cells.put(start, key, cell);
    }
    this.#due = null;
    return true;
  }

  /** Early panes that the clock makes due, by window and then as their keys came to have something new. */
  #giveByClock(due: readonly Pending[], context: StepContext): Iterable<Pending> {
    const { cells, watermark, nowMs } = context;
    const left = due.toSorted((a, b) => a.start - b.start).values();
    while (!this.#results.isFull(context)) {
      const { done, value } = left.next();
      if (done === true) break;
      const { start, key } = value;
      const cell = cells.get(start, key) as PaneCell;
      const holding = this.#panes.holding(cell, watermark, nowMs);
      if (holding === 0) continue;
      this.#giveEarly(key, cell, { start, holding, notBeforeMs: watermark + 1 });
      cells.put(start, key, cell);
    }
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    return left;
  }

  /** Those panes at the window's end that there is room for (D8). True: all. */
  #close(start: number, wanted: number, context: StepContext): boolean {
    const { cells, watermark: before } = context;
    const isLast = this.#isExpired(start, wanted);
    const over: Key[] = [];
    const closing = this.#closing?.start === start ? this.#closing : this.#beginClose(start, cells);
    for (;;) {
      if (this.#results.isFull(context)) {
        for (const key of over) cells.delete(start, key);
        this.#closing = closing;
        return false;
      }
      const { done, value } = closing.left.next();
      if (done === true) break;
      const [key, cell] = value as [Key, PaneCell];
      this.#pending.get(start)?.delete(key);
      this.#panes.give(key, cell, 'onTime', { ...this.#placeOf(start, cell, before + 1), isLast });
      if (isLast) over.push(key);
      else {
        cells.put(start, key, cell);
        closing.given++;
      }
    }
    this.#closing = null;
    this.#pending.delete(start);
    if (isLast) cells.drop(start);
    return true;
  }

  /** Behind those whose pane was given before. */
  #beginClose(start: number, cells: KeyedCells): Closing {
    const left = cells.entries(start);
    const [noted, given] = notedGiven(cells) ?? [start, 0];
    if (noted !== start) return { start, left, given: 0 };
    skipGiven(left, given);
    return { start, left, given };
  }

  /** D3. */
  #giveCorrections({ cells }: StepContext): void {
    if (this.#corrected.size === 0) return;
    for (const [start, keys] of [...this.#corrected].toSorted((a, b) => a[0] - b[0])) {
      for (const key of keys) {
        const cell = cells.get(start, key) as PaneCell;
        this.#panes.give(key, cell, 'late', { ...this.#placeOf(start, cell, -Infinity), isLast: false });
        cells.put(start, key, cell);
      }
    }
    this.#corrected.clear();
  }

  /** False: none has expired. */
  #dropExpired(watermark: number, cells: KeyedCells): boolean {
    let count = 0;
    for (let start = this.#kept[0]; start !== undefined && this.#isExpired(start, watermark); start = this.#kept[++count])
      cells.drop(start);
    this.#kept.splice(0, count);
    return count > 0;
  }

  #keep(start: number): void {
    const at = firstAtLeast(this.#kept, start);
    if (this.#kept[at] !== start) this.#kept.splice(at, 0, start);
  }

  #await(start: number, key: Key, cell: PaneCell): void {
    const keys = this.#pending.get(start) ?? new Map<Key, Pending>();
    if (keys.has(key)) return;
    const pending = { start, key };
    this.#pending.set(start, keys.set(key, pending));
    this.#clock.add(pending, cell[9] ?? 0);
  }

  #isClosed(start: number, watermark: number): boolean {
    return start + this.#assigner.sizeMs - 1 <= watermark;
  }

  #isExpired(start: number, watermark: number): boolean {
    return start + this.#assigner.sizeMs - 1 + this.#latenessMs <= watermark;
  }
}

const ALL_TIME = [0] as const;
const NONE: ReadonlyMap<Key, Pending> = new Map();
const GLOBAL: Assigner = { sizeMs: Infinity, windowsOf: () => ALL_TIME };
