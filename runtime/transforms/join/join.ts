// Interval join of two streams: events of one key match when their times differ by at most `within`.
//
// Cells: both sides' events, see join-sides.ts. Derived: for outer joins, the rows that have not been judged yet.
//   I1. A pair is joined once, when its second event comes; its time is the later of the two.
//   I2. A row of an outer side without a match comes out when the watermark reaches its time + within, with its own time;
//       so an outer join holds the watermark back by `within`.
//   I3. An event at or before the watermark is late: what it would match may be gone.
//   I4. Unmatched rows of a rise come out by time; of equal times left before right, then by key, then as they came.

import type { JoinSpec } from '../../../crds/stream-job/joins.ts';
import type { Batch, Key } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { Heap } from '../../time/heap.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { refuseLate } from '../failure.ts';
import type { RestoreContext, StepContext, Transform } from '../transform.ts';
import { JoinSides } from './join-sides.ts';
import type { Item, Side } from './join-sides.ts';
import { JoinedRows } from './joined-rows.ts';

/** A row of an outer side, to be judged when no match can come any more. `rank` keeps rows of a key in order. */
type Pending = { readonly dueMs: number; readonly side: Side; readonly key: Key; readonly rank: number; readonly item: Item };

type JoinOp = Extract<OpPlan, { kind: 'join' }>;

export function makeJoin(op: JoinOp): Transform {
  return new IntervalJoin(op);
}

class IntervalJoin implements Transform {
  readonly absorbs = true;
  readonly #withinMs: number;
  readonly #outer: ReadonlySet<Side>;
  readonly #rows: JoinedRows;
  readonly #late: 'output' | 'deadLetter';
  readonly #sides: JoinSides;
  #pending = new Heap<Pending>(isBefore);
  #rank = 0;

  constructor({ withinMs, spec, late = 'deadLetter' }: JoinOp) {
    this.#withinMs = withinMs;
    this.#outer = outerSides(spec.type);
    this.#rows = new JoinedRows(spec.select);
    this.#late = late;
    this.#sides = new JoinSides(withinMs);
  }

  restored({ cells, watermark }: RestoreContext): void {
    this.#pending = new Heap(isBefore);
    this.#sides.rebucket(cells);
    for (const namespace of cells.namespaces()) {
      const side = this.#sides.sideAt(namespace);
      for (const [key, items] of cells.entries(namespace)) {
        for (const item of items as readonly Item[]) if (item[0] + this.#withinMs > watermark) this.#await(side, key, item);
      }
    }
  }

  nextDueMs(): number {
    return this.#pending.peek()?.dueMs ?? Infinity;
  }

  onBatch(batch: Batch, context: StepContext, side: Side): void {
    const keys = keysOf(batch);
    const late: number[] = [];
    let added = 0;
    for (let i = 0; i < keys.length; i++) {
      const item: Item = [batch.times[i]!, batch.values[i]];
      if (item[0] <= context.watermark) {
        late.push(i);
        continue;
      }
      this.#sides.append(context.cells, side, keys[i]!, item);
      added++;
      this.#await(side, keys[i]!, item);
      this.#joinMatches(side, keys[i]!, item, context);
    }
    context.countAbsorbed(added);
    this.#rows.emit(context, batch.ingestMs);
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  onWatermark(wanted: number, context: StepContext): number {
    let watermark = wanted;
    for (let row = this.#pending.peek(); row !== undefined && row.dueMs <= watermark; row = this.#pending.peek()) {
      this.#pending.pop();
      if (!this.#hasMatch(row, context.cells)) this.#join(row.side, row.key, row.item, null, context);
      if (this.#rows.isFull(context)) watermark = row.dueMs; // those that are due with it, too: that they were judged follows from the watermark
    }
    this.#rows.emit(context, context.ingestMs);
    for (const side of ['left', 'right'] as const) this.#sides.dropUpTo(context.cells, side, watermark - this.#keepMs(side));
    context.emitWatermark(this.#outer.size === 0 ? watermark : watermark - this.#withinMs);
    return watermark;
  }

  #joinMatches(side: Side, key: Key, item: Item, context: StepContext): void {
    for (const match of this.#sides.matches(context.cells, other(side), key, item[0])) this.#join(side, key, item, match, context);
  }

  #join(side: Side, key: Key, item: Item, match: Item | null, context: StepContext): void {
    const [left, right] = side === 'left' ? [item, match] : [match, item];
    const timeMs = Math.max(item[0], match?.[0] ?? item[0]);
    this.#rows.add({ key, timeMs, left: left?.[1] ?? null, right: right?.[1] ?? null }, context);
  }

  #hasMatch({ side, key, item }: Pending, cells: KeyedCells): boolean {
    return this.#sides.matches(cells, other(side), key, item[0]).next().done !== true;
  }

  #await(side: Side, key: Key, item: Item): void {
    if (this.#outer.has(side)) this.#pending.push({ dueMs: item[0] + this.#withinMs, side, key, rank: this.#rank++, item });
  }

  /** How far behind the watermark events of `side` may still be needed: for coming matches, and to judge rows of the other
   *  side, which happens up to `within` after those. */
  #keepMs(side: Side): number {
    return this.#outer.has(other(side)) ? 2 * this.#withinMs : this.#withinMs;
  }
}

/** The sides whose rows come out without a match, too. */
export function outerSides(type: JoinSpec['type']): ReadonlySet<Side> {
  switch (type) {
    case 'inner':
      return new Set();
    case 'left':
    case 'right':
      return new Set([type]);
    case 'full':
      return new Set(['left', 'right']);
  }
}

function other(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}

/** (time, side, key, arrival). */
function isBefore(a: Pending, b: Pending): boolean {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs;
  if (a.side !== b.side) return a.side === 'left';
  return a.key !== b.key ? a.key < b.key : a.rank < b.rank;
}
