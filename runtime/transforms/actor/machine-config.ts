// A declared machine (YAML) → the configuration of XState, with CEL compiled into guards and actions.
//
//   MC1. CEL sees `context`, `event` (the value; of a timer without data `{type}`), `key` and `timeMs`, and `tables` where it reads some.
//   MC2. XState's events are envelopes `{type, value}`: a value needs no field `type`, and is never touched.
//   MC3. All mistakes are collected, with their path in the machine.

import type { Code, Fields } from '../../../crds/stream-job/code.ts';
import type { MachineAction, MachineSpec, MachineState, MachineTransition } from '../../../crds/stream-job/machine.ts';
import { isDuration, parseDuration } from '../../base/duration.ts';
import { BadDeclaration, type Issue } from '../../base/issues.ts';
import { compileCode, type Compiled, compileFields, compilePredicate, ExpressionError } from '../../expression/expression.ts';
import type { Effects } from './effects.ts';
import { assign, createMachine, guardCode, type Machine, type MachineEvent, MICROSTEPS_MAX, raise } from './xstate.ts';

/** Variables of every expression in a machine; of one that reads tables that are streams: those too. */
export const MACHINE_NAMES = ['context', 'event', 'key', 'timeMs'] as const;
const WITH_TABLES = [...MACHINE_NAMES, 'tables'] as const;
/** The machine's own id: first part of its nodes' ids, and of the ids of its `after` timers. */
export const MACHINE_ID = 'machine';

type Arguments = { readonly context: unknown; readonly event: MachineEvent };
type Config = Record<string, unknown>;
type Path = readonly (string | number)[];

/** Throws BadDeclaration with all mistakes. */
export function buildMachine(spec: MachineSpec, effects: Effects, readsTables = false): Machine {
  const builder = new Builder(effects, readsTables ? WITH_TABLES : MACHINE_NAMES);
  const config = {
    ...builder.state(spec as MachineState, []),
    id: MACHINE_ID,
    context: frozen(spec.context),
    options: { maxIterations: MICROSTEPS_MAX },
  };
  if (builder.issues.length > 0) throw new BadDeclaration('machine', builder.issues);
  try {
    return createMachine(config as never);
  } catch (error) {
    throw new BadDeclaration('machine', [{ path: 'machine', message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** What CEL sees as `event`. */
export function payloadOf(event: MachineEvent): unknown {
  return 'value' in event ? event.value : { type: event.type };
}

class Builder {
  readonly issues: Issue[] = [];
  readonly #effects: Effects;
  readonly #names: readonly string[];

  constructor(effects: Effects, names: readonly string[]) {
    this.#effects = effects;
    this.#names = names;
  }

  state(state: MachineState, path: Path): Config {
    const { type, history, initial, target, states, on, always, after, entry, exit, onDone } = state;
    const config: Config = { type, history, initial, target };
    if (states !== undefined) config['states'] = mapRecord(states, (child, name) => this.state(child, [...path, 'states', name]));
    if (on !== undefined) config['on'] = mapRecord(on, (value, event) => this.#transitions(value, [...path, 'on', event]));
    if (always !== undefined) config['always'] = this.#transitions(always, [...path, 'always']);
    if (after !== undefined) config['after'] = this.#after(after, [...path, 'after']);
    if (entry !== undefined) config['entry'] = this.#actions(entry, [...path, 'entry']);
    if (exit !== undefined) config['exit'] = this.#actions(exit, [...path, 'exit']);
    if (onDone !== undefined) config['onDone'] = this.#transitions(onDone, [...path, 'onDone']);
    for (const name of Object.keys(config)) if (config[name] === undefined) delete config[name];
    return config;
  }

  /** By ms: two spellings of one duration are one timer. */
  #after(after: NonNullable<MachineState['after']>, path: Path): Config {
    const byMs: Record<string, unknown[]> = {};
    for (const [delay, value] of Object.entries(after))
      (byMs[parseDuration(delay)] ??= []).push(...this.#transitions(value, [...path, delay]));
    return byMs;
  }

  #transitions(value: string | MachineTransition | readonly MachineTransition[], path: Path): Config[] {
    if (typeof value === 'string') return [{ target: value }];
    const list = Array.isArray(value) ? (value as readonly MachineTransition[]) : [value as MachineTransition];
    return list.map((transition, i) => this.#transition(transition, Array.isArray(value) ? [...path, i] : path));
  }

  #transition({ target, guard, actions, reenter }: MachineTransition, path: Path): Config {
    return {
      ...(target === undefined ? {} : { target }),
      ...(reenter === undefined ? {} : { reenter }),
      ...(guard === undefined ? {} : { guard: this.#guard(guard, [...path, 'guard']) }),
      ...(actions === undefined ? {} : { actions: this.#actions(actions, [...path, 'actions']) }),
    };
  }

  #guard(code: Code, path: Path): (args: Arguments) => boolean {
    const test = this.#compiled(
      path,
      () => compilePredicate(code, this.#names),
      () => false,
    );
    const guard = ({ context, event }: Arguments): boolean => this.#run(test, context, event, path);
    if (typeof code === 'string') guardCode.set(guard, code);
    return guard;
  }

  #actions(actions: readonly MachineAction[], path: Path): unknown[] {
    return actions.flatMap((action, i) => {
      const { assign: assigned, emit, raise: raised, sendTo, cancel } = action;
      const at = [...path, i];
      if ([assigned, emit, raised, sendTo, cancel].every((part) => part === undefined))
        this.#issue(at, 'the action does nothing: it needs assign, emit, raise, sendTo or cancel');
      return [
        ...(assigned === undefined ? [] : [this.#assign(assigned, [...at, 'assign'])]),
        ...(emit === undefined ? [] : [this.#emit(emit, [...at, 'emit'])]),
        ...(raised === undefined ? [] : [this.#raise(raised, [...at, 'raise'])]),
        ...(sendTo === undefined ? [] : [this.#sendTo(sendTo, [...at, 'sendTo'])]),
        ...(cancel === undefined ? [] : [this.#cancel(cancel, [...at, 'cancel'])]),
      ];
    });
  }

  #assign(fields: NonNullable<MachineAction['assign']>, path: Path): unknown {
    const change = this.#compiled(
      path,
      () => compileFields(fields, this.#names),
      () => ({}),
    );
    return assign((({ context, event }: Arguments) => this.#run(change, context, event, path)) as never);
  }

  #emit({ output, value }: NonNullable<MachineAction['emit']>, path: Path): unknown {
    const make = this.#compiled<unknown>(
      path,
      () => (isFields(value) ? compileFields(value, this.#names) : compileCode(value, this.#names)),
      () => null,
    );
    return ({ context, event }: Arguments): void => this.#effects.emit(this.#run(make, context, event, path), output);
  }

  #sendTo({ key, type, data, delay, id }: NonNullable<MachineAction['sendTo']>, path: Path): unknown {
    const eventOf = this.#eventOf(type, data, path);
    const keyOf = this.#compiled<unknown>(
      [...path, 'key'],
      () => compileCode(key, this.#names),
      () => null,
    );
    const delayMs = delay === undefined ? null : this.#delay(delay, [...path, 'delay']);
    const idOf = id === undefined ? null : this.#text(id, [...path, 'id']);
    return ({ context, event }: Arguments): void => {
      const to = this.#run(keyOf, context, event, [...path, 'key']);
      const made = eventOf(context, event);
      const later = delayMs === null ? null : { ms: delayMs(context, event), id: idOf === null ? null : idOf(context, event) };
      try {
        this.#effects.send(to, made, later);
      } catch (error) {
        throw this.#fail(new ExpressionError(error instanceof Error ? error.message : String(error), { cause: error }), path);
      }
    };
  }

  /** What makes an event of that type. */
  #eventOf(type: string, data: Fields | undefined, path: Path): (context: unknown, event: MachineEvent) => MachineEvent {
    const fields =
      data === undefined
        ? null
        : this.#compiled(
            path,
            () => compileFields(data, this.#names),
            () => ({}),
          );
    return (context, event) => ({ type, value: { ...(fields === null ? {} : this.#run(fields, context, event, path)), type } });
  }

  #raise({ type, data, delay, id }: NonNullable<MachineAction['raise']>, path: Path): unknown {
    const eventOf = this.#eventOf(type, data, path);
    if (delay === undefined) return raise((({ context, event }: Arguments) => eventOf(context, event)) as never);
    const delayMs = this.#delay(delay, [...path, 'delay']);
    const idOf = id === undefined ? null : this.#text(id, [...path, 'id']);
    return ({ context, event }: Arguments): void => {
      const timerId = idOf === null ? null : idOf(context, event);
      this.#effects.setTimer(timerId, delayMs(context, event), eventOf(context, event));
    };
  }

  #delay(delay: Code, path: Path): (context: unknown, event: MachineEvent) => number {
    if (typeof delay === 'string' && isDuration(delay)) {
      const ms = parseDuration(delay);
      return () => ms;
    }
    const compute = this.#compiled<unknown>(
      path,
      () => compileCode(delay, this.#names),
      () => 0,
    );
    return (context, event) => {
      const ms = this.#run(compute, context, event, path);
      if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return ms;
      throw this.#fail(new ExpressionError(`a delay must be a number of ms from 0 on, found ${String(ms)}`), path);
    };
  }

  #cancel(code: Code, path: Path): unknown {
    const idOf = this.#text(code, path);
    return ({ context, event }: Arguments): void => this.#effects.clearTimer(idOf(context, event));
  }

  #text(code: Code, path: Path): (context: unknown, event: MachineEvent) => string {
    const compute = this.#compiled<unknown>(
      path,
      () => compileCode(code, this.#names),
      () => '',
    );
    return (context, event) => {
      const id = this.#run(compute, context, event, path);
      if (typeof id === 'string' || typeof id === 'number') return String(id);
      throw this.#fail(new ExpressionError(`the id of a timer must be a text, found ${String(id)}`), path);
    };
  }

  #run<T>(code: Compiled<T>, context: unknown, event: MachineEvent, path: Path): T {
    try {
      return code(context, payloadOf(event), this.#effects.key, this.#effects.timeMs, this.#effects.tables);
    } catch (error) {
      throw this.#fail(error, path);
    }
  }

  /** Notes the first cause, with its place: XState wraps what guards throw. */
  #fail(error: unknown, path: Path): unknown {
    const place = path.join('.');
    const failure = error instanceof ExpressionError ? new ExpressionError(`${place}: ${error.message}`, { cause: error }) : error;
    this.#effects.failure ??= failure;
    return failure;
  }

  #compiled<T>(path: Path, compile: () => Compiled<T>, otherwise: () => T): Compiled<T> {
    try {
      return compile();
    } catch (error) {
      if (!(error instanceof BadDeclaration)) throw error;
      for (const issue of error.issues) this.#issue(path, issue.message);
      return otherwise;
    }
  }

  #issue(path: Path, message: string): void {
    this.issues.push({ path: ['machine', ...path].join('.'), message });
  }
}

function isFields(value: NonNullable<MachineAction['emit']>['value']): value is Record<string, Code> {
  return typeof value === 'object';
}

function mapRecord<V, R>(record: Readonly<Record<string, V>>, change: (value: V, name: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

/** The initial context is shared by all actors: whoever changes it in place shall fail, not leak. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) frozen(part);
    Object.freeze(value);
  }
  return value;
}
