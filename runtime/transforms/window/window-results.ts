// The results of windows that close in one rise of the watermark, or are corrected by one batch, gathered into one batch.
//
//   P1. Where windows may be corrected a result says which it is: `onTime` when the window closed, `late` for one that replaces it (or is
//       the first one, of a window that was empty then), `retracted` for what is replaced. Of windows that have several results anyway
//       (panes.ts) also `early`, the pane's number, and whether it is known to be the last.

import type { Batch, Key, Value } from '../../event/batch.ts';
import { RoughSum } from '../../event/rough-bytes.ts';
import type { TraceMark } from '../../event/trace-marks.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { keyFields } from '../key-fields.ts';
import type { StepContext } from '../transform.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;
export type Pane = 'early' | 'onTime' | 'late' | 'retracted';
/** Null: of the one window that has none. */
export type Bounds = readonly [startMs: number, endMs: number] | null;
type PaneResult = {
  readonly bounds: Bounds;
  readonly timeMs: number;
  readonly pane: Pane;
  readonly number: number;
  readonly isLast: boolean;
};

type CountResult = { readonly bounds: NonNullable<Bounds>; readonly timeMs: number; readonly number: number };

/** What tells results of a key apart. */
type Told = { readonly windowStartMs?: number; readonly windowEndMs?: number; readonly pane?: string; readonly paneNumber?: number };

/** A rise that has so many results, or as many bytes of them as the step has room for, stops where it can: they go before there are more. */
export const RESULTS_MAX = 4_096;

export class WindowResults {
  readonly #aggregates: Aggregates;
  readonly #keyNames: readonly string[];
  readonly #saysPane: boolean;
  #values: Value[] = [];
  #times: number[] = [];
  #keys: Key[] = [];
  #given = 0;
  #bytes = new RoughSum();

  constructor(aggregates: Aggregates, { keyNames, latenessMs }: Pick<WindowOp, 'keyNames' | 'latenessMs'>) {
    this.#aggregates = aggregates;
    this.#keyNames = keyNames;
    this.#saysPane = latenessMs !== undefined;
  }

  get count(): number {
    return this.#values.length;
  }

  /** What there is, is to go before more is added where that can be. */
  isFull({ bytesLeft }: Pick<StepContext, 'bytesLeft'>): boolean {
    return this.count >= RESULTS_MAX || (this.count > 0 && this.#bytes.bytes > bytesLeft);
  }

  /** Results that were taken, all in all. */
  get given(): number {
    return this.#given;
  }

  /** One key's result of the window [startMs, endMs). Its time is the window's last ms: what closes it has not passed it yet. */
  add(key: Key, [startMs, endMs]: readonly [startMs: number, endMs: number], cell: Cell, pane: Pane = 'onTime'): void {
    const value = keyFields(this.#keyNames, key);
    value['windowStartMs'] = startMs;
    value['windowEndMs'] = endMs;
    if (this.#saysPane) value['pane'] = pane;
    this.#push(key, value, endMs - 1, cell);
  }

  addPane(key: Key, cell: Cell, { bounds, timeMs, pane, number, isLast }: PaneResult): void {
    const value = keyFields(this.#keyNames, key);
    if (bounds !== null) [value['windowStartMs'], value['windowEndMs']] = bounds;
    value['pane'] = pane;
    value['paneNumber'] = number;
    value['isLast'] = isLast;
    this.#push(key, value, timeMs, cell);
  }

  /** Of a key's window by count. */
  addCount(key: Key, cell: Cell, { bounds: [startMs, endMs], timeMs, number }: CountResult): void {
    const value = keyFields(this.#keyNames, key);
    value['windowStartMs'] = startMs;
    value['windowEndMs'] = endMs;
    value['windowNumber'] = number;
    this.#push(key, value, timeMs, cell);
  }

  #push(key: Key, value: Record<string, Value>, timeMs: number, cell: Cell): void {
    Object.assign(value, this.#aggregates.result(cell));
    this.#bytes.add(value);
    this.#values.push(value);
    this.#times.push(timeMs);
    this.#keys.push(key);
  }

  /** All results since the last call. */
  take(context: StepContext): Batch {
    const batch: Batch = {
      values: this.#values,
      times: this.#times,
      keys: this.#keys,
      ingestMs: context.ingestMs,
      traces: context.contributors.isEmpty ? undefined : this.#traces(context),
    };
    this.#given += this.#values.length;
    this.#bytes = new RoughSum();
    this.#values = [];
    this.#times = [];
    this.#keys = [];
    return batch;
  }

  #traces(context: StepContext): TraceMark[] | undefined {
    const traces: TraceMark[] = [];
    const traced = context.contributors.keys();
    for (let at = 0; at < this.#keys.length; at++) {
      const key = this.#keys[at] as Key;
      if (!traced.has(key)) continue;
      const { windowStartMs = -Infinity, windowEndMs = Infinity, pane = '', paneNumber = '' } = this.#values[at] as Told;
      const from = context.contributors.of(key, windowStartMs, windowEndMs);
      if (from.length > 0) traces.push({ at, context: context.gathered(from, `${key} ${windowStartMs} ${pane} ${paneNumber}`) });
    }
    return traces.length === 0 ? undefined : traces;
  }
}
