// Actions and guards of a machine as closures, made once: what XState finds out at every step is decided here.
//
//   CA1. Order of evaluation, arguments and errors are those of XState's own resolution of actions and guards.
//   CA2. What has no closure here is named: the machine then takes the reference path.

import { liveRefusal } from '../../base/live-system.ts';
import type { Effects } from './effects.ts';
import { isSendToKey, sendToKeyNow } from './send-to-key.ts';
import { inertScope, type Machine, type MachineEvent, type Node, type Snapshot, type TakenTransition } from './xstate.ts';

/** The event that is worked on. One object for all events of a machine. */
export type Run = {
  context: unknown;
  event: MachineEvent;
  /** Events that the machine raised to itself. */
  readonly queue: MachineEvent[];
  /** Counts what makes XState make a new snapshot. */
  changes: number;
};
export type Instruction = (run: Run) => void;
/** `snapshot`: of the place, without the context; only guards that look at the state need it. */
export type Guard = (context: unknown, event: MachineEvent, snapshot: Snapshot) => unknown;

/** A transition, ready to be chosen. */
export type Candidate = {
  readonly index: number;
  readonly guard: Guard | null;
  readonly transition: TakenTransition;
  /** With marks in place of its actions (microsteps.ts). */
  readonly marked: unknown;
};

type Args = { readonly context: unknown; readonly event: MachineEvent };
type Code = (args: Args, params: unknown) => unknown;
type Parameters = ((args: Args) => unknown) | null;
/** An action that XState makes: its parts are its fields. */
type Library = { readonly type: string; readonly [part: string]: unknown };

/** A part of a machine that has no closure. */
export class NotCompiled extends Error {}

const scope = inertScope(() => undefined);
const { self, system } = scope as unknown as { readonly self: object; readonly system: object };
const spawn = (): never => {
  throw new Error(liveRefusal('spawn'));
};

/** The context of a new actor, where a function makes it. */
export function firstContext(make: unknown): unknown {
  return Object.assign({}, (make as (args: object) => unknown)({ spawn, input: undefined, self }));
}

export function raiseEvent(event: MachineEvent): Instruction {
  return (run) => void run.queue.push(event);
}

export function compileAction(action: unknown, machine: Machine, effects: Effects): Instruction {
  const code = typeof action === 'function' ? action : implementation(machine.implementations.actions, action);
  const params = parametersOf(action);
  if (code !== undefined && 'resolve' in (code as object)) return libraryAction(code as unknown as Library, params, machine, effects);
  const type = typeof action === 'function' ? action.name : typeof action === 'string' ? action : (action as Library).type;
  if (type.startsWith('xstate.')) throw new NotCompiled(`an action of type ${type}`);
  if (isSendToKey(code))
    return (run) => {
      params?.(run);
      sendToKeyNow(code, argsOf(run), effects);
    };
  if (typeof code !== 'function') return (run) => void params?.(run); // a name that means nothing does nothing, but its parameters are made
  return (run) => {
    const args = argsOf(run);
    (code as Code)(args, params?.(args));
  };
}

function libraryAction(code: Library, params: Parameters, machine: Machine, effects: Effects): Instruction {
  const { type, event, id, delay } = code;
  switch (type) {
    case 'xstate.assign':
      return assignment(code['assignment'], params);
    case 'xstate.raise':
      return raised({ event, id: id as string | undefined, delay: delayOf(delay, machine) }, params, effects);
    case 'xstate.emit': {
      const emitted = valueOf(event, params);
      return (run) => {
        const made = emitted(argsOf(run)) as MachineEvent;
        effects.emit(made, made.type);
      };
    }
    case 'xstate.cancel': {
      const sendId = valueOf(code['sendId'], params);
      return (run) => effects.clearTimer(String(sendId(argsOf(run))));
    }
    case 'xstate.log': {
      const value = valueOf(code['value'], params);
      return (run) => void value(argsOf(run));
    }
    default:
      throw new NotCompiled(type === 'xstate.enqueueActions' || code['collect'] !== undefined ? 'enqueueActions' : `the action ${type}`);
  }
}

function assignment(assigned: unknown, params: Parameters): Instruction {
  const fields = typeof assigned === 'function' ? null : Object.entries(assigned as Record<string, unknown>);
  return (run) => {
    const { context, event } = run;
    if (!context) throw new Error('Cannot assign to undefined `context`. Ensure that `context` is defined in the machine config.');
    const args = { context, event, spawn, self, system };
    const given = params === null ? undefined : params(args);
    run.context = Object.assign({}, context, fields === null ? (assigned as Code)(args, given) : made(fields, args, given));
    run.changes++;
  };
}

function made(fields: readonly (readonly [string, unknown])[], args: Args, given: unknown): object {
  const update: Record<string, unknown> = {};
  for (const [name, value] of fields) update[name] = typeof value === 'function' ? (value as Code)(args, given) : value;
  return update;
}

type Raise = { readonly event: unknown; readonly id: string | undefined; readonly delay: unknown };

function raised({ event, id, delay }: Raise, params: Parameters, effects: Effects): Instruction {
  return (run) => {
    const args = argsOf(run);
    const given = params?.(args);
    if (typeof event === 'string') throw new Error(`Only event objects may be used with raise; use raise({ type: "${event}" }) instead`);
    const made = (typeof event === 'function' ? (event as Code)(args, given) : event) as MachineEvent;
    const delayMs = typeof delay === 'function' ? (delay as Code)(args, given) : delay;
    if (typeof delayMs === 'number') effects.setTimer(id ?? null, delayMs, made);
    else run.queue.push(made);
  };
}

/** A delay by name is one of the machine's implementations. */
function delayOf(delay: unknown, machine: Machine): unknown {
  return typeof delay === 'string' ? (machine.implementations.delays as Record<string, unknown>)[delay] : delay;
}

function valueOf(value: unknown, params: Parameters): (args: Args) => unknown {
  if (typeof value !== 'function') return params === null ? () => value : (args) => (params(args), value);
  return params === null ? (args) => (value as Code)(args, undefined) : (args) => (value as Code)(args, params(args));
}

function argsOf({ context, event }: Run): Args {
  return { context, event, self, system } as Args;
}

function parametersOf(part: unknown): Parameters {
  if (typeof part !== 'object' || part === null || !('params' in part)) return null;
  const { params } = part;
  return typeof params === 'function' ? ({ context, event }) => (params as (args: Args) => unknown)({ context, event }) : () => params;
}

function implementation(all: unknown, part: unknown): unknown {
  return (all as Record<string, unknown>)[typeof part === 'string' ? part : (part as { readonly type: string }).type];
}

/** Guards may name guards; a circle of names never ends. */
const GUARDS_DEEP_MAX = 64;

/** A guard by name that nobody has implemented fails when it is asked, as XState's does. */
export function compileGuard(guard: unknown, machine: Machine, depth = 0): Guard {
  if (depth > GUARDS_DEEP_MAX) throw new NotCompiled('guards that name each other in a circle');
  const isInline = typeof guard === 'function';
  const code = isInline ? guard : implementation(machine.implementations.guards, guard);
  if (!isInline && code === undefined) {
    const name = typeof guard === 'string' ? guard : (guard as { readonly type: string }).type;
    return () => {
      throw new Error(`Guard '${name}' is not implemented.'.`);
    };
  }
  if (typeof code !== 'function') return compileGuard(code, machine, depth + 1);
  if ('check' in code) return libraryGuard(code as never, machine, depth);
  const params = isInline ? null : parametersOf(guard);
  if (params === null) return (context, event) => (code as Code)({ context, event }, undefined);
  return (context, event) => {
    const args = { context, event };
    return (code as Code)(args, params(args));
  };
}

type LibraryGuard = {
  readonly name: string;
  readonly guards?: readonly unknown[];
  check(snapshot: unknown, args: Args, guard: unknown): unknown;
};

function libraryGuard(guard: LibraryGuard, machine: Machine, depth: number): Guard {
  const parts = (guard.guards ?? []).map((part) => compileGuard(part, machine, depth + 1));
  const [first] = parts;
  if (guard.name === 'not' && first !== undefined) return (context, event, snapshot) => !first(context, event, snapshot);
  if (guard.name === 'and') return (context, event, snapshot) => parts.every((part) => part(context, event, snapshot));
  if (guard.name === 'or') return (context, event, snapshot) => parts.some((part) => part(context, event, snapshot));
  return (context, event, snapshot) => guard.check({ ...snapshot, context }, { context, event }, guard);
}

/** The guard of a transition for an event, with XState's words around what it throws. */
export function guardOnEvent(guard: unknown, machine: Machine, node: Node): Guard {
  const test = compileGuard(guard, machine);
  const type = typeof guard === 'string' ? guard : typeof guard === 'object' ? (guard as { readonly type?: string }).type : undefined;
  return (context, event, snapshot) => {
    try {
      return test(context, event, snapshot);
    } catch (error) {
      const what = `Unable to evaluate guard ${type ? `'${type}' ` : ''}in transition for event '${event.type}' in state node '${node.id}'`;
      throw new Error(`${what}:\n${(error as Error).message}`, { cause: error });
    }
  };
}
