// Panes: the results of one window of a key, when it has several. What is kept for them, and when an early one is due.
//
//   N1. The panes of a key's window are numbered from 0, without gaps. Key, window and number are a result's identity; what is taken back
//       has the number that it was told by.
//   N2. accumulating: each pane has all so far. discarding: what came since the last one, so their sum is the whole.
//       retracting: all so far, and before it what it replaces once more.
//   N3. A trigger holds when all of its conditions have been met since the first event that is in no pane. An early pane comes when any
//       trigger holds: `every` when the watermark passes a multiple of it, `processingTime` when the clock has gone on so far since that
//       event came, `count` and `when` at the event that meets them.
//   N4. All of it lies in the window's cell: a restart changes nothing.

import type { Key, Value } from '../../event/batch.ts';
import type { Compiled } from '../../expression/expression.ts';
import { compilePredicate } from '../../expression/expression.ts';
import type { CompiledPanes, OpPlan } from '../../plan/physical-plan.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { EVENT_NAMES } from '../event-names.ts';
import type { Bounds, WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;

/** A window of a key: what its owner keeps, and its panes. `fromMs`: the watermark when the first event came that is in no pane. */
export type PaneCell = [
  firstMs: number,
  lastMs: number,
  figures: Cell,
  nextNumber: number,
  eventsSince: number,
  fromMs: number,
  /** Triggers whose `when` has held since, as bits. */ met: number,
  /** Triggers that hold once and have, as bits. */ spent: number,
  told: readonly Told[],
  /** Wall-clock ms at which the first event came that is in no pane; only where a trigger asks. */ sinceMs?: number,
];
/** A pane that will be taken back before the next. */
type Told = readonly [startMs: number, endMs: number, number: number, figures: Cell];

export type Given = { readonly bounds: Bounds; readonly timeMs: number; readonly isLast: boolean };
/** How far a window has come: its events are after `startMs`, the watermark stands at `watermark`. */
type Progress = { readonly startMs: number; readonly watermark: number; readonly nowMs: number };

type Trigger = {
  readonly bit: number;
  readonly everyMs: number | null;
  readonly afterMs: number | null;
  readonly count: number;
  readonly when: Compiled<boolean> | null;
};

export class Panes {
  /** Whether time alone may make an early pane due. */
  readonly byTime: boolean;
  /** The waits of its triggers by the clock, ms; empty: none is. */
  readonly clockMs: readonly number[];
  readonly #aggregates: Aggregates;
  readonly #results: WindowResults;
  readonly #accumulation: CompiledPanes['accumulation'];
  readonly #triggers: readonly Trigger[];
  readonly #once: number;

  constructor({ early, accumulation }: CompiledPanes, aggregates: Aggregates, results: WindowResults) {
    this.#aggregates = aggregates;
    this.#results = results;
    this.#accumulation = accumulation;
    this.#triggers = early.map(({ everyMs, afterMs = null, count, when }, i) => ({
      bit: 1 << i,
      everyMs,
      afterMs,
      count: count ?? 1,
      when: when === null ? null : compilePredicate(when, EVENT_NAMES),
    }));
    this.#once = early.reduce((bits, { once }, i) => (once ? bits | (1 << i) : bits), 0);
    this.clockMs = this.#triggers.flatMap(({ afterMs }) => afterMs ?? []);
    this.byTime = this.#triggers.some(({ everyMs, afterMs }) => everyMs !== null || afterMs !== null);
  }

  /** Of a window without events. */
  init(firstMs: number, lastMs: number): PaneCell {
    return [firstMs, lastMs, this.#aggregates.init(), 0, 0, 0, 0, 0, []];
  }

  /** Triggers whose `when` holds for the event, as bits. Throws what the code throws. */
  metBy(event: Value, key: Key, timeMs: number, nowMs: number): number {
    let met = 0;
    for (const { bit, when } of this.#triggers) if (when !== null && when(event, key, timeMs, nowMs)) met |= bit;
    return met;
  }

  /** An event has come into the window. */
  note(cell: PaneCell, met: number, { startMs, watermark, nowMs }: Progress): void {
    if (cell[4] === 0) {
      cell[5] = Math.max(watermark, startMs - 1);
      if (this.clockMs.length > 0) cell[9] = nowMs;
    }
    cell[4]++;
    cell[6] |= met;
  }

  /** Triggers that hold, as bits (N3). */
  holding(cell: PaneCell, watermark: number, nowMs: number): number {
    const [, , , , eventsSince, fromMs, met, spent, , sinceMs = -Infinity] = cell;
    let holding = 0;
    if (eventsSince === 0) return holding;
    for (const { bit, everyMs, afterMs, count, when } of this.#triggers) {
      if ((spent & bit) !== 0 || eventsSince < count || (when !== null && (met & bit) === 0)) continue;
      if (afterMs !== null && nowMs - sinceMs < afterMs) continue;
      if (everyMs === null || isPassed(everyMs, fromMs, watermark)) holding |= bit;
    }
    return holding;
  }

  /** Whether a rise of the watermark may make an early pane due. */
  mayBeDue(watermark: number, next: number): boolean {
    return this.byTime && this.#triggers.some(({ everyMs }) => everyMs !== null && isPassed(everyMs, watermark, next));
  }

  /** The newest multiple of a trigger's time that the watermark has passed, as the last ms before it; -Infinity without one. */
  passedMs(watermark: number): number {
    return this.#triggers.reduce((latest, { everyMs }) => {
      const passedMs = everyMs === null ? -Infinity : Math.floor((watermark + 1) / everyMs) * everyMs - 1;
      return Number.isFinite(passedMs) ? Math.max(latest, passedMs) : latest;
    }, -Infinity);
  }

  early(key: Key, cell: PaneCell, given: Omit<Given, 'isLast'>, holding: number): void {
    this.give(key, cell, 'early', { ...given, isLast: false });
    cell[7] |= holding & this.#once;
  }

  /** The key's next pane; what it replaces before it. The owner puts the cell. */
  give(key: Key, cell: PaneCell, pane: 'early' | 'onTime' | 'late', { bounds, timeMs, isLast }: Given): void {
    for (const [startMs, endMs, number, figures] of cell[8]) {
      const told = bounds === null ? { bounds, timeMs } : { bounds: [startMs, endMs] as const, timeMs: endMs - 1 };
      this.#results.addPane(key, figures, { ...told, pane: 'retracted', number, isLast: false });
    }
    const [, , figures, number] = cell;
    this.#results.addPane(key, figures, { bounds, timeMs, pane, number, isLast });
    const [startMs, endMs] = bounds ?? [0, 0];
    cell[8] = this.#accumulation === 'retracting' && !isLast ? [[startMs, endMs, number, this.#copyOf(figures)]] : [];
    if (this.#accumulation === 'discarding') cell[2] = this.#aggregates.init();
    cell[3]++;
    cell[4] = 0;
    cell[6] = 0;
  }

  /** `into` takes over the panes of `from`, whose events it has. What was told of both is taken back by its next one. */
  absorb(into: PaneCell, from: PaneCell): void {
    if (from[4] > 0 && this.clockMs.length > 0) into[9] = into[4] > 0 ? Math.min(into[9]!, from[9]!) : from[9]!;
    if (from[4] > 0) into[5] = into[4] > 0 ? Math.min(into[5], from[5]) : from[5];
    into[3] = Math.max(into[3], from[3]);
    into[4] += from[4];
    into[6] |= from[6];
    into[7] |= from[7];
    into[8] = [...into[8], ...from[8]];
  }

  #copyOf(figures: Cell): Cell {
    const copy = this.#aggregates.init();
    this.#aggregates.merge(copy, figures);
    return copy;
  }
}

export function makePanes({ panes }: WindowOp, aggregates: Aggregates, results: WindowResults): Panes | null {
  return panes === undefined ? null : new Panes(panes, aggregates, results);
}

/** Whether a multiple of `everyMs` lies between the two. */
function isPassed(everyMs: number, watermark: number, next: number): boolean {
  return Math.floor((next + 1) / everyMs) > Math.floor((watermark + 1) / everyMs);
}
