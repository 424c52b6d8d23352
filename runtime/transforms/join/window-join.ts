// Window join: every pair of events of a key that lie in one window of event time.
//
// Cells: (slice start, key) → list of [side, value] in the order in which they came. Derived: nothing.
//   W1. A window gives its pairs once, when the watermark reaches its end - 1, and then the rows of outer sides for which the other
//       side has no event in it. Their time is the window's last ms. So a pair comes once for each window that both lie in.
//   W2. A slice is dropped with its last window. An event is late when all windows that it belongs to have closed; of one that is too
//       late for some of its windows the others still have it.
//   W4. A rise closes windows until they have given RESULTS_MAX, or more bytes than the step has room for. Of tumbling ones keys are given and
//       deleted, so that a rise may stop within one (as window/sliced-window.ts, W8); one key's pairs come all together.
//   W3. Results of a rise come out by window, then by key as keys came, left before right.

import { assert } from '../../base/assert.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { refuseLate } from '../failure.ts';
import { firstAtLeast } from '../sorted.ts';
import { giveSome } from '../give-some.ts';
import type { StepContext, Transform } from '../transform.ts';
import { makeSliceGrid } from '../window/slice-grid.ts';
import type { SliceGrid } from '../window/slice-grid.ts';
import { outerSides } from './join.ts';
import { JoinedRows } from './joined-rows.ts';
import type { Side } from './join-sides.ts';

type WindowJoinOp = Extract<OpPlan, { kind: 'windowJoin' }>;
const LEFT = 0;
const RIGHT = 1;
type Item = readonly [side: typeof LEFT | typeof RIGHT, value: Value];

/** Names beside left and right. */
export const WINDOW_NAMES = ['windowStartMs', 'windowEndMs'] as const;

export function makeWindowJoin(op: WindowJoinOp): Transform {
  const { window } = op;
  assert(window.kind === 'tumbling' || window.kind === 'sliding', 'both sides are cut alike (rules-joins)');
  return new WindowJoin(makeSliceGrid(window), op);
}

class WindowJoin implements Transform {
  readonly absorbs = true;
  readonly #grid: SliceGrid;
  readonly #outer: ReadonlySet<Side>;
  readonly #rows: JoinedRows;
  readonly #late: WindowJoinOp['late'];

  constructor(grid: SliceGrid, { spec, late }: WindowJoinOp) {
    this.#grid = grid;
    this.#outer = outerSides(spec.type);
    this.#rows = new JoinedRows(spec.select, WINDOW_NAMES);
    this.#late = late;
  }

  onBatch(batch: Batch, context: StepContext, side: Side): void {
    const keys = keysOf(batch);
    const late: number[] = [];
    for (let i = 0; i < keys.length; i++) {
      const slice = this.#grid.sliceAt(batch.times[i]!);
      if (this.#isOver(slice, context.watermark)) late.push(i);
      else context.cells.append(slice, keys[i]!, [side === 'left' ? LEFT : RIGHT, batch.values[i]] satisfies Item);
    }
    context.countAbsorbed(keys.length - late.length);
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  onWatermark(wanted: number, context: StepContext): number {
    const { cells } = context;
    const { sizeMs, everyMs } = this.#grid;
    const slices = cells.namespaces();
    let start = this.#grid.firstOpenWindow(context.watermark);
    let watermark = wanted;
    for (let at = 0; at < slices.length;) {
      const slice = slices[at]!;
      if (slice < start) at++;
      else {
        start = Math.max(start, this.#grid.firstWindowOf(slice));
        if (start + sizeMs - 1 > watermark) break;
        if (!this.#close(start, slices, context)) {
          watermark = Math.max(context.watermark, start + sizeMs - 2);
          break;
        }
        if (this.#rows.isFull(context)) watermark = start + sizeMs - 1; // W4
        start += everyMs;
      }
    }
    for (const slice of slices) {
      if (!this.#isOver(slice, watermark)) break;
      cells.drop(slice);
    }
    this.#rows.emit(context, context.ingestMs);
    context.emitWatermark(watermark);
    return watermark;
  }

  /** Whether the last window of the slice has closed. */
  #isOver(slice: number, watermark: number): boolean {
    return this.#grid.windowAt(slice) + this.#grid.sizeMs - 1 <= watermark;
  }

  /** True: all of its keys were given. */
  #close(start: number, slices: readonly number[], context: StepContext): boolean {
    const { sizeMs, everyMs } = this.#grid;
    const endMs = start + sizeMs;
    if (sizeMs === everyMs) {
      const isFull = (): boolean => this.#rows.isFull(context);
      return giveSome(context.cells, start, isFull, (key, items) => {
        const sides: Sides = [[], []];
        addTo(sides, items);
        this.#join(key, sides, start, context);
      });
    }
    const inside = slices.slice(firstAtLeast(slices, start), firstAtLeast(slices, endMs));
    for (const [key, sides] of sidesOf(inside, context.cells)) this.#join(key, sides, start, context);
    return true;
  }

  #join(key: Key, [left, right]: Sides, start: number, context: StepContext): void {
    const endMs = start + this.#grid.sizeMs;
    const row = { key, timeMs: endMs - 1, more: [start, endMs] };
    for (const one of left) for (const other of right) this.#rows.add({ ...row, left: one, right: other }, context);
    if (right.length === 0 && this.#outer.has('left')) for (const one of left) this.#rows.add({ ...row, left: one, right: null }, context);
    if (left.length === 0 && this.#outer.has('right')) for (const one of right) this.#rows.add({ ...row, left: null, right: one }, context);
  }
}

type Sides = readonly [left: Value[], right: Value[]];

function sidesOf(slices: readonly number[], cells: KeyedCells): Map<Key, Sides> {
  const sides = new Map<Key, Sides>();
  for (const slice of slices) {
    for (const [key, items] of cells.entries(slice)) {
      let found = sides.get(key);
      if (found === undefined) sides.set(key, (found = [[], []]));
      addTo(found, items);
    }
  }
  return sides;
}

function addTo(sides: Sides, items: Value): void {
  for (const [side, value] of items as readonly Item[]) sides[side].push(value);
}
