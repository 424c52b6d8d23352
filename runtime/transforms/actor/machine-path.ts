// The two ways of running a machine, behind one face: XState's own transition function, and what was compiled from the machine.
//
//   MP1. Both take the same events to the same state, with the same effects in the same order; cells that one wrote the other reads.
//   MP2. The reference path can do every machine that may be declared; the compiled one names what it cannot do.

import type { ActorCell } from './actor-cell.ts';
import { SnapshotCodec, stateText } from './actor-cell.ts';
import { compileMachine } from './compiled-machine.ts';
import type { Effects } from './effects.ts';
import { handles, type Machine, type MachineEvent, type Node, type Snapshot, Stepper } from './xstate.ts';

/** An actor between two events. */
export type ActorState = { readonly value: unknown; readonly context: unknown; readonly status: string };

/** `S` is the path's own; whoever uses a path only hands it back. */
export interface MachinePath<S extends ActorState = ActorState> {
  readonly kind: 'compiled' | 'reference';
  /** The first state of an actor, with the effects of entering it. Throws what the machine's code throws. */
  initial(): S;
  transition(state: S, event: MachineEvent): S;
  decode(cell: ActorCell): S;
  encode(state: S, timers: readonly string[] | undefined, timerCount: number | undefined): ActorCell;
  /** The state's name: its value as text. */
  nameOf(state: S): string;
  /** Whether an active state has a transition for the type, whatever its guards say. */
  handles(state: S, type: string): boolean;
  /** The transitions that `event` takes, one text each: evaluates guards once more. */
  taken(state: S, event: MachineEvent): string[];
}

/** The compiled path where it can do all of the machine, else the reference path. */
export function choosePath(machine: Machine, effects: Effects): MachinePath {
  const compiled = compileMachine(machine, effects);
  return (compiled.kind === 'compiled' ? compiled.path : new ReferencePath(machine, effects)) as MachinePath;
}

/** XState's own transition function, with one scope for all actors. */
export class ReferencePath implements MachinePath<Snapshot> {
  readonly kind = 'reference';
  readonly #stepper: Stepper;
  readonly #codec: SnapshotCodec;

  constructor(machine: Machine, effects: Effects) {
    this.#stepper = new Stepper(machine, effects);
    this.#codec = new SnapshotCodec(machine);
  }

  initial(): Snapshot {
    return this.#stepper.initial();
  }

  transition(snapshot: Snapshot, event: MachineEvent): Snapshot {
    return this.#stepper.transition(snapshot, event);
  }

  decode(cell: ActorCell): Snapshot {
    return this.#codec.decode(cell);
  }

  encode(snapshot: Snapshot, timers: readonly string[] | undefined, timerCount: number | undefined): ActorCell {
    return this.#codec.encode(snapshot, timers, timerCount);
  }

  nameOf(snapshot: Snapshot): string {
    return stateText(snapshot.value);
  }

  handles(snapshot: Snapshot, type: string): boolean {
    return handles(snapshot._nodes as readonly Node[], type);
  }

  taken(snapshot: Snapshot, event: MachineEvent): string[] {
    return this.#stepper.taken(snapshot, event);
  }
}
