// What joins give: `select` over both sides, gathered into one batch.
//
//   R1. A pair whose select fails is a dead letter with both sides; other pairs stand. Its events are in the state.

import type { JoinSpec } from '../../../crds/stream-job/joins.ts';
import type { TraceContext } from '../../base/trace-context.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { RoughSum } from '../../event/rough-bytes.ts';
import { withTraces } from '../../event/trace-marks.ts';
import type { TraceMark } from '../../event/trace-marks.ts';
import { compileCode, compileFields } from '../../expression/expression.ts';
import type { Compiled } from '../../expression/expression.ts';
import { failMade } from '../failure.ts';
import type { StepContext } from '../transform.ts';
import { RESULTS_MAX } from '../window/window-results.ts';

/** One row to be. `left` or `right` is null where a side has none; `more`: values of the names beside left and right. */
export type Pair = {
  readonly key: Key;
  readonly timeMs: number;
  readonly left: Value;
  readonly right: Value;
  readonly more?: readonly Value[];
  readonly trace?: TraceContext | null;
  /** It was given before and no longer holds: when its select fails, it was not. */ readonly isGone?: boolean;
};

export class JoinedRows {
  readonly #select: Compiled;
  #values: Value[] = [];
  #times: number[] = [];
  #keys: Key[] = [];
  #traces: TraceMark[] = [];
  #bytes = new RoughSum();

  /** `more`: names beside left and right, which results have as fields when there is no select. */
  constructor(select: JoinSpec['select'], more: readonly string[] = []) {
    this.#select = compileSelect(select, ['left', 'right', ...more]);
  }

  add({ key, timeMs, left, right, more = NONE, trace = null, isGone = false }: Pair, context: StepContext): void {
    try {
      const value = this.#select(left, right, ...more);
      this.#values.push(value);
      this.#bytes.add(value);
    } catch (error) {
      if (!isGone) failMade(context, { event: { left, right }, timeMs, key }, error); // R1
      return;
    }
    if (trace !== null) this.#traces.push({ at: this.#times.length, context: trace });
    this.#times.push(timeMs);
    this.#keys.push(key);
  }

  /** What there is, is to go before more is added where that can be. */
  isFull({ bytesLeft }: Pick<StepContext, 'bytesLeft'>): boolean {
    const { length } = this.#keys;
    return length >= RESULTS_MAX || (length > 0 && this.#bytes.bytes > bytesLeft);
  }

  /** Emits all that was added since the last time. */
  emit(context: StepContext, ingestMs: number): void {
    if (this.#keys.length === 0) return;
    const batch: Batch = { values: this.#values, times: this.#times, keys: this.#keys, ingestMs, traces: undefined };
    const traces = this.#traces;
    this.#values = [];
    this.#times = [];
    this.#keys = [];
    this.#traces = [];
    this.#bytes = new RoughSum();
    context.emit(withTraces(batch, traces));
  }
}

const NONE: readonly Value[] = [];

function compileSelect(select: JoinSpec['select'], names: readonly string[]): Compiled {
  if (select === undefined) return (...values) => Object.fromEntries(names.map((name, i) => [name, values[i]]));
  return typeof select === 'object' ? compileFields(select, names) : compileCode(select, names);
}
