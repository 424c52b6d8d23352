// The structure of a machine as tables: where a set of transitions leads from a configuration, and what is done on the way.
//
// Asked from XState, once per case: a copy of the machine has marks in place of its actions, and is told which transitions to take.
// What it then queues (marks, and the events of final states between them) is the program of that step. So the order of exits and
// entries, history, conflicts between regions and done events are XState's own, not written here again.
//
//   MS1. The copy runs no code of the user: no guard, no action, no function of the context.
//   MS2. Bounded: of more than PLACES_MAX places all are forgotten, and asked again.

import { type Candidate, type Instruction, raiseEvent } from './compiled-actions.ts';
import { stateText } from './actor-cell.ts';
import { inertScope, type Machine, type MachineEvent, machineNodes, type Node, type Scope, type Snapshot } from './xstate.ts';

/** Machines have few places; parallel regions and history multiply them. */
const PLACES_MAX = 4_096;

/** A configuration with its history: all that decides which transitions there are and what they do, but for the context. */
export type Place<Choices> = {
  readonly snapshot: Snapshot;
  readonly nodes: readonly Node[];
  readonly value: unknown;
  readonly name: string;
  readonly status: string;
  /** As it lies in a cell: ids of nodes by history node. */
  readonly history: Readonly<Record<string, readonly string[]>> | undefined;
  /** Where an actor goes on that was stored here: its nodes in the order in which XState resolves a stored state. */
  settled: Place<Choices> | null;
  readonly choices: Choices;
};

export type Step<Choices> = {
  readonly program: readonly Instruction[];
  readonly to: Place<Choices>;
  /** XState would have made a new snapshot, whatever the actions did. */
  readonly isChanged: boolean;
};

type Mark = { readonly type: typeof MARK; readonly program: readonly Instruction[] };
type Queued = Mark | MachineEvent;
const MARK = 'millrace.mark';
const ASK: MachineEvent = { type: 'millrace.ask' };

/** What an action of the machine becomes. */
export type CompileAction = (action: unknown) => Instruction;

export class Microsteps<Choices> {
  readonly machine: Machine;
  readonly #makeChoices: () => Choices;
  readonly #scope: Scope = inertScope(() => undefined);
  #places = new Map<string, Place<Choices>>();
  /** Places by the objects of theirs that lie in cells. */
  #byObject = new WeakMap<object, Place<Choices>>();
  #byCell = new Map<string, Place<Choices>>();
  #chosen: readonly unknown[] | null = null;
  #drained: Queued[] = [];
  #queue: Queued[] = [];

  /** `machine` is changed: it must belong to nobody else. */
  constructor(machine: Machine, compile: CompileAction, makeChoices: () => Choices) {
    this.machine = machine;
    this.#makeChoices = makeChoices;
    Object.assign(machine, { config: { ...machine.config, context: {} }, options: { ...machine.options, maxIterations: Infinity } });
    for (const node of machineNodes(machine.root)) {
      const marks = { entry: [this.#mark(node.entry, compile)], exit: [this.#mark(node.exit, compile)], always: undefined };
      Object.assign(node.initial, { actions: [this.#mark(node.initial.actions, compile)] });
      Object.assign(node, marks);
    }
    machine.getTransitionData = ((_snapshot: Snapshot, event: Queued) => this.#answer(event)) as never;
  }

  /** A transition of the machine with a mark in place of its actions. */
  marked(transition: object & { readonly actions: readonly unknown[] }, compile: CompileAction): unknown {
    return { ...transition, actions: [this.#mark(transition.actions, compile)] };
  }

  initial(): Step<Choices> {
    return this.#ask(() => this.machine.getInitialSnapshot(this.#scope as never, undefined as never) as Snapshot, null);
  }

  step(from: Place<Choices>, transitions: readonly Candidate[]): Step<Choices> {
    this.#chosen = transitions.map(({ marked }) => marked);
    return this.#ask(() => this.machine.transition(from.snapshot as never, ASK as never, this.#scope as never) as Snapshot, from);
  }

  /** The place of an actor that was stored. */
  stored(value: unknown, history: Readonly<Record<string, readonly string[]>> | undefined): Place<Choices> {
    const object = history ?? (typeof value === 'object' && value !== null ? value : undefined);
    const known = object === undefined ? this.#byCell.get(value as string) : this.#byObject.get(object);
    if (known !== undefined) return this.settle(known);
    const name = `${stateText(value)}${history === undefined ? '' : JSON.stringify(history)}`;
    let place = this.#byCell.get(name);
    if (place === undefined) this.#byCell.set(name, (place = this.#resolve(value, this.#nodesOf(history ?? {}))));
    return place;
  }

  settle(place: Place<Choices>): Place<Choices> {
    return (place.settled ??= this.#resolve(place.value, place.snapshot.historyValue));
  }

  #resolve(value: unknown, historyValue: unknown): Place<Choices> {
    const snapshot = this.machine.resolveState({ value: value as never, context: {} as never, historyValue: historyValue as never });
    const place = this.#place(snapshot as Snapshot);
    place.settled = place;
    return place;
  }

  #nodesOf(history: Readonly<Record<string, readonly string[]>>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(history).map(([id, ids]) => [id, ids.map((each) => this.machine.getStateNodeById(each))]));
  }

  #ask(run: () => Snapshot, from: Place<Choices> | null): Step<Choices> {
    this.#drained = [];
    this.#queue = [];
    const snapshot = run();
    if (snapshot.status === 'error') throw snapshot.error;
    // What a machine queues when it ends stays in its queue.
    const queued = snapshot.status === 'active' ? this.#drained : this.#queue;
    const program = queued.flatMap((one) => (one.type === MARK ? (one as Mark).program : [raiseEvent(one as MachineEvent)]));
    if (from !== null && snapshot === from.snapshot) return { program, to: from, isChanged: false };
    return { program, to: this.#place(snapshot), isChanged: true };
  }

  /** Plays the machine's choice: first the transitions that were asked for, then none, noting what was queued. */
  #answer(event: Queued): readonly unknown[] {
    const chosen = this.#chosen;
    this.#chosen = null;
    if (chosen !== null) return chosen;
    this.#drained.push(event);
    return [];
  }

  #mark(actions: readonly unknown[], compile: CompileAction): unknown {
    const mark: Mark = { type: MARK, program: actions.map(compile) };
    const resolve = (_scope: unknown, snapshot: unknown, _args: unknown, _params: unknown, _action: unknown, extra: unknown) => {
      this.#queue = (extra as { readonly internalQueue: Queued[] }).internalQueue;
      this.#queue.push(mark);
      return [snapshot, undefined, undefined];
    };
    return Object.assign(() => undefined, { type: MARK, resolve });
  }

  #place(snapshot: Snapshot): Place<Choices> {
    const nodes = snapshot._nodes as readonly Node[];
    const entries = Object.entries(snapshot.historyValue as Record<string, readonly Node[]>);
    const history = entries.length === 0 ? undefined : Object.fromEntries(entries.map(([id, kept]) => [id, kept.map((node) => node.id)]));
    const key = `${snapshot.status} ${nodes.map(({ order }) => order).join(' ')}${history === undefined ? '' : JSON.stringify(history)}`;
    let place = this.#places.get(key);
    if (place !== undefined) return place;
    if (this.#places.size >= PLACES_MAX) this.#forget();
    const { value, status } = snapshot;
    place = { snapshot, nodes, value, name: stateText(value), status, history, settled: null, choices: this.#makeChoices() };
    this.#places.set(key, place);
    if (history !== undefined) this.#byObject.set(history, place);
    else if (typeof value === 'object') this.#byObject.set(value, place);
    return place;
  }

  #forget(): void {
    this.#places = new Map();
    this.#byObject = new WeakMap();
    this.#byCell = new Map();
  }
}
