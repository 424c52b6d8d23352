// Table-table join: both sides are changelogs, the result is the join of their newest rows.
//
// Cells: those of keyed-rows.ts by side (namespace 0 left, 1 right).
//   T1. Of a row its newest change counts (R1 of keyed-rows.ts). An older one that comes later changes nothing and is counted as filtered.
//   T2. A change gives what it changes of the result at once: first the rows that no longer hold, then those that hold now. In that order
//       they always add up to the join of the rows that are known. Only with `emit: changes` the former come out.
//   T3. The time of a result is the newest of its change and its rows; where a side has none, of what was last said of that side. So none that is
//       taken back is newer than its retraction, and who keeps the newest change of each result keeps those that hold.

import type { Batch, Key } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { keysOf } from '../batch-keys.ts';
import { failEvent } from '../failure.ts';
import { KeyedRows } from '../keyed-rows.ts';
import type { Version } from '../keyed-rows.ts';
import type { RestoreContext, StepContext, Timer, Transform } from '../transform.ts';
import { outerSides } from './join.ts';
import { JoinedRows } from './joined-rows.ts';
import type { Side } from './join-sides.ts';

type TableOp = Extract<OpPlan, { kind: 'tableJoin' }>;
type Pair = { readonly left: Version | null; readonly right: Version | null };
type Change = { readonly key: Key; readonly id: string; readonly version: Version };

/** Names beside left and right. */
export const CHANGE_NAMES = ['change'] as const;

export function makeTableJoin(op: TableOp): Transform {
  return new TableJoin(op);
}

class TableJoin implements Transform {
  readonly absorbs = true;
  readonly #sides: Readonly<Record<Side, KeyedRows>>;
  readonly #outer: ReadonlySet<Side>;
  readonly #rows: JoinedRows;
  readonly #tellsAll: boolean;

  constructor({ spec, table }: TableOp) {
    this.#sides = { left: new KeyedRows(0, table.left), right: new KeyedRows(1, table.right) };
    this.#outer = outerSides(spec.type);
    this.#rows = new JoinedRows(spec.select, CHANGE_NAMES);
    this.#tellsAll = table.emit === 'changes';
  }

  restored({ cells }: RestoreContext): void {
    for (const side of Object.values(this.#sides)) side.restored(cells);
  }

  onBatch(batch: Batch, context: StepContext, side: Side): void {
    let [taken, older] = [0, 0];
    for (let i = 0; i < batch.values.length; i++) {
      const change = this.#changeOf(batch, i, side, context);
      if (change === null) continue;
      if (this.#apply(change, side, context)) taken++;
      else older++;
    }
    context.countAbsorbed(taken);
    context.countFiltered(older);
    this.#rows.emit(context, batch.ingestMs);
  }

  onTimer({ key, id, data }: Timer, { cells }: StepContext): void {
    this.#sides[data as Side].forget(cells, key, id.slice(1));
  }

  /** null: it is a dead letter. */
  #changeOf(batch: Batch, i: number, side: Side, context: StepContext): Change | null {
    const key = keysOf(batch)[i]!;
    try {
      const { id, isDeletion } = this.#sides[side].read(batch.values[i], key, batch.times[i]!, context.nowMs);
      const version: Version = isDeletion ? [batch.times[i]!] : [batch.times[i]!, batch.values[i]];
      return { key, id, version };
    } catch (error) {
      failEvent(context, batch, i, error);
      return null;
    }
  }

  /** False: a newer row is known (T1). */
  #apply({ key, id, version }: Change, side: Side, context: StepContext): boolean {
    const { cells } = context;
    const own = this.#sides[side];
    const known = own.get(cells, key, id);
    if (known !== undefined && known[0] > version[0]) return false;
    const others = this.#sides[otherOf(side)].live(cells, key);
    const wasLive = known !== undefined && known.length === 2;
    const isLive = version.length === 2;
    const rest = own.liveCount(key) - (wasLive ? 1 : 0);
    own.set(cells, key, id, version);
    own.remember(context, key, { mark: side[0]!, id, data: side }, version, known);
    const gone = this.#pairs(side, wasLive ? known : null, rest, others);
    const come = this.#pairs(side, isLive ? version : null, rest, others);
    if (!wasLive && !isLive) return true;
    if (this.#tellsAll) for (const pair of gone) this.#give(key, pair, 'retract', version[0], context);
    for (const pair of come) this.#give(key, pair, 'insert', version[0], context);
    return true;
  }

  /** Rows of the result that depend on whether `version` is there. `rest`: how many other rows of its side and key there are. */
  #pairs(side: Side, version: Version | null, rest: number, others: readonly Version[]): readonly Pair[] {
    const pair = (own: Version | null, other: Version | null): Pair =>
      side === 'left' ? { left: own, right: other } : { left: other, right: own };
    if (version !== null && others.length > 0) return others.map((other) => pair(version, other));
    if (version !== null) return this.#outer.has(side) ? [pair(version, null)] : [];
    return rest === 0 && this.#outer.has(otherOf(side)) ? others.map((other) => pair(null, other)) : [];
  }

  #give(key: Key, { left, right }: Pair, change: 'insert' | 'retract', changedMs: number, context: StepContext): void {
    const timeOf = (side: Side, version: Version | null): number => version?.[0] ?? this.#sides[side].newestMs(context.cells, key);
    const timeMs = Math.max(changedMs, timeOf('left', left), timeOf('right', right));
    this.#rows.add(
      { key, timeMs, left: left?.[1] ?? null, right: right?.[1] ?? null, more: [change], isGone: change === 'retract' },
      context,
    );
  }
}

function otherOf(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}
