// One actor per key: a plain function `(state, event, context) => state`, as a transform. Millions of events a second.
//
//   R1. The function gives the next state; null forgets the actor. Code that changes the one it was given instead, and gives that back, is
//       given a copy (state-guard.ts). What comes back is stored whatever it is, so that no owner goes on with less than another has seen.
//   R2. What it emits counts only when it returns: if it throws, state and outputs are as before, and the event is a dead
//       letter (MR3002).
//   R3. A timer comes back as an event, with `context.timer` = its id, at its time.

import type { Code } from '../../../crds/stream-job/code.ts';
import { AssertionFailed } from '../../base/assert.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { decodeKey, encodeKey } from '../../event/key.ts';
import { compileCode } from '../../expression/expression.ts';
import type { MissedTimers, OpPlan } from '../../plan/physical-plan.ts';
import { EventRefused, failMade, problemOf } from '../failure.ts';
import type { RestoreContext, SideTables, StepContext, Timer } from '../transform.ts';
import { ActorCells, type CellKind } from './actor-cells.ts';
import { Effects } from './effects.ts';
import { EndTimers } from './end-timers.ts';
import type { Expirable } from './expiring.ts';
import { dueTimer, timerData } from './missed-timers.ts';
import { Outputs } from './outputs.ts';
import { pendingTimers, type PendingTimer } from './pending-timers.ts';
import { StateGuard } from './state-guard.ts';
import { actorCause, StateSize } from './state-size.ts';

/** What a step may ask and do. One object for all events: its properties change, it must not be kept. */
export interface ReduceContext {
  readonly key: unknown;
  /** Time of the event, or of the timer. */
  readonly timeMs: number;
  readonly nowMs: number;
  /** The id of the timer that is due; null for an event of the stream. */
  readonly timer: string | null;
  /** An event out of the stage: on the main output, and on `output` when named. */
  readonly emit: (value: Value, output?: string) => void;
  /** Asks for `data` as an event at the durable event time `atMs`. The same id again: replaced. */
  readonly setTimer: (id: string, atMs: number, data?: Value) => void;
  readonly clearTimer: (id: string) => void;
  /** The actor's timers that have not fired, with what this step has set and cleared, in the order in which they are due. */
  readonly timers: () => readonly PendingTimer[];
  /** What is declared by `cells`, of this actor. Changes count only when the step returns. */
  readonly cells: Readonly<Record<string, unknown>>;
  /** A table that the stage names in `tables`: the row of each key as of the event's time, or the newest (`asOf`). It cannot be changed
   *  here. A timer sees it as of the time to which the stage has come. */
  readonly table: <Row = Value>(table: string | { readonly name: string }) => ReadonlyMap<unknown, Row>;
}

type Init = (key: unknown) => Value;
type Step = (state: Value, event: Value, context: ReduceContext) => Value;
type Expire = (state: Value, context: ReduceContext) => void;
type Functions = { readonly init: Init; readonly step: Step; readonly expire: Expire | null };

/** Functions of a builder, or CEL texts: `init` over `key`, `step` over `state`, `event`, `key`, `timeMs`. */
export function makeReduce(op: Extract<OpPlan, { kind: 'reduce' }>): Expirable {
  const expire = op.expire === undefined ? null : (op.expire as Expire);
  return new Reduce(
    { init: initOf(op.init), step: stepOf(op.step), expire },
    new StateSize(op.stateBytesMax),
    op.missed ?? null,
    new ActorCells((op.cells ?? {}) as Readonly<Record<string, CellKind>>),
  );
}

function initOf(code: Code): Init {
  return typeof code === 'function' ? (code as Init) : compileCode(code, ['key']);
}

function stepOf(code: Code): Step {
  if (typeof code === 'function') return code as Step;
  const run = compileCode(code, ['state', 'event', 'key', 'timeMs']);
  return (state, event, { key, timeMs }) => run(state, event, key, timeMs);
}

const NAMESPACE = 0;

class Reduce implements Expirable {
  readonly absorbs = true;
  readonly #functions: Functions;
  readonly #size: StateSize;
  readonly #guard = new StateGuard();
  readonly #missed: MissedTimers | null;
  readonly #effects = new Effects();
  readonly #cells: ActorCells;
  readonly #view: View;
  readonly #outputs = new Outputs();
  readonly #endTimers = new EndTimers();

  constructor(functions: Functions, size: StateSize, missed: MissedTimers | null, cells: ActorCells) {
    this.#missed = missed;
    this.#cells = cells;
    this.#view = new View(this.#effects, cells.handles);
    this.#size = size;
    this.#functions = functions;
  }

  restored({ cells }: RestoreContext): void {
    if (this.#cells.isUsed) this.#cells.restored(cells);
  }

  onBatch(batch: Batch, context: StepContext): void {
    const { values, times, keys } = batch;
    this.#view.begin(context, null);
    let taken = 0;
    for (let i = 0; i < values.length; i++) {
      if (this.#take(values[i], keys === null ? '' : (keys[i] as Key), times[i] as number, context)) taken++;
    }
    context.countAbsorbed(taken);
    this.#outputs.flush(context, batch.ingestMs);
  }

  onTimer(timer: Timer, context: StepContext): void {
    const { key, id } = timer;
    const due = this.#missed === null ? { timeMs: timer.atMs, data: timer.data } : dueTimer(timer, this.#missed, context);
    if (due === null) return;
    this.#endTimers.fired(key, id, context.watermarkNext);
    this.#view.begin(context, id);
    if (!this.#take(due.data, key, due.timeMs, context)) context.countMade(1); // the timer's event came from the state
  }

  onPause(context: StepContext): void {
    this.#outputs.flush(context, context.ingestMs);
  }

  onWatermark(watermark: number, context: StepContext): void {
    this.#outputs.flush(context, context.ingestMs);
    this.#endTimers.clear();
    context.emitWatermark(watermark);
  }

  /** What the actor does at its end; the timers it sets are of no use any more. */
  expired(state: Value, key: Key, timeMs: number, context: StepContext): Value {
    const { expire } = this.#functions;
    const value = { key: decodeKey(key), state };
    if (expire !== null) this.#callExpire(expire, value, key, timeMs, context);
    if (this.#cells.isUsed) this.#cells.forget(key, context.cells);
    return value;
  }

  #callExpire(
    expire: Expire,
    value: { readonly key: unknown; readonly state: Value },
    key: Key,
    timeMs: number,
    context: StepContext,
  ): void {
    this.#effects.begin(value.key, timeMs);
    if (this.#cells.isUsed) this.#cells.begin(key, context.cells);
    this.#view.begin(context, null);
    try {
      const given: unknown = expire(value.state, this.#view);
      if (given instanceof Promise) refuseData(given, 'step');
      this.#carryOut(key, timeMs, context);
    } catch (error) {
      failMade(context, { event: value, timeMs, key }, error);
    }
  }

  /** False: the event is a dead letter. */
  #take(event: Value, key: Key, timeMs: number, context: StepContext): boolean {
    this.#effects.begin(decodeKey(key), timeMs);
    if (this.#cells.isUsed) this.#cells.begin(key, context.cells);
    try {
      const cell = context.cells.get(NAMESPACE, key);
      const before = cell === undefined ? this.#functions.init(this.#effects.key) : cell;
      const after = this.#functions.step(this.#guard.give(before), event, this.#view);
      this.#guard.ended(false);
      if (after === undefined || after instanceof Promise) refuseData(after, 'step');
      if (after === null) context.cells.delete(NAMESPACE, key);
      else if (after !== cell || typeof after === 'object') {
        if (after !== cell) this.#size.check(after, cell ?? null);
        context.cells.put(NAMESPACE, key, after);
      }
      if (this.#cells.isUsed) {
        if (after === null) this.#cells.forget(key, context.cells);
        else this.#cells.commit(context.cells);
      }
      this.#carryOut(key, timeMs, context);
      return true;
    } catch (error) {
      this.#guard.ended(true);
      if (error instanceof AssertionFailed) throw error;
      const letter = { ...actorCause(error, problemOf(error), context.nodeId), issues: [], event, place: null, timeMs, key };
      context.deadLetter(letter, undefined, error);
      return false;
    }
  }

  #carryOut(key: Key, timeMs: number, context: StepContext): void {
    const { values, outputs, timers } = this.#effects;
    for (let i = 0; i < values.length; i++) this.#outputs.add(values[i], outputs[i] as string | null, timeMs, key, context.trace);
    for (const change of timers) {
      if (change.kind === 'clear') context.clearTimer(key, change.id);
      else if (change.id !== null && !this.#endTimers.isOver(key, change.id, context.watermarkNext)) {
        context.setTimer({
          key,
          id: change.id,
          atMs: timeMs + change.delayMs,
          data: timerData(this.#missed, change.delayMs, change.event),
        });
      }
    }
  }
}

const NO_TABLES: SideTables = {};

/** The context as the function sees it. What can be called is bound: `{ emit }` alone works as well. */
class View implements ReduceContext {
  readonly #effects: Effects;
  readonly cells: Readonly<Record<string, unknown>>;
  #tables: SideTables = NO_TABLES;
  #context: StepContext | null = null;
  nowMs = 0;
  timer: string | null = null;

  constructor(effects: Effects, cells: Readonly<Record<string, unknown>>) {
    this.#effects = effects;
    this.cells = cells;
  }

  readonly emit = (value: Value, output?: string): void => {
    if (value === undefined || value instanceof Promise) refuseData(value, 'emit');
    this.#effects.emit(value, output ?? null);
  };

  readonly setTimer = (id: string, atMs: number, data: Value = null): void => {
    this.#effects.setTimer(id, Math.max(0, atMs - this.#effects.timeMs), data);
  };

  readonly clearTimer = (id: string): void => {
    this.#effects.clearTimer(id);
  };

  readonly timers = (): readonly PendingTimer[] =>
    pendingTimers(this.#context?.timersOf(encodeKey(this.#effects.key)) ?? [], this.#effects.timers, this.#effects.timeMs);

  readonly table = <Row>(table: string | { readonly name: string }): ReadonlyMap<unknown, Row> => {
    const name = typeof table === 'string' ? table : table.name;
    const found = Object.hasOwn(this.#tables, name) ? this.#tables[name] : undefined;
    if (found === undefined) throw new EventRefused(`the stage reads no table "${name}": name it in its tables`);
    return found as ReadonlyMap<unknown, Row>;
  };

  get key(): unknown {
    return this.#effects.key;
  }

  get timeMs(): number {
    return this.#effects.timeMs;
  }

  begin(context: StepContext, timer: string | null): void {
    this.#context = context;
    this.#tables = context.tables ?? NO_TABLES;
    this.nowMs = context.nowMs;
    this.timer = timer;
  }
}

/** Data must be there, now. */
function refuseData(value: unknown, what: 'step' | 'emit'): never {
  if (!(value instanceof Promise))
    throw new EventRefused(
      what === 'step' ? 'it gave undefined; give the next state, or null to forget the actor' : 'it emitted undefined',
    );
  value.catch(() => undefined); // nobody else will look at it
  throw new EventRefused('it gave a promise; actors are synchronous');
}
