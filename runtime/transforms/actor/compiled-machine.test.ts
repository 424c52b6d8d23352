// The compiled path against XState's own transition function: random machines, random events. Both must be in the same states with
// the same context, do the same effects in the same order, fail with the same words, and go on from each other's cells.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { and, assign, cancel, createMachine, emit, enqueueActions, log, not, or, raise, stateIn } from 'xstate';
import type { ActorCell } from './actor-cell.ts';
import { compileMachine } from './compiled-machine.ts';
import { Effects } from './effects.ts';
import { type ActorState, type MachinePath, ReferencePath } from './machine-path.ts';
import { boundedMachine, type Machine, type MachineEvent } from './xstate.ts';

type Args = { readonly context: { readonly n: number }; readonly event: { readonly type: string; readonly n?: number } };
type Config = Record<string, unknown>;
/** What custom actions saw. */
const seen: string[] = [];

const TYPES = ['x', 'x.a', 'y', 'z'];
const type = fc.constantFrom(...TYPES);
const number = fc.nat(3);

// ---- guards and actions

const implementations = {
  guards: {
    isEven: ({ context }: Args) => context.n % 2 === 0,
    isAbove: ({ context }: Args, { limit }: { limit: number }) => context.n > limit,
    isOdd: not('isEven'),
  },
  actions: {
    look: ({ context, event }: Args, params: unknown) => void seen.push(`${event.type} ${context.n} ${JSON.stringify(params)}`),
    add: assign(({ context }: Args, params: unknown) => ({ n: context.n + ((params as { by?: number } | undefined)?.by ?? 1) })),
  },
  delays: { soon: 5, late: ({ context }: Args) => 10 + context.n },
};

const goodGuard = fc.oneof(
  number.map(
    (limit) =>
      ({ context, event }: Args) =>
        context.n + (event.n ?? 0) > limit,
  ),
  fc.constantFrom<unknown>('isEven', 'isOdd'),
  number.map((limit) => ({ type: 'isAbove', params: { limit } })),
  number.map((limit) => ({ type: 'isAbove', params: ({ event }: Args) => ({ limit: limit - (event.n ?? 0) }) })),
);
const plainGuard = fc.oneof(
  { weight: 30, arbitrary: goodGuard },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>('missing', () => {
      throw new Error('a guard that fails');
    }),
  },
);

function guard(ids: readonly string[]): fc.Arbitrary<unknown> {
  const inState = fc.constantFrom(...ids).map((id) => stateIn(`#${id}` as never));
  const one = fc.oneof({ arbitrary: plainGuard, weight: 4 }, { arbitrary: inState, weight: 1 });
  return fc.oneof(
    { arbitrary: one, weight: 4 },
    { arbitrary: one.map((part) => not(part as never)), weight: 1 },
    { arbitrary: fc.array(one, { maxLength: 3 }).map((parts) => and(parts as never)), weight: 1 },
    { arbitrary: fc.array(one, { maxLength: 3 }).map((parts) => or(parts as never)), weight: 1 },
  );
}

const text = ({ context, event }: Args): string => `${event.type} ${context.n}`;
const raisedEvent = fc.oneof(
  type.map((name) => ({ type: name })),
  type.map((name) => ({ context }: Args) => ({ type: name, n: context.n })),
);
const action = fc.oneof(
  { weight: 4, arbitrary: number.map((by) => assign({ n: ({ context }: Args) => context.n + by, last: text } as never)) },
  { weight: 2, arbitrary: fc.constant(assign((({ context }: Args) => ({ n: context.n % 3 })) as never)) },
  { weight: 2, arbitrary: raisedEvent.map((event) => raise(event as never)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        raisedEvent,
        fc.constantFrom<unknown>(7, 'soon', 'late', 'unknown', ({ context }: Args) => context.n),
      )
      .map(([event, delay]) => raise(event as never, { delay } as never)),
  },
  { weight: 2, arbitrary: raisedEvent.map((event) => raise(event as never, { delay: 20, id: 'timer' })) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>('timer', text).map((id) => cancel(id as never)) },
  { weight: 4, arbitrary: fc.constant(emit((args: Args) => ({ type: 'out', text: text(args) })) as unknown) },
  { weight: 1, arbitrary: fc.constant(log(text as never)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>('look', 'add', 'nowhere', { type: 'look', params: text }, { type: 'add', params: { by: 2 } }),
  },
  { weight: 2, arbitrary: fc.constant((args: Args) => void seen.push(text(args))) },
  {
    weight: 1,
    arbitrary: fc.constant(({ context }: Args) => {
      if (context.n > 8) throw new Error('an action that fails');
    }),
  },
);
const actions = fc.array(action, { maxLength: 2 });

// ---- machines: first the tree of states, then what is in them

type Tree = { readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'shallow' | 'deep'; readonly below: readonly Tree[] };

const leaf = fc.constant<Tree>({ kind: 'atomic', below: [] });
const special = fc.constantFrom<Tree['kind']>('final', 'shallow', 'deep').map((kind): Tree => ({ kind, below: [] }));

function tree(depth: number): fc.Arbitrary<Tree> {
  if (depth === 0) return leaf;
  const children = fc
    .tuple(fc.array(tree(depth - 1), { minLength: 1, maxLength: 3 }), fc.array(special, { maxLength: 2 }))
    .map(([some, others]) => [...some, ...others]);
  const parent = (kind: Tree['kind'], weight: number) => ({
    weight,
    arbitrary: children.map((below): Tree => ({ kind, below: kind === 'parallel' ? below.filter((one) => one.kind !== 'final') : below })),
  });
  return fc.oneof({ arbitrary: leaf, weight: 2 }, parent('compound', 3), parent('parallel', 2));
}

const root = fc
  .tuple(fc.constantFrom<Tree['kind']>('compound', 'compound', 'parallel'), fc.array(tree(2), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([kind, below, ends]): Tree => ({ kind, below: ends && kind === 'compound' ? [...below, { kind: 'final', below: [] }] : below }));

/** Ids are the ways from the top: `m.0.1`. */
function idsOf({ below }: Tree, id: string): readonly string[] {
  return below.flatMap((child, i) => [`${id}.${i}`, ...idsOf(child, `${id}.${i}`)]);
}

function treeAt(from: Tree, id: string): Tree {
  return id
    .split('.')
    .slice(1)
    .reduce((at, i) => at.below[Number(i)] as Tree, from);
}

/** Two targets are possible where they lie in different regions. */
function areApart(whole: Tree, a: string, b: string): boolean {
  const [p, q] = [a.split('.'), b.split('.')];
  const common = p.findIndex((part, i) => part !== q[i]);
  return common > 0 && common < q.length && treeAt(whole, p.slice(0, common).join('.')).kind === 'parallel';
}

function transition(whole: Tree, ids: readonly string[]): fc.Arbitrary<Config> {
  const target = fc.oneof(
    { arbitrary: fc.constant<readonly string[]>([]), weight: 2 },
    { arbitrary: fc.constantFrom(...ids).map((id): readonly string[] => [id]), weight: 6 },
    {
      arbitrary: fc
        .tuple(fc.constantFrom(...ids), fc.constantFrom(...ids))
        .map(([a, b]): readonly string[] => (areApart(whole, a, b) ? [a, b] : [a])),
      weight: 2,
    },
  );
  return fc
    .record({
      target,
      actions,
      guard: fc.option(guard(ids), { nil: undefined, freq: 2 }),
      reenter: fc.option(fc.boolean(), { nil: undefined }),
    })
    .map(({ target: to, ...rest }) => ({ ...rest, ...(to.length === 0 ? {} : { target: to.map((id) => `#${id}`) }) }));
}

/** Once in `others` + 1. */
function seldom<T>(arbitrary: fc.Arbitrary<T>, others: number): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: others }, { arbitrary, weight: 1 });
}

function config(whole: Tree, at: Tree, id: string, ids: readonly string[]): fc.Arbitrary<Config> {
  const { kind, below } = at;
  const some = fc.array(transition(whole, ids), { minLength: 1, maxLength: 2 });
  const children = fc.tuple(...below.map((child, i) => config(whole, child, `${id}.${i}`, ids)));
  // A history state that is entered first leads to itself: XState recurses without end.
  const firsts = below.flatMap((child, i) => (child.kind === 'shallow' || child.kind === 'deep' ? [] : [i]));
  const isParent = kind === 'compound' || kind === 'parallel';
  if (kind === 'shallow' || kind === 'deep') {
    // A default of the history state: a sibling, or none.
    return fc
      .constantFrom(undefined, '0')
      .map((target) => ({ type: 'history', history: kind, ...(target === undefined ? {} : { target }) }));
  }
  return fc
    .record({
      entry: actions,
      exit: actions,
      on: kind === 'final' ? fc.constant({}) : fc.dictionary(fc.constantFrom(...TYPES, 'x.*', '*'), some, { maxKeys: 3 }),
      always: seldom(some, 5),
      after: seldom(fc.dictionary(fc.constantFrom('10', 'soon', 'late'), some, { maxKeys: 2 }), 2),
      onDone: seldom(some, 1),
      children,
      initial: fc.nat(),
    })
    .map(({ children: states, initial, always, after, onDone, on, ...rest }) => ({
      ...rest,
      ...(kind === 'final' ? { type: 'final' } : { on, always, after }),
      ...(isParent ? { onDone, states: Object.fromEntries(states.map((state, i) => [String(i), state])) } : {}),
      ...(kind === 'parallel' ? { type: 'parallel' } : kind === 'compound' ? { initial: String(firsts[initial % firsts.length]) } : {}),
    }));
}

const written = root.chain((whole) => config(whole, whole, 'm', idsOf(whole, 'm')));

function machineOf(from: Config): Machine {
  const whole = { ...from, id: 'm', context: { n: 0 }, options: { maxIterations: 25 } };
  return boundedMachine(createMachine(whole as never, implementations as never) as never);
}

// ---- both paths

type Told = {
  readonly state: unknown;
  readonly cell: string;
  readonly effects: unknown;
  readonly seen: readonly string[];
  readonly failed: string | null;
};
const moves = fc.array(fc.record({ type: fc.constantFrom(...TYPES, 'w'), n: number, isTimer: fc.boolean() }), { maxLength: 12 });

class Side {
  readonly effects = new Effects();
  readonly path: MachinePath;

  constructor(make: (effects: Effects) => MachinePath<never>) {
    this.path = make(this.effects) as unknown as MachinePath;
  }

  do(run: (path: MachinePath) => ActorState): { readonly told: Told; readonly cell: ActorCell | null; readonly isOver: boolean } {
    this.effects.begin('key', 0);
    seen.length = 0;
    try {
      const state = run(this.path);
      const cell = this.path.encode(state, undefined, undefined);
      const { values, outputs, timers } = this.effects;
      const effects = JSON.parse(JSON.stringify({ values, outputs, timers })) as unknown;
      const told = { state: [this.path.nameOf(state), state.status], cell: JSON.stringify(cell), effects, seen: [...seen], failed: null };
      return { told, cell, isOver: state.status !== 'active' };
    } catch (error) {
      return {
        told: { state: null, cell: '', effects: null, seen: [...seen], failed: (error as Error).message },
        cell: null,
        isOver: true,
      };
    }
  }
}

function compiledPath(from: Machine): (effects: Effects) => MachinePath<never> {
  return (effects) => {
    const compiled = compileMachine(from, effects);
    if (compiled.kind === 'refused') throw new Error(compiled.because);
    return compiled.path as unknown as MachinePath<never>;
  };
}

test('random machines: the same states, context, history, effects and failures, each path going on from the cells of the other', () => {
  let taken = 0;
  fc.assert(
    fc.property(written, moves, (from, events) => {
      const made = machineOf(from);
      const reference = new Side((effects) => new ReferencePath(made, effects) as unknown as MachinePath<never>);
      const compiled = new Side(compiledPath(made));
      let last = both(reference, compiled, (path) => path.initial());
      const pending: MachineEvent[] = [];
      let cells = last;
      for (const { type: name, n, isTimer } of events) {
        for (const timer of (last.reference.told.effects as { timers?: { kind: string; event: MachineEvent }[] } | null)?.timers ?? [])
          if (timer.kind === 'set') pending.push(timer.event);
        if (cells.reference.isOver) return;
        const event = (isTimer ? pending.shift() : undefined) ?? { type: name, n };
        const { reference: others, compiled: own } = cells;
        // The same cell object, the other's, and one that came from bytes.
        const bytes = JSON.parse(JSON.stringify(others.cell)) as ActorCell;
        const compare = (ours: ActorCell): typeof last => {
          const told = {
            reference: reference.do((path) => path.transition(path.decode(bytes), event)),
            compiled: compiled.do((path) => path.transition(path.decode(ours), event)),
          };
          expect(told.compiled.told).toEqual(told.reference.told);
          return told;
        };
        compare(bytes);
        last = compare(own.cell as ActorCell);
        expect(takenBy(compiled.path, bytes, event)).toEqual(takenBy(reference.path, bytes, event));
        taken++;
        // An event that fails leaves the actor as it was.
        if (last.reference.cell !== null) cells = last;
      }
    }),
    { numRuns: 150 },
  );
  expect(taken).toBeGreaterThan(100);
});

function both(
  reference: Side,
  compiled: Side,
  run: (path: MachinePath) => ActorState,
): Record<'reference' | 'compiled', ReturnType<Side['do']>> {
  const told = { reference: reference.do(run), compiled: compiled.do(run) };
  expect(told.compiled.told).toEqual(told.reference.told);
  return told;
}

function takenBy(path: MachinePath, cell: ActorCell, event: MachineEvent): readonly string[] | string {
  try {
    return path.taken(path.decode(cell), event);
  } catch (error) {
    return (error as Error).message;
  }
}

test.each([
  {
    fact: 'enqueueActions decides at each step which actions there are',
    config: { on: { x: { actions: enqueueActions(({ enqueue }) => enqueue('look')) } } },
    because: 'enqueueActions',
  },
  {
    fact: 'a final state may compute an output',
    config: { initial: 'a', states: { a: { type: 'final', output: () => 1 } } },
    because: 'the output of a final state',
  },
])('$fact: the machine takes the reference path', ({ config: written, because }) => {
  const made = boundedMachine(createMachine(written as never, implementations as never) as never);
  expect(compileMachine(made, new Effects())).toEqual({ kind: 'refused', because });
});
