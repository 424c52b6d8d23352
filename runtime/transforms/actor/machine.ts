// One actor per key: an XState machine as a transform.
//
// Owns: cells of actors (namespace 0) and their timers. The machine itself: machine-config.ts, xstate.ts.
//
//   A1. An event is taken whole or not at all: if a guard or action fails, state, timers and outputs are as before, and the
//       event is a dead letter (MR3002).
//   A2. An event is handled when an active state has a transition for its type, also when all guards refused it. Others
//       are dead letters (MR3003), or ignored when `unhandled: ignore`. Timers are never unhandled: they may come late.
//   A3. A delayed raise and `after` are durable timers: due at the time of the event (or timer) that set them plus the
//       delay, when the watermark reaches it; the machine gets their event with that time.
//   A4. An actor that reaches a final state of the whole machine is forgotten, its timers too; the next event of its key
//       begins a new one.
//   A5. When the input has ended, each timer id of a key fires once more at most: a periodic timer does not go on for ever.
//   A7. What an actor sends to another key comes on the right side, in the order in which that actor sent it, at the time of its cause
//       or just behind the watermark, whichever is later. More than HOPS_MAX sends in a row are an endless circle: a dead letter.
//   A8. Behind the end of the input a timer that was set by what another actor sent counts as one more send (A7): instead of a dead
//       letter it is not set, so that timers that wake each other end (A5).
//   A9. An event that would make the context larger than stateBytesMax is a dead letter (MR3008); other keys do not wait.
//   A6. An actor of an older declaration lacks fields of the context that are new: they begin with their initial value.

import type { MissedTimers, OpPlan } from '../../plan/physical-plan.ts';
import { AssertionFailed } from '../../base/assert.ts';
import { BadDeclaration } from '../../base/issues.ts';
import { MillraceError } from '../../base/errors.ts';
import { type Batch, type Key, type Value, WATERMARK_MAX } from '../../event/batch.ts';
import { decodeKey, keyText } from '../../event/key.ts';
import { compileCode } from '../../expression/expression.ts';
import { cleanText, EVENTS, MILLRACE } from '../../telemetry/conventions.ts';
import { describeValue, EventRefused, problemOf } from '../failure.ts';
import type { ActorFigures } from '../figures.ts';
import type { RestoreContext, StepContext, Timer } from '../transform.ts';
import { type ActorCell, stateText } from './actor-cell.ts';
import { BEHIND_END, DELAYED, Effects, HOPS_MAX, type Sent, type TimerChange } from './effects.ts';
import { EndTimers, namedTimer } from './end-timers.ts';
import type { Expirable } from './expiring.ts';
import { buildMachine } from './machine-config.ts';
import { type ActorState, choosePath, type MachinePath, ReferencePath } from './machine-path.ts';
import { dueTimer, timerData } from './missed-timers.ts';
import { Outputs } from './outputs.ts';
import { actorCause, StateSize } from './state-size.ts';
import { type EventInState, StateBook, type StateEntry } from './state-book.ts';
import { boundedMachine, type Machine, type MachineEvent, machineNodes, refusedParts } from './xstate.ts';

/** A value of the stream as the machine's event. */
type ToEvent = (value: Value) => MachineEvent;
type Unhandled = 'deadLetter' | 'ignore';
/** `best`: compiled where it can be. `reference`: XState's own transition function, to compare with. */
type PathWanted = 'best' | 'reference';

/** Throws BadDeclaration for a machine that XState refuses, and for code that does not compile. */
export function makeMachine(op: Extract<OpPlan, { kind: 'machine' }>, path: PathWanted = 'best'): Expirable {
  const effects = new Effects();
  effects.maySend = op.sends === true;
  const machine = buildMachine(op.spec, effects, op.tables !== undefined);
  const typeOf = op.spec.eventType === undefined ? fieldType : compileCode(op.spec.eventType, ['event']);
  const toEvent: ToEvent = (value) => ({ type: eventType(typeOf(value)), value });
  const { unhandled, context, stateBytesMax } = op.spec;
  return new MachineTransform({ machine, effects, toEvent, path, unhandled, context, stateBytesMax, missed: op.missed ?? null });
}

/** A builder's own machine takes the values themselves as events. Throws BadDeclaration for what it may not have. */
export function makeXState(op: Extract<OpPlan, { kind: 'xstate' }>, path: PathWanted = 'best'): Expirable {
  const machine = boundedMachine(op.machine as Machine);
  const refused = refusedParts(machine);
  if (refused.length > 0)
    throw new BadDeclaration(
      `machine ${machine.id}`,
      refused.map((message) => ({ path: 'machine', message })),
    );
  const toEvent: ToEvent = (value) => {
    eventType(fieldType(value));
    return value as MachineEvent;
  };
  const effects = new Effects();
  effects.maySend = op.sends === true;
  return new MachineTransform({
    machine,
    effects,
    toEvent,
    path,
    unhandled: op.unhandled,
    context: {},
    stateBytesMax: op.stateBytesMax,
    missed: op.missed ?? null,
  });
}

function fieldType(value: Value): unknown {
  return typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined;
}

function eventType(type: unknown): string {
  if (typeof type !== 'string')
    throw new EventRefused(`the event's type must be a text, found ${describeValue(type)}; give the machine \`eventType\``);
  if (type.startsWith('xstate.')) throw new EventRefused(`the event type ${type} is reserved: no event may begin with xstate.`);
  return type;
}

type Parts = {
  readonly machine: Machine;
  readonly effects: Effects;
  readonly toEvent: ToEvent;
  readonly unhandled: Unhandled;
  readonly path: PathWanted;
  readonly stateBytesMax: number | undefined;
  /** Initial values of the context's fields, where they are known. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly missed: MissedTimers | null;
};

const NAMESPACE = 0;

class MachineTransform implements Expirable {
  readonly absorbs = true;
  readonly #effects: Effects;
  readonly #toEvent: ToEvent;
  readonly #unhandled: Unhandled;
  readonly #size: StateSize;
  readonly #context: Parts['context'];
  readonly #missed: MissedTimers | null;
  readonly #path: MachinePath;
  readonly #outputs = new Outputs();
  readonly #endTimers = new EndTimers();
  /** Only an actor that can end must know its timers. */
  readonly #canEnd: boolean;
  /** The first snapshot, when it is the same for all keys and times and has no effects. */
  readonly #plainInitial: ActorState | null;
  /** By state: is there a transition (A2), and what is told of the actors. */
  readonly #book = new StateBook();

  constructor({ machine, effects, toEvent, unhandled, path, context, stateBytesMax, missed }: Parts) {
    this.#missed = missed;
    this.#size = new StateSize(stateBytesMax);
    this.#context = context;
    this.#effects = effects;
    this.#toEvent = toEvent;
    this.#unhandled = unhandled;
    this.#path = path === 'best' ? choosePath(machine, effects) : (new ReferencePath(machine, effects) as unknown as MachinePath);
    this.#canEnd = machine.root.type === 'parallel' || Object.values(machine.root.states).some((child) => child.type === 'final');
    const isPlain =
      typeof machine.config.context !== 'function' &&
      machineNodes(machine.root).every((node) => node.entry.length === 0 && node.always === undefined && node.initial.actions.length === 0);
    this.#plainInitial = isPlain ? this.#path.initial() : null;
  }

  /** A6. */
  restored({ cells }: RestoreContext): void {
    const names = Object.keys(this.#context);
    for (const [key, cell] of cells.entries(NAMESPACE) as IterableIterator<[Key, ActorCell]>) {
      this.#book.state(stateText(cell.value)).actors++;
      const context = cell.context as Readonly<Record<string, unknown>> | null;
      if (context !== null && names.every((name) => name in context)) continue;
      cells.put(NAMESPACE, key, { ...cell, context: { ...this.#context, ...context } });
    }
  }

  onBatch(batch: Batch, context: StepContext, side: 'left' | 'right'): void {
    const { values, times, keys } = batch;
    this.#effects.tables = context.tables;
    let taken = 0;
    if (side === 'right') {
      for (let i = 0; i < values.length; i++)
        if (this.#takeSent(values[i] as SentValue, keys?.[i] as Key, times[i] as number, context)) taken++;
    } else taken = this.#takeAll(batch, context);
    context.countAbsorbed(taken);
    this.#outputs.flush(context, batch.ingestMs);
  }

  #takeAll({ values, times, keys }: Batch, context: StepContext): number {
    let taken = 0;
    for (let i = 0; i < values.length; i++) {
      const key = keys === null ? '' : (keys[i] as Key);
      const timeMs = times[i] as number;
      try {
        this.#effects.begin(decodeKey(key), timeMs);
        if (this.#take(this.#toEvent(values[i]), values[i], key, context)) taken++;
      } catch (error) {
        this.#refuse(error, values[i], key, timeMs, context);
      }
    }
    return taken;
  }

  /** A7. */
  #takeSent(value: SentValue, key: Key, sentMs: number, context: StepContext): boolean {
    const timeMs = context.watermark === WATERMARK_MAX ? sentMs : Math.max(sentMs, context.watermark + 1);
    const { event, hops } = value;
    // What is put in again may go as far once more.
    const letter = { ...value, hops: 0 };
    try {
      this.#effects.begin(decodeKey(key), timeMs, hops);
      if (hops > HOPS_MAX)
        throw new EventRefused(`actors have sent each other ${event.type} ${HOPS_MAX} times in a row: a circle without end`);
      return this.#take(event, letter, key, context);
    } catch (error) {
      this.#refuse(error, letter, key, timeMs, context);
      return false;
    }
  }

  onTimer(timer: Timer, context: StepContext): void {
    const { key, id } = timer;
    this.#effects.tables = context.tables;
    const cell = context.cells.get(NAMESPACE, key) as ActorCell | undefined;
    if (cell === undefined) return;
    const due = this.#missed === null ? { timeMs: timer.atMs, data: timer.data } : dueTimer(timer, this.#missed, context);
    if (due === null) return;
    const { timeMs } = due;
    const { event, hops } = unwrapped(due.data as MachineEvent);
    this.#endTimers.fired(key, id, context.watermarkNext);
    const pending: ActorCell = cell.timers === undefined ? cell : { ...cell, timers: cell.timers.filter((other) => other !== id) };
    if (event.type.startsWith(DELAYED)) {
      const { to, event: sent } = event.value as Pick<Sent, 'to' | 'event'>;
      this.#outputs.send({ event: sent, hops: hops + 1, from: decodeKey(key) }, timeMs, to, context.trace);
      if (pending !== cell) context.cells.put(NAMESPACE, key, pending);
      return;
    }
    try {
      this.#effects.begin(decodeKey(key), timeMs, hops);
      const before = this.#path.decode(cell);
      const after = this.#path.transition(before, event);
      if (context.trace !== null) this.#note({ event, before, after, key }, context);
      this.#commit(pending, after, key, context);
      const name = stateText(cell.value);
      const state = this.#book.state(name);
      this.#count(state, this.#book.event(state, event.type), name, after);
    } catch (error) {
      // The timer has fired: it must not stay among the pending ones, whatever became of its event.
      if (pending !== cell) context.cells.put(NAMESPACE, key, pending);
      context.countMade(1); // the timer's event came from the state
      this.#refuse(error, 'value' in event ? event.value : event, key, timeMs, context);
    }
  }

  expired({ value: state, context }: ActorCell, key: Key): Value {
    const entry = this.#book.state(stateText(state));
    if (entry.actors > 0) entry.actors--;
    return { key: decodeKey(key), state, context };
  }

  figures(): ActorFigures {
    return this.#book.figures();
  }

  onPause(context: StepContext): void {
    this.#outputs.flush(context, context.ingestMs);
  }

  onWatermark(watermark: number, context: StepContext): void {
    this.#outputs.flush(context, context.ingestMs);
    this.#endTimers.clear();
    context.emitWatermark(watermark);
  }

  /** False: the event was not handled. */
  #take(event: MachineEvent, value: Value, key: Key, context: StepContext): boolean {
    const { timeMs } = this.#effects;
    const cell = context.cells.get(NAMESPACE, key) as ActorCell | undefined;
    const before = cell === undefined ? (this.#plainInitial ?? this.#path.initial()) : this.#path.decode(cell);
    const name = this.#path.nameOf(before);
    const state = this.#book.state(name);
    const taken = this.#book.event(state, event.type);
    if (before.status === 'active' && !this.#isHandled(taken, before, event.type)) {
      // A new actor begins with its first event, handled or not: what entering its first state did is kept.
      if (cell === undefined) {
        this.#commit(EMPTY, before, key, context);
        state.actors++;
      }
      this.#notHandled(event.type, before, value, key, timeMs, context);
      return false;
    }
    const after = before.status === 'active' ? this.#path.transition(before, event) : before;
    if (context.trace !== null) this.#note({ event, before, after, key }, context);
    if (after === before && cell !== undefined && this.#effects.isEmpty) return true;
    this.#commit(cell ?? EMPTY, after, key, context);
    if (cell === undefined) state.actors++;
    this.#count(state, taken, name, after);
    return true;
  }

  /** Counts what an actor did, once it is done. */
  #count(state: StateEntry, event: EventInState, before: string, after: ActorState): void {
    const isOver = after.status !== 'active';
    const name = this.#path.nameOf(after);
    if (!isOver && name === before) event.stayed++;
    else this.#book.took(state, event, name, isOver);
  }

  /** Tells the event's trace what the actor did. */
  #note({ event, before, after, key }: Transition, context: StepContext): void {
    const { values, outputs, timers } = this.#effects;
    const set = timers.flatMap((change) => (change.kind === 'set' ? [timerText(change)] : []));
    const cleared = timers.flatMap((change) => (change.kind === 'clear' ? [cleanText(change.id)] : []));
    const emitted = values.map((_, i) => cleanText(outputs[i] ?? 'main'));
    context.note(EVENTS.transition, {
      [MILLRACE.node]: context.nodeId,
      [MILLRACE.key]: cleanText(keyText(key)),
      [MILLRACE.eventType]: cleanText(event.type),
      [MILLRACE.eventTimeMs]: this.#effects.timeMs,
      [MILLRACE.stateFrom]: this.#path.nameOf(before),
      [MILLRACE.stateTo]: after.status === 'active' ? this.#path.nameOf(after) : `${this.#path.nameOf(after)} (ended)`,
      [MILLRACE.guards]: before.status === 'active' ? this.#path.taken(before, event).map(cleanText) : [],
      [MILLRACE.timersSet]: set,
      [MILLRACE.timersCleared]: cleared,
      [MILLRACE.emitted]: emitted,
    });
  }

  /** Carries out what the event caused (A1). */
  #commit(cell: ActorCell, snapshot: ActorState, key: Key, context: StepContext): void {
    if (snapshot.context !== cell.context) this.#size.check(snapshot.context, cell.context);
    const { values, outputs, sent, timeMs, key: from } = this.#effects;
    for (const { to, event, hops } of sent) this.#outputs.send({ event, hops, from }, timeMs, to, context.trace);
    for (let i = 0; i < values.length; i++) this.#outputs.add(values[i], outputs[i] as string | null, timeMs, key, context.trace);
    const next = this.#changeTimers(cell, key, context);
    if (snapshot.status === 'active') {
      context.cells.put(NAMESPACE, key, this.#path.encode(snapshot, next.timers, next.count));
      return;
    }
    for (const id of next.timers ?? []) context.clearTimer(key, id); // A4
    context.cells.delete(NAMESPACE, key);
  }

  #changeTimers(cell: ActorCell, key: Key, context: StepContext): { timers: readonly string[] | undefined; count: number | undefined } {
    let count = cell.timerCount;
    if (this.#effects.timers.length === 0) return { timers: cell.timers, count };
    const pending = new Set(cell.timers);
    for (const change of this.#effects.timers) {
      if (change.kind === 'clear') {
        context.clearTimer(key, change.id);
        pending.delete(change.id);
        continue;
      }
      const { delayMs, event } = change;
      if (change.id === null) count = (count ?? 0) + 1;
      const id = change.id ?? namedTimer((event as MachineEvent).type, count as number);
      if (this.#endTimers.isOver(key, change.id ?? (event as MachineEvent).type, context.watermarkNext)) continue; // A5
      const { hops } = this.#effects;
      const isCircle = hops > 0 && context.watermarkNext === WATERMARK_MAX;
      if (isCircle && hops + 1 >= HOPS_MAX) continue; // A8
      const data = isCircle ? { type: BEHIND_END, value: { event, hops: hops + 1 } } : event;
      context.setTimer({ key, id, atMs: this.#effects.timeMs + delayMs, data: timerData(this.#missed, delayMs, data) });
      pending.add(id);
    }
    return { timers: this.#canEnd ? [...pending] : undefined, count };
  }

  #isHandled(event: EventInState, snapshot: ActorState, type: string): boolean {
    event.isHandled ??= this.#path.handles(snapshot, type);
    return event.isHandled;
  }

  #notHandled(type: string, snapshot: ActorState, value: Value, key: Key, timeMs: number, context: StepContext): void {
    if (this.#unhandled === 'ignore') {
      context.countFiltered(1);
      return;
    }
    const { message } = new MillraceError('MR3003', { transform: context.nodeId, event: type, state: this.#path.nameOf(snapshot) });
    context.deadLetter({ code: 'MR3003', message, issues: [], event: value, place: null, timeMs, key });
  }

  #refuse(error: unknown, value: Value, key: Key, timeMs: number, context: StepContext): void {
    if (error instanceof AssertionFailed) throw error;
    const failure = this.#effects.failure ?? error;
    const letter = { ...actorCause(failure, problemOf(failure), context.nodeId), issues: [], event: value, place: null, timeMs, key };
    context.deadLetter(letter, undefined, failure);
  }
}

/** What is sent, as it crosses the exchange. `from`: the key that sent it, for people. */
type SentValue = Pick<Sent, 'event' | 'hops'> & { readonly from: unknown };

function unwrapped(data: MachineEvent): { readonly event: MachineEvent; readonly hops: number } {
  return data.type === BEHIND_END ? (data.value as Pick<Sent, 'event' | 'hops'>) : { event: data, hops: 0 };
}

type Transition = { readonly event: MachineEvent; readonly before: ActorState; readonly after: ActorState; readonly key: Key };

function timerText({ id, delayMs, event }: Extract<TimerChange, { kind: 'set' }>): string {
  return cleanText(`${id ?? (event as MachineEvent).type} in ${delayMs} ms`);
}

const EMPTY: ActorCell = { value: null, context: null };
