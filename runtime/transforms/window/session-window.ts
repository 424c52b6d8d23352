// Session windows: events of a key that follow each other by less than a gap belong together.
//
// Cells: (bucket of the session's start, key) → [first time, last time, aggregates]. A bucket is a gap wide, and sessions of
// a key start at least a gap apart, so a cell holds one session: an event's commit writes its session, not all of its key.
// (CLOSING, '') → [time, key] of a rise that gives in parts (S8).
// Derived: the sessions of each key in time order, when to look whether one has ended, and where such a rise has come to.
//   S1. Two events belong together when `later - earlier < gap`, directly or through others: one between two sessions that
//       is near enough to both merges them.
//   S2. A session ends when the watermark reaches last + gap - 1: no event that would extend it can come any more.
//       Its window is [first, last + gap).
//   S3. An event is late when it touches no session that is kept and would be one that has ended, with its lateness, already.
//   S4. Results of a rise come out by window end, then by key.
//   S5. With allowed lateness a session that has ended is kept until that is over too. An event that touches it changes it: at the end of
//       the batch what it was is taken back (if asked for), and it gives its new result, unless it has grown so far that its end is
//       still to come. Merged sessions are all taken back. Which sessions have ended follows from the watermark.
//   S6. With panes (panes.ts) a cell has what they need too, and what was told lies in it until the session's next pane takes it back.
//       A merged session goes on behind the highest number of its parts.
//   S8. A rise ends sessions until they have given RESULTS_MAX, or more bytes than the step has room for, and stops there (transform.ts,
//       onWatermark): behind that session, with the watermark before its end. Where those that have ended are kept, or early panes come by
//       time, it is noted which that was: those that end before it, or then with no later key, have ended. Early panes come behind all that
//       end, and who has got one has nothing that is in no pane.
//   S7. Dead letters come in the order of their events, as in sliced-window.ts (W7).

import type { Batch, Key, Value } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { Heap } from '../../time/heap.ts';
import { compileAggregates } from '../aggregate/aggregates.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { failEvent, refuseLate } from '../failure.ts';
import type { WindowFigures } from '../figures.ts';
import type { RestoreContext, StepContext, Transform, Waits } from '../transform.ts';
import { ClockLooks } from './clock-looks.ts';
import { CLOSING } from './closing-mark.ts';
import { makePanes, type PaneCell, type Panes } from './panes.ts';
import { WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;
/** S6: a PaneCell with panes. */
type SessionCell = [firstMs: number, lastMs: number, figures: Cell, ...panes: unknown[]];
type Session = {
  readonly key: Key;
  readonly cell: SessionCell;
  isOpen: boolean;
  /** It has given its result, and waits for corrections. */
  hasEnded: boolean;
  /** From when on the clock is waited for. */
  awaitedMs?: number;
};
/** When to look at a session: it may have grown since this was noted, never shrunk. */
type Look = { readonly dueMs: number; readonly session: Session };
/** Sessions that end before, or then with no later key (null: with any), have ended. */
type Ended = readonly [endMs: number, key: Key | null];

export class SessionWindow implements Transform {
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly waits?: Waits;
  readonly #gapMs: number;
  readonly #aggregates: Aggregates;
  readonly #results: WindowResults;
  readonly #late: WindowOp['late'];
  readonly #latenessMs: number;
  readonly #retracts: boolean;
  readonly #panes: Panes | null;
  readonly #sessions = new Map<Key, Session[]>();
  /** Sessions that the batch changed when they, or what they absorbed, had ended; with what was told of them. */
  readonly #corrected = new Map<Session, SessionCell[]>();
  /** Open sessions with events that are in no pane; only where time alone may make a pane due. */
  readonly #pending = new Set<Session>();
  readonly #clock: ClockLooks<Session>;
  #looks = new Heap<Look>(isBefore);
  /** S8: to be looked at for early panes; null: no rise has stopped there, or this worker has not made it. */
  #due: Iterator<Session> | null = null;

  constructor(gapMs: number, op: WindowOp) {
    this.#gapMs = gapMs;
    this.#aggregates = compileAggregates(op.aggregates);
    this.#results = new WindowResults(this.#aggregates, op);
    this.#late = op.late;
    this.#latenessMs = op.latenessMs ?? 0;
    this.#retracts = op.retracts === true && op.panes === undefined;
    this.#panes = makePanes(op, this.#aggregates, this.#results);
    const clockMs = this.#panes?.clockMs ?? [];
    this.#clock = new ClockLooks(
      clockMs,
      (session: Session) => this.#pending.has(session),
      (due, context) => this.#giveByClock(due, context),
    );
    if (clockMs.length > 0) this.waits = this.#clock.waits;
  }

  restored({ cells, watermark }: RestoreContext): void {
    this.#sessions.clear();
    this.#pending.clear();
    this.#clock.clear();
    this.#looks = new Heap(isBefore);
    this.#due = null;
    const [endedMs, endedKey] = (cells.get(CLOSING, '') as Ended | undefined) ?? [watermark, null];
    for (const bucket of cells.namespaces()) {
      if (bucket === CLOSING) continue;
      for (const [key, cell] of cells.entries(bucket)) {
        const session = { key, cell: cell as SessionCell, isOpen: true, hasEnded: false };
        const endMs = this.#endOf(session);
        session.hasEnded = endMs < endedMs || (endMs === endedMs && (endedKey === null || key <= endedKey));
        this.#insert(session, this.#sessions.get(key)?.length ?? 0);
        if (this.#panes?.byTime === true && !session.hasEnded && paned(session)[4] > 0) this.#await(session);
      }
    }
  }

  onBatch(batch: Batch, context: StepContext): void {
    const keys = keysOf(batch);
    if (batch.traces !== undefined) context.contributors.add(batch);
    const late: number[] = [];
    let added = 0;
    for (let i = 0; i < keys.length; i++) {
      try {
        if (this.#add(keys[i]!, batch.values[i], batch.times[i]!, context)) added++;
        else late.push(i);
      } catch (error) {
        this.#refuse(batch, late.splice(0), context); // S7
        failEvent(context, batch, i, error);
      }
    }
    context.countAbsorbed(added);
    this.#refuse(batch, late, context);
    if (this.#corrected.size > 0) this.#giveCorrections(context.cells);
    if (this.#results.count > 0) context.emit(this.#results.take(context));
  }

  onWatermark(wanted: number, context: StepContext): number {
    const mayBeDue = context.cells.size(CLOSING) > 0 || this.#panes?.mayBeDue(context.watermark, wanted) === true;
    let ended: Ended | null = null;
    let isExpired = false;
    let look = this.#looks.peek();
    for (; look !== undefined && look.dueMs <= wanted && !this.#results.isFull(context); look = this.#looks.peek()) {
      const { session, dueMs } = look;
      this.#looks.pop();
      if (!session.isOpen) continue;
      if (!session.hasEnded && this.#endOf(session) <= dueMs) {
        this.#end(session, wanted, context.cells);
        ended = [dueMs, session.key];
      }
      if (!session.hasEnded || this.#endOf(session) + this.#latenessMs > wanted) this.#lookAt(session);
      else {
        this.#remove(session, context.cells);
        isExpired = true;
      }
    }
    const isThrough = look === undefined || look.dueMs > wanted;
    if (isThrough) ended = mayBeDue && !this.#giveOwed(wanted, context) ? [wanted, null] : null;
    const watermark = this.#noteEnded(ended, wanted, context);
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    if (isExpired && !context.contributors.isEmpty) context.contributors.forget(this.#earliestOpen());
    context.emitWatermark(watermark);
    return watermark;
  }

  /** S8. `ended`: null: the rise is through. How far it has come. */
  #noteEnded(ended: Ended | null, wanted: number, { cells, watermark }: StepContext): number {
    if (ended === null) {
      cells.drop(CLOSING);
      return wanted;
    }
    if (this.#latenessMs > 0 || this.#panes?.byTime === true) cells.put(CLOSING, '', ended);
    return Math.max(watermark, ended[0] - 1);
  }

  /** Start of the open session that begins first; Infinity without one. */
  #earliestOpen(): number {
    return [...this.#sessions.values()].reduce((first, [session]) => Math.min(first, session!.cell[0]), Infinity);
  }

  figures({ cells }: RestoreContext): WindowFigures {
    return { kind: 'windows', open: cells.size() - cells.size(CLOSING), spans: [], results: this.#results.given };
  }

  /** False: the event is late. Throws before anything was changed. */
  #add(key: Key, event: Value, timeMs: number, context: StepContext): boolean {
    const sessions = this.#sessions.get(key) ?? [];
    const at = lastStartedBy(sessions, timeMs);
    const before = sessions[at];
    const after = sessions[at + 1];
    const touchesBefore = before !== undefined && timeMs - before.cell[1] < this.#gapMs;
    const touchesAfter = after !== undefined && after.cell[0] - timeMs < this.#gapMs;
    if (!touchesBefore && !touchesAfter && timeMs + this.#gapMs - 1 + this.#latenessMs <= context.watermark) return false;
    const session = touchesBefore ? before : touchesAfter ? after : this.#newSession(key, timeMs);
    const told = this.#latenessMs === 0 ? NONE : this.#toldOf(session, touchesBefore && touchesAfter ? after : null);
    const met = this.#panes === null ? 0 : this.#panes.metBy(event, key, timeMs, context.nowMs);
    if (touchesBefore) this.#lend(before, context.cells);
    if (touchesAfter) this.#lend(after, context.cells);
    this.#aggregates.add(session.cell[2], event, key, timeMs, context.nowMs);
    if (!touchesBefore && !touchesAfter) this.#insert(session, at + 1);
    if (touchesBefore && touchesAfter) this.#absorb(before, after, context.cells);
    this.#stretch(session, timeMs, context.cells);
    if (this.#latenessMs > 0) this.#noteCorrection(session, told, context.watermark);
    if (this.#panes !== null) this.#notePane(this.#panes, session, met, context);
    return true;
  }

  #refuse(batch: Batch, late: readonly number[], context: StepContext): void {
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  /** S6: the event is in the session. */
  #notePane(panes: Panes, session: Session, met: number, { cells, watermark, nowMs }: StepContext): void {
    const cell = paned(session);
    panes.note(cell, met, { startMs: cell[0], watermark, nowMs });
    const holding = session.hasEnded ? 0 : panes.holding(cell, watermark, nowMs);
    if (holding !== 0) this.#giveEarly(panes, session, holding);
    else if (panes.byTime && !session.hasEnded) this.#await(session);
    cells.put(this.#bucketOf(cell[0]), session.key, cell);
  }

  #giveEarly(panes: Panes, session: Session, holding: number): void {
    this.#pending.delete(session);
    panes.early(session.key, paned(session), this.#placeOf(session), holding);
  }

  /** A session that took over another may have to be looked at earlier than was noted. */
  #await(session: Session): void {
    const sinceMs = paned(session)[9] ?? 0;
    if (this.#pending.has(session) && session.awaitedMs === sinceMs) return;
    this.#pending.add(session);
    session.awaitedMs = sinceMs;
    this.#clock.add(session, sinceMs);
  }

  #giveByClock(due: readonly Session[], context: StepContext): Iterable<Session> {
    const left = this.#inOrder(due);
    this.#giveDue(this.#panes!, left, context.watermark, context);
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    return left;
  }

  /** Early panes that the rise to `wanted` makes due (S8). True: all. */
  #giveOwed(wanted: number, context: StepContext): boolean {
    if (this.#panes?.byTime !== true || this.#pending.size === 0) return true;
    this.#due ??= this.#inOrder(this.#pending);
    if (!this.#giveDue(this.#panes, this.#due, wanted, context)) return false;
    this.#due = null;
    return true;
  }

  #inOrder(sessions: Iterable<Session>): ArrayIterator<Session> {
    return [...sessions].toSorted((a, b) => this.#endOf(a) - this.#endOf(b) || (a.key < b.key ? -1 : 1)).values();
  }

  /** Early panes of `sessions` that are due when the watermark is `watermark`, as many as there is room for. True: all. */
  #giveDue(panes: Panes, sessions: Iterator<Session>, watermark: number, context: StepContext): boolean {
    const { cells, nowMs } = context;
    while (!this.#results.isFull(context)) {
      const { done, value: session } = sessions.next();
      if (done === true) return true;
      const holding = panes.holding(paned(session), watermark, nowMs);
      if (holding === 0) continue;
      this.#lend(session, cells);
      this.#giveEarly(panes, session, holding);
      cells.put(this.#bucketOf(session.cell[0]), session.key, session.cell);
    }
    return false;
  }

  #placeOf(session: Session) {
    return { bounds: this.#windowOf(session.cell), timeMs: this.#endOf(session) };
  }

  /** What was told of the sessions before the event changes them. */
  #toldOf(session: Session, absorbed: Session | null): readonly SessionCell[] {
    return [session, ...(absorbed === null ? [] : [absorbed])].flatMap((one) => {
      const known = this.#corrected.get(one);
      if (known !== undefined) return known;
      if (!one.hasEnded || !this.#retracts) return [];
      const [firstMs, lastMs, figures] = one.cell;
      const copy = this.#aggregates.init();
      this.#aggregates.merge(copy, figures);
      return [[firstMs, lastMs, copy] as SessionCell];
    });
  }

  /** S5: `session` is as the event made it. */
  #noteCorrection(session: Session, told: readonly SessionCell[], watermark: number): void {
    const hadEnded = session.hasEnded;
    session.hasEnded = this.#endOf(session) <= watermark;
    if (hadEnded && !session.hasEnded) this.#lookAt(session);
    if (session.hasEnded) this.#pending.delete(session);
    if (session.hasEnded || told.length > 0) this.#corrected.set(session, [...told]);
    else this.#corrected.delete(session);
  }

  /** S5. */
  #giveCorrections(cells: KeyedCells): void {
    const changed = [...this.#corrected].filter(([{ isOpen }]) => isOpen);
    this.#corrected.clear();
    for (const [{ key }, told] of changed) for (const cell of told) this.#results.add(key, this.#windowOf(cell), cell[2], 'retracted');
    for (const [session] of changed) {
      const { key, cell, hasEnded } = session;
      if (!hasEnded) continue;
      if (this.#panes === null) this.#results.add(key, this.#windowOf(cell), cell[2], 'late');
      else {
        this.#panes.give(key, paned(session), 'late', { ...this.#placeOf(session), isLast: false });
        cells.put(this.#bucketOf(cell[0]), key, cell);
      }
    }
  }

  #newSession(key: Key, timeMs: number): Session {
    const cell: SessionCell = this.#panes === null ? [timeMs, timeMs, this.#aggregates.init()] : this.#panes.init(timeMs, timeMs);
    return { key, cell, isOpen: true, hasEnded: false };
  }

  #insert(session: Session, at: number): void {
    const sessions = this.#sessions.get(session.key);
    if (sessions === undefined) this.#sessions.set(session.key, [session]);
    else sessions.splice(at, 0, session);
    this.#lookAt(session);
  }

  /** `before` takes over all of `after`, which ends. */
  #absorb(before: Session, after: Session, cells: KeyedCells): void {
    this.#aggregates.merge(before.cell[2], after.cell[2]);
    before.cell[1] = after.cell[1];
    this.#panes?.absorb(paned(before), paned(after));
    this.#remove(after, cells);
  }

  /** The session reaches `timeMs`; its cell is put where its start says. */
  #stretch(session: Session, timeMs: number, cells: KeyedCells): void {
    const { key, cell } = session;
    if (timeMs < cell[0]) {
      if (this.#bucketOf(timeMs) !== this.#bucketOf(cell[0])) cells.delete(this.#bucketOf(cell[0]), key);
      cell[0] = timeMs;
    }
    if (timeMs > cell[1]) cell[1] = timeMs;
    cells.put(this.#bucketOf(cell[0]), key, cell);
  }

  #end(session: Session, watermark: number, cells: KeyedCells): void {
    session.hasEnded = true;
    const { key, cell } = session;
    if (this.#panes === null) {
      this.#results.add(key, this.#windowOf(cell), cell[2]);
      return;
    }
    this.#pending.delete(session);
    const isLast = this.#endOf(session) + this.#latenessMs <= watermark;
    this.#lend(session, cells);
    this.#panes.give(key, paned(session), 'onTime', { ...this.#placeOf(session), isLast });
    if (!isLast) cells.put(this.#bucketOf(cell[0]), key, cell);
  }

  /** It is about to be changed in place, and known from before (C1 of state/keyed-cells.ts). */
  #lend({ key, cell }: Session, cells: KeyedCells): void {
    cells.get(this.#bucketOf(cell[0]), key);
  }

  #windowOf([firstMs, lastMs]: SessionCell): readonly [startMs: number, endMs: number] {
    return [firstMs, lastMs + this.#gapMs];
  }

  #remove(session: Session, cells: KeyedCells): void {
    session.isOpen = false;
    this.#pending.delete(session);
    cells.delete(this.#bucketOf(session.cell[0]), session.key);
    const sessions = this.#sessions.get(session.key)!;
    if (sessions.length === 1) this.#sessions.delete(session.key);
    else sessions.splice(sessions.indexOf(session), 1);
  }

  #lookAt(session: Session): void {
    this.#looks.push({ dueMs: this.#endOf(session) + (session.hasEnded ? this.#latenessMs : 0), session });
  }

  /** The watermark at which the session has ended (S2). */
  #endOf(session: Session): number {
    return session.cell[1] + this.#gapMs - 1;
  }

  #bucketOf(timeMs: number): number {
    return Math.floor(timeMs / this.#gapMs);
  }
}

const NONE: readonly SessionCell[] = [];

/** The session's cell where there are panes (S6). */
function paned({ cell }: Session): PaneCell {
  return cell as unknown as PaneCell;
}

/** (time, key). An open session has one look, so no two that matter are equal. */
function isBefore(a: Look, b: Look): boolean {
  return a.dueMs !== b.dueMs ? a.dueMs < b.dueMs : a.session.key < b.session.key;
}

/** Index of the last session that starts at or before `timeMs`, or -1. New events mostly belong to the last one. */
function lastStartedBy(sessions: readonly Session[], timeMs: number): number {
  let low = 0;
  let high = sessions.length;
  if (high > 0 && sessions[high - 1]!.cell[0] <= timeMs) return high - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sessions[middle]!.cell[0] <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
