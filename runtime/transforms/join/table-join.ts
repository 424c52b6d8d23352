// Table-table join: both sides are changelogs, the result is the join of their newest rows.
//
// Cells: by side (namespace 0 left, 1 right), key and the row's id: [time, row], or [time] when it was deleted.
//   T1. Of a row the change with the newest event time counts, of equal times the one that came last. An older one that comes later
//       changes nothing and is counted as filtered.
//   T2. A change gives what it changes of the result at once: first the rows that no longer hold, then those that hold now. In that order
//       they always add up to the join of the rows that are known. Only with `emit: changes` the former come out.
//   T3. The time of a result is the newest of its change and its rows.
//   T4. A deletion is remembered for DELETED_KEY_MS of event time, so that an older change does not bring the row back.

import { DELETED_KEY_MS } from '../../base/limits.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { compileCode, compilePredicate } from '../../expression/expression.ts';
import type { Compiled } from '../../expression/expression.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { KeyedMaps } from '../../state/keyed-maps.ts';
import { keysOf } from '../batch-keys.ts';
import { EVENT_NAMES } from '../event-names.ts';
import { failEvent } from '../failure.ts';
import { keyOfValue } from '../key-value.ts';
import type { RestoreContext, StepContext, Timer, Transform } from '../transform.ts';
import { outerSides } from './join.ts';
import { JoinedRows } from './joined-rows.ts';
import type { Side } from './join-sides.ts';

type TableOp = Extract<OpPlan, { kind: 'tableJoin' }>;
/** A row; without a value: deleted. */
type Version = readonly [timeMs: number, row?: Value];
type Pair = { readonly left: Version | null; readonly right: Version | null };
type Change = { readonly key: Key; readonly id: string; readonly version: Version };

/** Names beside left and right. */
export const CHANGE_NAMES = ['change'] as const;

export function makeTableJoin(op: TableOp): Transform {
  return new TableJoin(op);
}

class TableJoin implements Transform {
  readonly absorbs = true;
  readonly #sides: Readonly<Record<Side, TableSide>>;
  readonly #outer: ReadonlySet<Side>;
  readonly #rows: JoinedRows;
  readonly #tellsAll: boolean;

  constructor({ spec, table }: TableOp) {
    this.#sides = { left: new TableSide(0, table.left), right: new TableSide(1, table.right) };
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
    this.#setTimer(key, id, side, version, known, context);
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
    const timeMs = Math.max(changedMs, left?.[0] ?? changedMs, right?.[0] ?? changedMs);
    this.#rows.add(
      { key, timeMs, left: left?.[1] ?? null, right: right?.[1] ?? null, more: [change], isGone: change === 'retract' },
      context,
    );
  }

  /** T4. */
  #setTimer(key: Key, id: string, side: Side, version: Version, known: Version | undefined, context: StepContext): void {
    const timer = { key, id: `${side[0]}${id}`, atMs: version[0] + DELETED_KEY_MS, data: side };
    if (version.length === 1) context.setTimer(timer);
    else if (known?.length === 1) context.clearTimer(key, timer.id);
  }
}

/** The rows of one side. */
class TableSide {
  readonly #maps: KeyedMaps;
  readonly #live = new Map<Key, number>();
  readonly #isDeletion: Compiled<boolean> | null;
  readonly #idOf: Compiled | null;

  constructor(namespace: number, { deleted, id }: TableOp['table']['left']) {
    this.#maps = new KeyedMaps(namespace);
    this.#isDeletion = deleted === undefined ? null : compilePredicate(deleted, EVENT_NAMES);
    this.#idOf = id === undefined ? null : compileCode(id, EVENT_NAMES);
  }

  read(value: Value, key: Key, timeMs: number, nowMs: number): { readonly id: string; readonly isDeletion: boolean } {
    const id = this.#idOf === null ? '' : keyOfValue(this.#idOf(value, key, timeMs, nowMs));
    return { id, isDeletion: this.#isDeletion !== null && this.#isDeletion(value, key, timeMs, nowMs) };
  }

  restored(cells: KeyedCells): void {
    this.#maps.restored(cells);
    this.#live.clear();
    for (const key of this.#maps.keys()) {
      const count = this.live(cells, key).length;
      if (count > 0) this.#live.set(key, count);
    }
  }

  get(cells: KeyedCells, key: Key, id: string): Version | undefined {
    return this.#maps.get(cells, key, id) as Version | undefined;
  }

  set(cells: KeyedCells, key: Key, id: string, version: Version): void {
    const known = this.get(cells, key, id);
    this.#count(key, (version.length === 2 ? 1 : 0) - (known?.length === 2 ? 1 : 0));
    this.#maps.set(cells, key, id, version);
  }

  forget(cells: KeyedCells, key: Key, id: string): void {
    if (this.get(cells, key, id)?.length === 1) this.#maps.delete(cells, key, id);
  }

  /** Rows of the key, in the order in which they first came. */
  live(cells: KeyedCells, key: Key): readonly Version[] {
    const found: Version[] = [];
    for (const [, version] of this.#maps.entries(cells, key)) if ((version as Version).length === 2) found.push(version as Version);
    return found;
  }

  liveCount(key: Key): number {
    return this.#live.get(key) ?? 0;
  }

  #count(key: Key, more: number): void {
    const count = this.liveCount(key) + more;
    if (count === 0) this.#live.delete(key);
    else this.#live.set(key, count);
  }
}

function otherOf(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}
