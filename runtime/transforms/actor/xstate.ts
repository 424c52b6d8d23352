// The only file that imports XState: makes machines, and steps them without actors, clocks or queues.
//
// `machine.transition(snapshot, event, scope)` with one inert scope for all actors: what XState would do to the world comes
// to the scope's actionExecutor and is collected as effects (effects.ts). XState's own `transition()` makes an actor a call,
// which costs three times the step.
//
//   XS1. Nothing of XState outlives a step: no actor, no timer, no subscription.
//   XS2. A keyed machine talks to no other actor: invoke, spawn, sendTo are refused.

import { createMachine, assign, raise } from 'xstate';
import type { ActorScope, AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import { LIVE_ACTIONS, liveRefusal } from '../../base/live-system.ts';
import type { Effects } from './effects.ts';
import { isSendToKey, type SendArgs, sendToKeyNow } from './send-to-key.ts';

export type Machine = AnyStateMachine;
export type Snapshot = AnyMachineSnapshot;
export type MachineEvent = EventObject & { readonly value?: unknown };
export { assign, createMachine, raise };

export type TakenTransition = {
  readonly source: { readonly path: readonly string[]; readonly transitions: ReadonlyMap<string, readonly { readonly guard?: unknown }[]> };
  readonly eventType: string;
  readonly guard?: unknown;
};
export type Scope = ActorScope<Snapshot, EventObject>;
type Action = { readonly type: string; readonly params?: unknown; readonly info: unknown; readonly exec: unknown };

/** Steps of one event (raised events, `always`) before it is an endless loop. */
export const MICROSTEPS_MAX = 1_000;

/** Steps a machine; what it does to the world goes to `effects`. */
export class Stepper {
  readonly machine: Machine;
  readonly #effects: Effects;
  readonly #scope: Scope;

  constructor(machine: Machine, effects: Effects) {
    this.machine = machine;
    this.#effects = effects;
    this.#scope = inertScope((action) => this.#execute(action));
  }

  /** The first snapshot of an actor, with the effects of entering its states. Throws what its code throws. */
  initial(): Snapshot {
    const snapshot = this.machine.getInitialSnapshot(this.#scope as never, undefined as never) as Snapshot;
    return checked(snapshot);
  }

  transition(snapshot: Snapshot, event: MachineEvent): Snapshot {
    return checked(this.machine.transition(snapshot, event, this.#scope as never) as Snapshot);
  }

  /** The transitions that `event` takes in `snapshot`, one text each: the state, its event, and the guard that held. Evaluates
   *  guards once more: only for an event that somebody looks at. */
  taken(snapshot: Snapshot, event: MachineEvent): string[] {
    const transitions = this.machine.getTransitionData(snapshot as never, event as never) as readonly TakenTransition[];
    return transitions.map(takenText);
  }

  #execute(action: Action): void {
    switch (action.type) {
      case 'xstate.raise': {
        const { event, id, delay } = action.params as { event: unknown; id?: string; delay?: number };
        if (typeof delay === 'number') this.#effects.setTimer(id ?? null, delay, event);
        return;
      }
      case 'xstate.cancel':
        this.#effects.clearTimer(String((action.params as { sendId: unknown }).sendId));
        return;
      case 'xstate.emit': {
        const { event } = action.params as { event: EventObject };
        this.#effects.emit(event, event.type);
        return;
      }
      case 'xstate.stopChild':
      case 'xstate.log':
        return;
      default:
        if (action.type.startsWith('xstate.')) throw new Error(liveRefusal(action.type.slice('xstate.'.length)));
        if (isSendToKey(action.exec)) sendToKeyNow(action.exec, action.info as SendArgs, this.#effects);
        else if (typeof action.exec === 'function') (action.exec as (info: unknown, params: unknown) => void)(action.info, action.params);
    }
  }
}

/** A transition that was taken: the state, its event, and the guard that held. */
export function takenText({ source, eventType, guard }: TakenTransition): string {
  const place = [...source.path, eventType].join('.');
  const index = (source.transitions.get(eventType) ?? []).findIndex((one) => one.guard === guard);
  return guard === undefined ? place : `${place}[${index}] when ${guardText(guard)}`;
}

/** A guard as it was written: its CEL text, or the name of a function. */
function guardText(guard: unknown): string {
  if (typeof guard === 'function') return guardCode.get(guard) ?? (guard.name || 'a function');
  const { type } = guard as { readonly type?: unknown };
  return typeof type === 'string' ? type : 'a guard';
}

/** Texts of guards that were compiled from CEL. */
export const guardCode = new WeakMap<object, string>();

/** A copy of a user's machine that ends endless loops with an error. */
export function boundedMachine(machine: Machine): Machine {
  const copy = machine.provide({}) as Machine;
  copy.options = { ...copy.options, maxIterations: Math.min(copy.options.maxIterations ?? Infinity, MICROSTEPS_MAX) };
  return copy;
}

/** What a machine may not have, a sentence each; empty when it can be keyed. */
export function refusedParts(machine: Machine): string[] {
  const refused = new Set<string>();
  for (const node of machineNodes(machine.root)) {
    for (const { src } of node.invoke)
      refused.add(`state ${node.id} invokes ${typeof src === 'string' ? src : 'an actor'}: ${liveRefusal('invoke')}`);
    const transitions = [...node.transitions.values()].flat().flatMap((transition) => transition.actions);
    for (const action of [...node.entry, ...node.exit, ...transitions]) {
      const type = (action as { type?: string }).type ?? '';
      const name = type.slice('xstate.'.length);
      if (type.startsWith('xstate.') && LIVE_ACTIONS.has(name)) refused.add(`state ${node.id} uses ${name}: ${liveRefusal(name)}`);
    }
  }
  return [...refused];
}

export type Node = Machine['root'];

/** The node and all below it. */
export function machineNodes(node: Node): Node[] {
  return [node, ...Object.values(node.states).flatMap((child) => machineNodes(child as Node))];
}

function checked(snapshot: Snapshot): Snapshot {
  if (snapshot.status === 'error') throw snapshot.error;
  if (Object.keys(snapshot.children).length > 0) throw new Error(liveRefusal('spawn'));
  return snapshot;
}

/** Whether an active state of `nodes` has a transition for the type, whatever its guards say. */
export function handles(nodes: readonly Node[], type: string): boolean {
  return nodes.some((node) => [...node.transitions.keys()].some((descriptor) => matchesDescriptor(type, descriptor)));
}

/** `*` takes everything, `a.*` everything that begins with the token a; as XState says. */
export function matchesDescriptor(type: string, descriptor: string): boolean {
  if (descriptor === type || descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const wanted = descriptor.slice(0, -2);
  return !wanted.split('.').includes('*') && (type === wanted || type.startsWith(`${wanted}.`));
}

/** What a machine without actors, clock and queue is given instead of them; what it would do goes to `actionExecutor`. */
export function inertScope(actionExecutor: (action: Action) => void): Scope {
  const nothing = (): void => undefined;
  const system = forbidden('system', { _sendInspectionEvent: nothing });
  const self = forbidden('self', {});
  return {
    self,
    system,
    id: '',
    sessionId: '',
    logger: nothing,
    defer: nothing,
    emit: nothing,
    stopChild: nothing,
    actionExecutor,
  } as unknown as Scope;
}

/** A machine that asks for its actor or system learns at once that there is none. */
function forbidden(name: string, known: Readonly<Record<string, unknown>>): object {
  return new Proxy(known, {
    get(target, property): unknown {
      if (typeof property === 'symbol' || Object.hasOwn(target, property)) return target[property as string];
      throw new Error(`${name}.${property}: a keyed machine has no ${name} and spawns nothing; use raise, emit and assign`);
    },
  });
}
