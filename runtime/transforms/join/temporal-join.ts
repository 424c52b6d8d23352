// Temporal join: each event (left) gets the row of its key (right) that was valid at the event's time.
//
// The right side is a changelog: the newest row of a key at or before a time is the one that is valid then, unless it says that
// the key is deleted.
//   E1. Events and rows wait until the watermark has passed their time by `grace`, and are then taken by time, rows before events of
//       the same time: an event sees every row that was not later than `grace`, in whatever order they came.
//   E2. So of each key only the row that is valid at the join's own time (watermark - grace) is kept, and what waits. A deleted key
//       is remembered for DELETED_KEY_MS: a row that is older than the deletion must not bring it back.
//   E3. An event at or before the join's time is late. A row there is taken for the events to come, unless a newer one is known or it
//       is no longer valid: then it is late.
//   E4. Results have the time of their event and come out by time, then as events came; the join's time is what it promises on.
//
// Cells: namespace ROWS: key → [time, row] or [time] when deleted; from 0 on what waits (held-events.ts).

import { DELETED_KEY_MS } from '../../base/limits.ts';
import { formatTraceparent, parseTraceparent } from '../../base/trace-context.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { traceAt } from '../../event/trace-marks.ts';
import { compilePredicate } from '../../expression/expression.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { keysOf } from '../batch-keys.ts';
import { pickEvents } from '../each-event.ts';
import { EVENT_NAMES } from '../event-names.ts';
import { failEvent, refuseLate } from '../failure.ts';
import { HeldEvents } from '../held-events.ts';
import type { RestoreContext, StepContext, Timer, Transform } from '../transform.ts';
import { JoinedRows } from './joined-rows.ts';

type TemporalOp = Extract<OpPlan, { kind: 'temporalJoin' }>;

const ROW = 0;
const DELETION = 1;
const EVENT = 2;
type Item = readonly [timeMs: number, key: Key, kind: typeof ROW | typeof DELETION | typeof EVENT, value: Value, traceparent?: string];
/** The newest row of a key; without a value: deleted. */
type Version = readonly [timeMs: number, row?: Value];

const ROWS = -1;
const EXPIRY = 'expiry';

export function makeTemporalJoin(op: TemporalOp): Transform {
  return new TemporalJoin(op);
}

class TemporalJoin implements Transform {
  readonly absorbs = true;
  readonly carriesTraces = true;
  readonly #op: TemporalOp;
  readonly #isDeletion: (...values: readonly Value[]) => boolean;
  readonly #rows: JoinedRows;
  readonly #held = new HeldEvents<Item>(([, , kind]) => (kind === EVENT ? 1 : 0));
  /** Keys whose row may be of no use any more once the rise is over. */
  #expiring = new Set<Key>();

  constructor(op: TemporalOp) {
    const { deleted } = op.temporal;
    this.#op = op;
    this.#isDeletion = deleted === undefined ? () => false : compilePredicate(deleted, EVENT_NAMES);
    this.#rows = new JoinedRows(op.spec.select);
  }

  restored({ cells, watermark }: RestoreContext): void {
    this.#held.restored(cells, watermark - this.#op.graceMs);
  }

  onBatch(batch: Batch, context: StepContext, side: 'left' | 'right'): void {
    const keys = keysOf(batch);
    const late: number[] = [];
    let taken = 0;
    for (let i = 0; i < keys.length; i++) {
      const kind = side === 'left' ? EVENT : this.#kindOfRow(batch, i, context);
      if (kind === null) continue;
      if (this.#take(itemOf(batch, i, keys[i]!, kind), context)) taken++;
      else late.push(i);
    }
    this.#expireAll(context.watermark - this.#op.graceMs, context);
    context.countAbsorbed(taken);
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#op.late);
  }

  onTimer({ key }: Timer): void {
    this.#expiring.add(key);
  }

  onWatermark(watermark: number, context: StepContext): void {
    const timeMs = watermark - this.#op.graceMs;
    for (const item of this.#held.take(timeMs, context.cells)) {
      if (item[2] === EVENT) this.#join(item, context);
      else this.#apply(item, timeMs, context);
    }
    this.#expireAll(timeMs, context);
    this.#rows.emit(context, context.ingestMs);
    context.emitWatermark(timeMs);
  }

  /** null: it is a dead letter. */
  #kindOfRow(batch: Batch, i: number, context: StepContext): typeof ROW | typeof DELETION | null {
    try {
      return this.#isDeletion(batch.values[i], batch.keys![i]!, batch.times[i]!, context.nowMs) ? DELETION : ROW;
    } catch (error) {
      failEvent(context, batch, i, error);
      return null;
    }
  }

  /** False: it is late. */
  #take(item: Item, context: StepContext): boolean {
    const timeMs = context.watermark - this.#op.graceMs;
    if (item[0] > timeMs) this.#held.hold(item, context.cells);
    else if (item[2] === EVENT || (item[2] === ROW && this.#expiryOf([item[0], item[3]]) <= timeMs)) return false;
    else return this.#apply(item, timeMs, context);
    return true;
  }

  #join([timeMs, key, , left, traceparent]: Item, context: StepContext): void {
    const [fromMs, row = null] = (context.cells.get(ROWS, key) ?? NO_VERSION) as Version;
    const { validForMs, spec } = this.#op;
    const right = validForMs === null || timeMs < fromMs + validForMs ? row : null;
    if (right === null && spec.type === 'inner') return;
    const trace = traceparent === undefined ? null : parseTraceparent(traceparent);
    this.#rows.add({ key, timeMs, left, right, trace }, context);
  }

  /** False: a newer row is known. */
  #apply([timeMs, key, kind, value]: Item, nowMs: number, context: StepContext): boolean {
    const known = context.cells.get(ROWS, key) as Version | undefined;
    if (known !== undefined && known[0] > timeMs) return false;
    const version: Version = kind === DELETION ? [timeMs] : [timeMs, value];
    context.cells.put(ROWS, key, version);
    const expiryMs = this.#expiryOf(version);
    if (expiryMs <= nowMs)
      this.#expiring.add(key); // events of this rise may still look it up
    else if (expiryMs < Infinity) this.#awake(key, expiryMs, context);
    else if (known !== undefined && this.#expiryOf(known) < Infinity) context.clearTimer(key, EXPIRY);
    return true;
  }

  #awake(key: Key, expiryMs: number, context: StepContext): void {
    context.setTimer({ key, id: EXPIRY, atMs: expiryMs + this.#op.graceMs, data: null });
  }

  #expireAll(nowMs: number, context: StepContext): void {
    if (this.#expiring.size === 0) return;
    for (const key of this.#expiring) this.#expire(key, nowMs, context);
    this.#expiring = new Set();
  }

  #expire(key: Key, nowMs: number, context: StepContext): void {
    const version = context.cells.get(ROWS, key) as Version | undefined;
    if (version === undefined) return;
    const expiryMs = this.#expiryOf(version);
    if (expiryMs <= nowMs) context.cells.delete(ROWS, key);
    else if (expiryMs < Infinity) this.#awake(key, expiryMs, context);
  }

  /** When nobody needs it any more. */
  #expiryOf(version: Version): number {
    const { validForMs } = this.#op;
    const keptMs = version.length === 1 ? DELETED_KEY_MS : (validForMs ?? Infinity);
    return version[0] + keptMs;
  }
}

const NO_VERSION: Version = [-Infinity];

function itemOf(batch: Batch, i: number, key: Key, kind: Item[2]): Item {
  const item = [batch.times[i]!, key, kind, batch.values[i]] as const;
  const trace = kind === EVENT && batch.traces !== undefined ? traceAt(batch, i) : undefined;
  return trace === undefined ? item : [...item, formatTraceparent(trace)];
}
