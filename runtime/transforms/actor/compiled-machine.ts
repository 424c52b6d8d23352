// A machine as tables and closures, made once: several times faster than XState's own transition function, and equal to it.
//
// What happens in a step of given transitions lies in the tables of microsteps.ts; here is what depends on the event and the context:
// which transitions are taken, and the macrostep (raised events and `always`, until nothing more is to be done).
//
//   CM1. Guards are asked in XState's order, and only those that it asks.
//   CM2. Tables fill as cases come up; an event in a case that is known makes no object but the new state and context.
//   CM3. Endless loops end with XState's error, after as many steps.

import type { ActorCell } from './actor-cell.ts';
import { type Candidate, compileAction, compileGuard, firstContext, guardOnEvent, NotCompiled, type Run } from './compiled-actions.ts';
import type { Effects } from './effects.ts';
import type { ActorState, MachinePath } from './machine-path.ts';
import { Microsteps, type Place, type Step } from './microsteps.ts';
import {
  type Machine,
  type MachineEvent,
  machineNodes,
  handles,
  matchesDescriptor,
  type Node,
  type Snapshot,
  takenText,
  type TakenTransition,
} from './xstate.ts';

type Compiled = { readonly kind: 'compiled'; readonly path: CompiledPath } | { readonly kind: 'refused'; readonly because: string };
type Here = Place<Choices>;
type Taken = Step<Choices>;
type State = ActorState & { readonly place: Here };
/** Transitions may be chosen for an event (of a type), or for none (`always`). */
type Choice = { choose(run: Run): Taken | null; transitions(run: Run): readonly Candidate[] };
type Choices = { readonly byType: Map<string, Choice>; always: Choice | null; readonly steps: Map<string, Taken> };

/** Types of events that are remembered a place: with wildcards there may be any number. */
const TYPES_MAX = 256;

/** Never changes `machine`. `refused`: the first part that the compiled path cannot do. */
export function compileMachine(machine: Machine, effects: Effects): Compiled {
  try {
    const nodes = machineNodes(machine.root);
    if (nodes.some(({ output }) => output !== undefined)) throw new NotCompiled('the output of a final state');
    return { kind: 'compiled', path: new CompiledPath(machine, effects) };
  } catch (error) {
    if (error instanceof NotCompiled) return { kind: 'refused', because: error.message };
    throw error;
  }
}

class CompiledPath implements MachinePath<State> {
  readonly kind = 'compiled';
  readonly #config: Machine['config'];
  readonly #microstepsMax: number;
  readonly #tables: Microsteps<Choices>;
  /** By node: its candidates, those of an event by type. */
  readonly #candidates = new Map<Node, { readonly on: ReadonlyMap<string, readonly Candidate[]>; readonly always: readonly Candidate[] }>();
  readonly #run: Run = { context: null, event: { type: '' }, queue: [], changes: 0 };
  #initial: Taken | null = null;
  readonly #hasAlways: boolean;

  constructor(machine: Machine, effects: Effects) {
    this.#config = machine.config;
    this.#microstepsMax = machine.options.maxIterations ?? Infinity;
    const own = machine.provide({}) as Machine;
    const nodes = machineNodes(own.root);
    const written = nodes.map((node) => ({ node, on: [...node.transitions], always: node.always ?? [] }));
    this.#hasAlways = written.some(({ always }) => always.length > 0);
    const compile = (action: unknown): ReturnType<typeof compileAction> => compileAction(action, own, effects);
    this.#tables = new Microsteps(own, compile, () => ({ byType: new Map(), always: null, steps: new Map() }));
    let index = 0;
    type Written = TakenTransition & { readonly actions: readonly unknown[] };
    const candidate = (transition: unknown, guard: Candidate['guard']): Candidate => {
      const marked = this.#tables.marked(transition as Written, compile);
      return { index: index++, guard, transition: transition as Written, marked };
    };
    for (const { node, on, always } of written) {
      const byType = on.map(([type, list]) => {
        const candidates = list.map((each) => candidate(each, each.guard ? guardOnEvent(each.guard, own, node) : null));
        return [type, candidates] as const;
      });
      const eventless = always.map((each) => candidate(each, each.guard === undefined ? null : compileGuard(each.guard, own)));
      this.#candidates.set(node, { on: new Map(byType), always: eventless });
    }
  }

  initial(): State {
    this.#begin(this.#firstContext(), { type: 'xstate.init', input: undefined } as MachineEvent);
    this.#initial ??= this.#tables.initial();
    return this.#stateOf(this.#settle(this.#carryOut(this.#initial)));
  }

  transition(state: State, event: MachineEvent): State {
    const run = this.#run;
    this.#begin(state.context, event);
    const taken = this.#choiceFor(state.place, event.type).choose(run);
    let place = state.place;
    if (taken !== null) place = this.#carryOut(taken);
    if (this.#hasAlways || run.queue.length > 0) place = this.#settle(place);
    return place === state.place && run.context === state.context ? state : this.#stateOf(place);
  }

  decode({ value, context, history }: ActorCell): State {
    const place = this.#tables.stored(value, history);
    return { place, value: place.value, context, status: place.status };
  }

  encode({ place, context }: State, timers: readonly string[] | undefined, timerCount: number | undefined): ActorCell {
    const { value, history } = place;
    return {
      value,
      context,
      ...(history === undefined ? {} : { history }),
      ...(timers === undefined || timers.length === 0 ? {} : { timers }),
      ...(timerCount === undefined ? {} : { timerCount }),
    };
  }

  nameOf({ place }: State): string {
    return place.name;
  }

  handles({ place }: State, type: string): boolean {
    return handles(place.nodes, type);
  }

  taken({ place, context }: State, event: MachineEvent): string[] {
    this.#begin(context, event);
    return this.#choiceFor(place, event.type)
      .transitions(this.#run)
      .map(({ transition }) => takenText(transition));
  }

  #firstContext(): unknown {
    const { context } = this.#config as { readonly context?: unknown };
    if (typeof context !== 'function') return context || {};
    return firstContext(context);
  }

  #begin(context: unknown, event: MachineEvent): void {
    const run = this.#run;
    run.context = context;
    run.event = event;
    if (run.queue.length > 0) run.queue.length = 0;
  }

  #stateOf(place: Here): State {
    return { place, value: place.value, context: this.#run.context, status: place.status };
  }

  #carryOut({ program, to, isChanged }: Taken): Here {
    const run = this.#run;
    for (const instruction of program) instruction(run);
    if (isChanged) run.changes++;
    return to;
  }

  /** The macrostep: `always` before each raised event, until there is neither. */
  #settle(from: Here): Here {
    const run = this.#run;
    let place = from;
    let asksAlways = true;
    for (let steps = 1; place.status === 'active'; steps++) {
      if (steps > this.#microstepsMax) throw new Error(endless(this.#microstepsMax));
      let taken: Taken | null = asksAlways ? this.#alwaysOf(place).choose(run) : null;
      const isEventless: boolean = taken !== null;
      if (taken === null) {
        const event = run.queue.shift();
        if (event === undefined) break;
        run.event = event;
        taken = this.#choiceFor(place, event.type).choose(run);
      }
      const before = run.changes;
      if (taken !== null) place = this.#carryOut(taken);
      // An eventless step that changed nothing would be taken again and again.
      asksAlways = !isEventless || run.changes !== before;
    }
    return place;
  }

  #choiceFor(place: Here, type: string): Choice {
    const { byType } = place.choices;
    let choice = byType.get(type);
    if (choice === undefined) {
      choice = this.#choice(place, this.#branch(this.#tables.machine.root, place.value, type));
      if (byType.size < TYPES_MAX) byType.set(type, choice);
    }
    return choice;
  }

  /** Each atomic state asks upwards, itself first. A transition that several find is taken once. */
  #alwaysOf(place: Here): Choice {
    let { always } = place.choices;
    if (always !== null) return always;
    const chains = place.nodes
      .filter(({ type }) => type === 'atomic' || type === 'final')
      .map((node) => upwards(node).flatMap((each) => this.#candidates.get(each)?.always ?? []))
      .filter((chain) => chain.length > 0);
    always = chains.length === 0 ? NOTHING : new Chains(chains, (taken) => this.#stepOf(place, taken), place.snapshot);
    place.choices.always = always;
    return always;
  }

  #choice(place: Here, branch: Branch): Choice {
    const stepOf = (taken: readonly Candidate[]): Taken => this.#stepOf(place, taken);
    const list = straight(branch);
    if (list === null) return new Tree(branch, stepOf, place.snapshot);
    return list.length === 0 ? NOTHING : new List(list, stepOf, place.snapshot);
  }

  #stepOf(place: Here, taken: readonly Candidate[]): Taken {
    const { steps } = place.choices;
    const key = taken.map(({ index }) => index).join(' ');
    let step = steps.get(key);
    if (step === undefined) steps.set(key, (step = this.#tables.step(place, taken)));
    return step;
  }

  /** As XState walks the state's value: what is inside comes first; where nothing inside takes the event, the node itself. */
  #branch(node: Node, value: unknown, type: string): Branch {
    if (typeof value === 'string') {
      const leaf = node.states[value] as Node;
      return { inner: [{ inner: [], own: this.#onType(leaf, type) }], own: this.#onType(node, type) };
    }
    const inner = Object.entries(value as object).map(([name, below]) => this.#branch(node.states[name] as Node, below, type));
    return { inner, own: this.#onType(node, type) };
  }

  #onType(node: Node, type: string): readonly Candidate[] {
    const on = this.#candidates.get(node)?.on ?? new Map<string, readonly Candidate[]>();
    const wild = [...on.keys()].filter((descriptor) => descriptor !== type && matchesDescriptor(type, descriptor));
    return [...(on.get(type) ?? []), ...wild.sort((a, b) => b.length - a.length).flatMap((descriptor) => on.get(descriptor) ?? [])];
  }
}

type Branch = { readonly inner: readonly Branch[]; readonly own: readonly Candidate[] };

/** The candidates of a branch that never parts, in order; null where regions choose apart. */
function straight({ inner, own }: Branch): readonly Candidate[] | null {
  const some = inner.map(straight).filter((list) => list === null || list.length > 0);
  const [only] = some;
  if (some.length > 1 || only === null) return null;
  return only === undefined ? own : [...only, ...own];
}

function upwards(node: Node): readonly Node[] {
  return node.parent === undefined ? [node] : [node, ...upwards(node.parent as Node)];
}

type StepOf = (taken: readonly Candidate[]) => Taken;

const NOTHING: Choice = { choose: () => null, transitions: () => [] };

/** The first whose guard holds. */
class List implements Choice {
  readonly #candidates: readonly Candidate[];
  readonly #steps: (Taken | undefined)[];
  readonly #stepOf: StepOf;
  readonly #snapshot: Snapshot;

  constructor(candidates: readonly Candidate[], stepOf: StepOf, snapshot: Snapshot) {
    this.#candidates = candidates;
    this.#steps = candidates.map(() => undefined);
    this.#stepOf = stepOf;
    this.#snapshot = snapshot;
  }

  choose(run: Run): Taken | null {
    const candidates = this.#candidates;
    const index = firstOpen(candidates, run, this.#snapshot);
    return index < 0 ? null : (this.#steps[index] ??= this.#stepOf([candidates[index] as Candidate]));
  }

  transitions(run: Run): readonly Candidate[] {
    const index = firstOpen(this.#candidates, run, this.#snapshot);
    return index < 0 ? [] : [this.#candidates[index] as Candidate];
  }
}

/** Regions that choose apart. */
class Tree implements Choice {
  readonly #branch: Branch;
  readonly #stepOf: StepOf;
  readonly #snapshot: Snapshot;

  constructor(branch: Branch, stepOf: StepOf, snapshot: Snapshot) {
    this.#branch = branch;
    this.#stepOf = stepOf;
    this.#snapshot = snapshot;
  }

  choose(run: Run): Taken | null {
    const taken = this.transitions(run);
    return taken.length === 0 ? null : this.#stepOf(taken);
  }

  transitions(run: Run): readonly Candidate[] {
    const visit = ({ inner, own }: Branch): readonly Candidate[] => {
      const taken = inner.flatMap(visit);
      if (taken.length > 0) return taken;
      const index = firstOpen(own, run, this.#snapshot);
      return index < 0 ? [] : [own[index] as Candidate];
    };
    return visit(this.#branch);
  }
}

/** `always`: the first of each chain. */
class Chains implements Choice {
  readonly #chains: readonly (readonly Candidate[])[];
  readonly #stepOf: StepOf;
  readonly #snapshot: Snapshot;

  constructor(chains: readonly (readonly Candidate[])[], stepOf: StepOf, snapshot: Snapshot) {
    this.#chains = chains;
    this.#stepOf = stepOf;
    this.#snapshot = snapshot;
  }

  choose(run: Run): Taken | null {
    const taken = this.transitions(run);
    return taken.length === 0 ? null : this.#stepOf(taken);
  }

  transitions(run: Run): readonly Candidate[] {
    const taken = new Set<Candidate>();
    for (const chain of this.#chains) {
      const index = firstOpen(chain, run, this.#snapshot);
      if (index >= 0) taken.add(chain[index] as Candidate);
    }
    return [...taken];
  }
}

function firstOpen(candidates: readonly Candidate[], { context, event }: Run, snapshot: Snapshot): number {
  for (let i = 0; i < candidates.length; i++) {
    const { guard } = candidates[i] as Candidate;
    if (guard === null || guard(context, event, snapshot)) return i;
  }
  return -1;
}

/** XState's own words: whoever looks for them finds what they mean. */
function endless(steps: number): string {
  return `Infinite loop detected: the machine has processed more than ${steps} microsteps without reaching a stable state. This usually happens when there's a cycle of transitions (e.g., eventless transitions or raised events causing state A -> B -> C -> A).`;
}
