// Windows by the time of their key: each key has a watermark of its own, made by its own events.
//
// Cells: (0, key) → [latest time, closed up to, when the last event came, open windows by start]. Derived: keys by the end of their first
// window, and when to look whether a key is quiet.
//   K1. A key's watermark is so far behind the latest time of its events as they may be out of order. No other key moves it, so one that is
//       late or far ahead harms no other.
//   K2. A window closes when its key's watermark reaches its end - 1; when the key has had no event for so long by the clock; or when the
//       input ends. Its watermark is then behind that window: a window closes once.
//   K3. An event is late when all its windows are behind its key's watermark. Of one that is too late for some the others count it.
//   K4. What is promised downstream stays behind the results of all windows that are open. A key that begins with an older time than was
//       promised has results that are late for who reads them.
//   K5. Results of an event come at that event, by end; those of a look by the clock and of the end of the input by end, then by key.
//   K6. The watermark of a key is kept when all its windows are closed: it says what is late.
//   K7. Dead letters come in the order of their events, as in sliced-window.ts (W7).
//   K8. The end of the input gives as many results at a time as there is room for, and stops there (sliced-window.ts, W8).

import { assert } from '../../base/assert.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { WATERMARK_MAX, WATERMARK_MIN } from '../../event/batch.ts';
import type { CompiledKeyWatermark, OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { Heap } from '../../time/heap.ts';
import { boundedOutOfOrder } from '../../time/watermark.ts';
import { compileAggregates } from '../aggregate/aggregates.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { failEvent, refuseLate } from '../failure.ts';
import { OPEN_TOLD_MAX, type WindowFigures } from '../figures.ts';
import type { RestoreContext, StepContext, Transform, Waits } from '../transform.ts';
import { ClockLooks } from './clock-looks.ts';
import { makeSliceGrid } from './slice-grid.ts';
import { WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;
/** Of a session: its first event's time, and its last one's plus the gap. */
type Open = [startMs: number, endMs: number, figures: Cell];
type KeyCell = [latestMs: number, closedMs: number, seenMs: number, open: Open[]];
type End = { readonly endMs: number; readonly key: Key };

export class KeyTimeWindow implements Transform {
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly waits: Waits;
  readonly #time: CompiledKeyWatermark;
  /** Null: sessions. */
  readonly #windowsOf: ((timeMs: number) => readonly number[]) | null;
  readonly #lengthMs: number;
  readonly #aggregates: Aggregates;
  readonly #results: WindowResults;
  readonly #late: WindowOp['late'];
  readonly #quiet: ClockLooks<Key>;
  /** Keys that are looked at when they may be quiet. */
  readonly #watched = new Set<Key>();
  #ends = new Heap<End>(isBefore);
  /** By which end a key stands there: no window of it ends earlier, and its first one may end later by now. */
  readonly #notedEnds = new Map<Key, number>();
  /** Open windows by start, of sessions all under 0: of how many keys. */
  readonly #open = new Map<number, number>();
  #cells!: KeyedCells;
  #wanted = WATERMARK_MIN;

  constructor(op: WindowOp & { readonly keyWatermark: CompiledKeyWatermark }) {
    const { window } = op;
    assert(window.kind !== 'count' && window.kind !== 'global', 'windows by the time of their key have a time bound');
    this.#time = op.keyWatermark;
    this.#lengthMs = window.kind === 'session' ? window.gapMs : window.sizeMs;
    this.#windowsOf = window.kind === 'session' ? null : makeSliceGrid(window).windowsOf;
    this.#aggregates = compileAggregates(op.aggregates);
    this.#results = new WindowResults(this.#aggregates, op);
    this.#late = op.late;
    const isWatched = (key: Key): boolean => this.#watched.has(key);
    this.#quiet = new ClockLooks([op.keyWatermark.closeAfterMs], isWatched, (keys, context) => this.#look(keys, context));
    this.waits = this.#quiet.waits;
  }

  restored({ cells, watermark }: RestoreContext): void {
    this.#cells = cells;
    this.#wanted = watermark;
    this.#watched.clear();
    this.#quiet.clear();
    this.#open.clear();
    this.#ends = new Heap(isBefore);
    this.#notedEnds.clear();
    for (const [key, found] of cells.entries(NAMESPACE)) {
      const [, , seenMs, open] = found as KeyCell;
      for (const one of open) this.#opened(key, one);
      if (open.length > 0) this.#watch(key, seenMs);
    }
  }

  onBatch(batch: Batch, context: StepContext): void {
    const keys = keysOf(batch);
    if (batch.traces !== undefined) context.contributors.add(batch);
    const late: number[] = [];
    let [outside, added] = [0, 0];
    for (let i = 0; i < keys.length; i++) {
      try {
        const taken = this.#add(keys[i]!, batch.values[i], batch.times[i]!, context);
        if (taken === 'added') added++;
        else if (taken === 'outside') outside++;
        else late.push(i);
      } catch (error) {
        this.#refuse(batch, late.splice(0), context); // K7
        failEvent(context, batch, i, error);
      }
    }
    context.countAbsorbed(added);
    if (outside > 0) context.countFiltered(outside);
    this.#refuse(batch, late, context);
    this.#give(context);
  }

  onWatermark(watermark: number, context: StepContext): number {
    this.#wanted = watermark;
    let next = watermark === WATERMARK_MAX ? this.#earliest() : undefined;
    for (; next !== undefined && !this.#results.isFull(context); next = this.#earliest()) this.#closeFirst(next.key);
    this.#give(context);
    return next === undefined ? watermark : context.watermark; // K8
  }

  figures(): WindowFigures {
    const starts = this.#windowsOf === null ? [] : [...this.#open].toSorted((a, b) => a[0] - b[0]).slice(0, OPEN_TOLD_MAX);
    const spans = starts.map(([startMs, keys]) => [startMs, startMs + this.#lengthMs, keys] as const);
    return { kind: 'windows', open: [...this.#open.values()].reduce((sum, keys) => sum + keys, 0), spans, results: this.#results.given };
  }

  /** Throws what the event fails with; nothing has changed then. */
  #add(key: Key, event: Value, timeMs: number, context: StepContext): 'added' | 'late' | 'outside' {
    const known = this.#cells.get(NAMESPACE, key) as KeyCell | undefined;
    const watermark = known === undefined ? WATERMARK_MIN : this.#watermarkOf(known);
    const cell: KeyCell = known ?? [timeMs, WATERMARK_MIN, context.nowMs, []];
    const windows = this.#windowsOf === null ? this.#session(cell[3], timeMs) : this.#fixed(this.#windowsOf(timeMs), cell[3]);
    if (windows.length === 0) return 'outside';
    const open = windows.filter(([, endMs]) => endMs - 1 > watermark); // a session that it touches is open
    if (open.length === 0) return 'late';
    this.#aggregates.addToAll(
      open.map(([, , figures]) => figures),
      event,
      key,
      timeMs,
      context.nowMs,
    );
    for (const one of open) {
      if (this.#windowsOf === null) this.#grow(one, timeMs, cell[3]);
      if (cell[3].includes(one)) continue;
      cell[3].splice(cell[3].findLastIndex(([startMs]) => startMs < one[0]) + 1, 0, one);
      this.#opened(key, one);
    }
    cell[0] = Math.max(cell[0], timeMs);
    cell[2] = context.nowMs;
    this.#closeUpTo(this.#watermarkOf(cell), key, cell); // K1
    this.#cells.put(NAMESPACE, key, cell);
    if (cell[3].length > 0) this.#watch(key, context.nowMs);
    else this.#watched.delete(key);
    return 'added';
  }

  /** Its windows: those that are open, and new ones for the others. */
  #fixed(starts: readonly number[], open: readonly Open[]): readonly Open[] {
    return starts.map((start) => open.find(([startMs]) => startMs === start) ?? [start, start + this.#lengthMs, this.#aggregates.init()]);
  }

  /** The first open session that it touches, or a new one. */
  #session(open: readonly Open[], timeMs: number): readonly Open[] {
    const touched = open.find(([startMs, endMs]) => timeMs < endMs && startMs - timeMs < this.#lengthMs);
    return [touched ?? [timeMs, timeMs + this.#lengthMs, this.#aggregates.init()]];
  }

  /** The session reaches `timeMs`, and takes over those that it touches by it. */
  #grow(session: Open, timeMs: number, open: Open[]): void {
    session[0] = Math.min(session[0], timeMs);
    session[1] = Math.max(session[1], timeMs + this.#lengthMs);
    for (const at = open.indexOf(session) + 1; at > 0 && at < open.length && open[at]![0] < timeMs + this.#lengthMs;) {
      const after = open.splice(at, 1)[0]!;
      this.#aggregates.merge(session[2], after[2]);
      session[1] = Math.max(session[1], after[1]);
      this.#count(after, -1);
    }
  }

  #opened(key: Key, of: Open): void {
    this.#noteEnd(key, of[1]);
    this.#count(of, 1);
  }

  #noteEnd(key: Key, endMs: number): void {
    if (endMs >= (this.#notedEnds.get(key) ?? Infinity)) return;
    this.#notedEnds.set(key, endMs);
    this.#ends.push({ endMs, key });
  }

  #count([startMs]: Open, change: 1 | -1): void {
    const at = this.#windowsOf === null ? 0 : startMs;
    const keys = (this.#open.get(at) ?? 0) + change;
    if (keys === 0) this.#open.delete(at);
    else this.#open.set(at, keys);
  }

  #watermarkOf([latestMs, closedMs]: KeyCell): number {
    return Math.max(boundedOutOfOrder({ highestMs: latestMs, maxOutOfOrderMs: this.#time.maxOutOfOrderMs }), closedMs);
  }

  /** Starts, and so ends, are in order. */
  #closeUpTo(watermark: number, key: Key, cell: KeyCell): void {
    for (let next = cell[3][0]; next !== undefined && next[1] - 1 <= watermark; next = cell[3][0]) this.#close(key, cell);
  }

  /** The key's first window. */
  #close(key: Key, cell: KeyCell): void {
    const first = cell[3].shift()!;
    const [startMs, endMs, figures] = first;
    this.#results.add(key, [startMs, endMs], figures);
    this.#count(first, -1);
    cell[1] = Math.max(cell[1], endMs - 1); // K2
  }

  /** The open window that ends first, of all keys. */
  #earliest(): { readonly key: Key; readonly startMs: number; readonly endMs: number } | undefined {
    for (let end = this.#ends.peek(); end !== undefined; end = this.#ends.peek()) {
      const { key, endMs } = end;
      const isNoted = this.#notedEnds.get(key) === endMs;
      const first = isNoted ? (this.#cells.get(NAMESPACE, key) as KeyCell | undefined)?.[3][0] : undefined;
      if (first?.[1] === endMs) return { key, startMs: first[0], endMs };
      this.#ends.pop();
      if (isNoted) this.#notedEnds.delete(key);
      if (first !== undefined) this.#noteEnd(key, first[1]);
    }
    return undefined;
  }

  /** The key's first window closes, and it is as the cell has it from now on. */
  #closeFirst(key: Key): void {
    const cell = this.#cells.get(NAMESPACE, key) as KeyCell;
    this.#close(key, cell);
    this.#cells.put(NAMESPACE, key, cell);
  }

  #watch(key: Key, seenMs: number): void {
    if (this.#watched.has(key)) return;
    this.#watched.add(key);
    this.#quiet.add(key, seenMs);
  }

  /** Keys that may be quiet (K2). */
  #look(keys: readonly Key[], context: StepContext): readonly Key[] {
    const quiet: (readonly [endMs: number, key: Key])[] = [];
    for (const key of keys) {
      const [, , seenMs, open] = this.#cells.get(NAMESPACE, key) as KeyCell;
      this.#watched.delete(key);
      if (context.nowMs - seenMs < this.#time.closeAfterMs) this.#watch(key, seenMs);
      else for (const [, endMs] of open) quiet.push([endMs, key]);
    }
    for (const [, key] of quiet.toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))) this.#closeFirst(key);
    this.#give(context);
    return [];
  }

  #refuse(batch: Batch, late: readonly number[], context: StepContext): void {
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  /** What has closed goes out, and so far as that allows the watermark behind it (K4). */
  #give(context: StepContext): void {
    const isClosed = this.#results.count > 0;
    if (isClosed) context.emit(this.#results.take(context));
    const next = this.#earliest();
    if (isClosed && !context.contributors.isEmpty && (next === undefined || this.#windowsOf !== null))
      context.contributors.forget(next?.startMs ?? Infinity);
    context.emitWatermark(next === undefined ? this.#wanted : Math.min(this.#wanted, next.endMs - 2));
  }
}

const NAMESPACE = 0;

/** (end, key). A key has no two windows with one end. */
function isBefore(a: End, b: End): boolean {
  return a.endMs !== b.endMs ? a.endMs < b.endMs : a.key < b.key;
}
