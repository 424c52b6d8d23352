// Tumbling and sliding windows with several results each, and the global window: an event is added to each of its windows.
//
// Cells: (window start, key) → PaneCell. Derived: the windows that are kept, and the keys with events that are in no pane yet.
//   D1. A window closes once, when the watermark reaches its end - 1; each key that had events gives a pane then, whether or not there
//       is more to tell than by the last early one: it says that the window is over. The global window closes at the end of the input.
//   D2. An event is late when all its windows have expired: closed, and their lateness is over. Of one that is too late for some the
//       others still count it. It is added to all of them or to none.
//   D3. What comes for a closed window gives a late pane: once a batch, key and window, behind the batch's last event.
//   D4. A result of a batch comes at its event, those of a rise by window, then as keys came.
//   D5. Results of a window have its last ms as their time, all of them. Those of the global window have a time that is not late: that of
//       the newest event, or of what made them due.
//   D7. A key of the global window that expires (actor/expiring.ts) has its last pane then, as at the end of the input, and begins anew.
//   D8. Without lateness, and where no early pane is due by time in that rise, a rise gives RESULTS_MAX keys at a time, or as many bytes as the
//       step has room for, and deletes them: as a tumbling window does (sliced-window.ts, W8), here each kind of window.
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
import { giveSome } from '../give-some.ts';
import type { RestoreContext, StepContext, Waits } from '../transform.ts';
import { ClockLooks } from './clock-looks.ts';
import { Panes, type PaneCell } from './panes.ts';
import type { SliceGrid } from './slice-grid.ts';
import { WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;

/** A key of a window with events that are in no pane yet. */
type Pending = { readonly start: number; readonly key: Key };
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
    this.#kept = this.#isGlobal ? ALL_TIME.filter((start) => cells.size(start) > 0) : [...cells.namespaces()];
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
    const mayBeDue = this.#panes.mayBeDue(context.watermark, wanted);
    const isInParts = !mayBeDue && this.#latenessMs === 0;
    let watermark = wanted;
    for (const start of this.#kept) {
      if (this.#isClosed(start, context.watermark)) continue; // it waits for corrections only
      if (this.#isClosed(start, watermark)) {
        if (!isInParts) this.#close(start, watermark, context);
        else if (!this.#closeSome(start, context)) {
          watermark = this.#isGlobal ? context.watermark : Math.max(context.watermark, start + this.#assigner.sizeMs - 2);
          break;
        }
      } else if (mayBeDue) this.#giveDue(start, watermark, context);
      else break;
    }
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

  /** Early panes that the rise to `watermark` makes due. */
  #giveDue(start: number, watermark: number, { cells, nowMs }: StepContext): void {
    for (const key of this.#pending.get(start)?.keys() ?? []) {
      const cell = cells.get(start, key) as PaneCell;
      const holding = this.#panes.holding(cell, watermark, nowMs);
      if (holding === 0) continue;
      this.#giveEarly(key, cell, { start, holding, notBeforeMs: this.#panes.passedMs(watermark) });
      cells.put(start, key, cell);
    }
  }

  /** Early panes that the clock makes due, by window and then as their keys came to have something new. */
  #giveByClock(due: readonly Pending[], context: StepContext): void {
    const { cells, watermark, nowMs } = context;
    for (const { start, key } of due.toSorted((a, b) => a.start - b.start)) {
      const cell = cells.get(start, key) as PaneCell;
      const holding = this.#panes.holding(cell, watermark, nowMs);
      if (holding === 0) continue;
      this.#giveEarly(key, cell, { start, holding, notBeforeMs: watermark + 1 });
      cells.put(start, key, cell);
    }
    if (this.#results.count > 0) context.emit(this.#results.take(context));
  }

  #close(start: number, watermark: number, { cells, watermark: before }: StepContext): void {
    this.#pending.delete(start);
    const isLast = this.#isExpired(start, watermark);
    for (const [key, found] of cells.entries(start)) {
      const cell = found as PaneCell;
      this.#panes.give(key, cell, 'onTime', { ...this.#placeOf(start, cell, before + 1), isLast });
      if (!isLast) cells.put(start, key, cell);
    }
  }

  /** D8. True: all of its keys were given. */
  #closeSome(start: number, context: StepContext): boolean {
    const { cells, watermark: before } = context;
    const isFull = (): boolean => this.#results.isFull(context);
    const isWhole = giveSome(cells, start, isFull, (key, found) => {
      const cell = found as PaneCell;
      this.#pending.get(start)?.delete(key);
      this.#panes.give(key, cell, 'onTime', { ...this.#placeOf(start, cell, before + 1), isLast: true });
    });
    if (isWhole) this.#pending.delete(start);
    return isWhole;
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
const GLOBAL: Assigner = { sizeMs: Infinity, windowsOf: () => ALL_TIME };
