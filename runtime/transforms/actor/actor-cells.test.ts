// One conformance suite for each state kind: a reducer does what random commands say, and so does an obvious model.
// A step may fail behind its changes, forget the actor, be restarted from bytes, or let the state expire.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cell, type AddingHandle, type CellKind, type ListHandle, type MapHandle, type ValueHandle } from '../../job/cell.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeTransform } from '../make-transform.ts';
import type { ReduceContext } from './reduce.ts';

type Command = { readonly do: string; readonly name: string; readonly n: number };
/** What one event carries; `then`: how its step ends. */
type Event = { readonly commands: readonly Command[]; readonly then: 'goes on' | 'fails' | 'forgets' };
type Look = (handle: unknown) => unknown;

/** Runs one command on a handle, and on what models it. */
type Suite = {
  readonly kind: string;
  readonly cell: CellKind;
  readonly verbs: readonly string[];
  readonly act: (handle: never, command: Command) => void;
  readonly look: (handle: never) => unknown;
  readonly model: () => unknown;
};

const SUITES: readonly Suite[] = [
  {
    kind: 'value',
    cell: cell.value<number>(),
    verbs: ['set', 'clear'],
    act: (handle: ValueHandle<number>, { do: verb, n }) => (verb === 'set' ? handle.set(n) : handle.clear()),
    look: (handle: ValueHandle<number>) => handle.get(),
    model: () => {
      let value: number | undefined;
      return { get: () => value, set: (n: number) => void (value = n), clear: () => void (value = undefined) };
    },
  },
  {
    kind: 'list',
    cell: cell.list<number>(),
    verbs: ['add', 'add', 'add', 'clear'],
    act: (handle: ListHandle<number>, { do: verb, n }) => (verb === 'add' ? handle.add(n) : handle.clear()),
    look: (handle: ListHandle<number>) => [[...handle.items()], handle.size],
    model: () => {
      let items: number[] = [];
      return {
        add: (n: number) => void items.push(n),
        items: () => items,
        clear: () => void (items = []),
        get size() {
          return items.length;
        },
      };
    },
  },
  {
    kind: 'map',
    cell: cell.map<number>(),
    verbs: ['set', 'set', 'set', 'delete', 'clear'],
    act: (handle: MapHandle<number>, { do: verb, name, n }) => {
      if (verb === 'set') handle.set(name, n);
      else if (verb === 'delete') handle.delete(name);
      else handle.clear();
    },
    look: (handle: MapHandle<number>) => [
      [...handle.entries()].sort(byName),
      handle.size,
      ['a', 'b', '\u0000', ''].map((name) => [handle.get(name), handle.has(name)]),
    ],
    model: () => new Map<string, number>(),
  },
  {
    kind: 'reducing',
    cell: cell.reducing<number>((sum, item) => sum * 2 + item),
    verbs: ['add', 'add', 'clear'],
    act: (handle: AddingHandle<number, number>, { do: verb, n }) => (verb === 'add' ? handle.add(n) : handle.clear()),
    look: (handle: AddingHandle<number, number>) => handle.get(),
    model: () => {
      let items: number[] = [];
      return {
        add: (n: number) => void items.push(n),
        get: () => (items.length === 0 ? undefined : items.reduce((sum, item) => sum * 2 + item)),
        clear: () => void (items = []),
      };
    },
  },
  {
    kind: 'aggregating',
    cell: cell.aggregating<number, { sum: number; count: number }, number>({
      init: () => ({ sum: 0, count: 0 }),
      add: ({ sum, count }, item) => ({ sum: sum + item, count: count + 1 }),
      result: ({ sum, count }) => sum / count,
    }),
    verbs: ['add', 'add', 'clear'],
    act: (handle: AddingHandle<number, number>, { do: verb, n }) => (verb === 'add' ? handle.add(n) : handle.clear()),
    look: (handle: AddingHandle<number, number>) => handle.get(),
    model: () => {
      let items: number[] = [];
      return {
        add: (n: number) => void items.push(n),
        get: () => (items.length === 0 ? undefined : items.reduce((sum, item) => sum + item, 0) / items.length),
        clear: () => void (items = []),
      };
    },
  },
];

function harnessOf({ cell: kind, act, look }: Suite, seen: unknown[]): StepHarness {
  const op = {
    kind: 'reduce',
    init: () => 0,
    step: (state: number, { commands, then }: Event, { cells }: ReduceContext) => {
      for (const command of commands) act(cells['one'] as never, command);
      seen.push((look as Look)(cells['one']));
      if (then === 'fails') throw new Error('as told');
      return then === 'forgets' ? null : state + 1;
    },
    cells: { one: kind.spec, other: cell.map<number>().spec },
  } as unknown as OpPlan;
  return new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }) });
}

const commandsOf = (verbs: readonly string[]): fc.Arbitrary<readonly Command[]> =>
  fc.array(fc.record({ do: fc.constantFrom(...verbs), name: fc.constantFrom('a', 'b', '\u0000', ''), n: fc.nat(9) }), { maxLength: 5 });

describe.each(SUITES)('$kind', (suite) => {
  test('C1 does what its model does, whatever fails, is forgotten or restarts', () => {
    const event = fc.record({
      key: fc.constantFrom('k', 'l', '1:k'),
      commands: commandsOf(suite.verbs),
      then: fc.constantFrom<Event['then'][]>('goes on', 'goes on', 'goes on', 'fails', 'forgets'),
      restarts: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        const seen: unknown[] = [];
        const harness = harnessOf(suite, seen);
        /** What went well, by key: the model is made anew of it for each event. */
        const kept = new Map<string, Command[]>();
        events.forEach(({ key, commands, then, restarts }, t) => {
          const before = kept.get(key) ?? [];
          const model = suite.model() as never;
          for (const command of [...before, ...commands]) suite.act(model, command);
          harness.pushBatch({ values: [{ commands, then }], times: [t], keys: [key], ingestMs: 0 });
          expect(seen.pop()).toEqual(expected(suite, model));
          if (then === 'goes on') kept.set(key, [...before, ...commands]);
          if (then === 'forgets') kept.delete(key);
          if (restarts) harness.restart();
        });
      }),
      { numRuns: 150 },
    );
  });

  test('when all actors are forgotten nothing stays', () => {
    const harness = harnessOf(suite, []);
    const commands = [{ do: suite.verbs[0] as string, name: 'a', n: 1 }];
    for (const then of ['goes on', 'goes on', 'forgets'] as const)
      harness.pushBatch({ values: [{ commands, then }], times: [1], keys: ['k'], ingestMs: 0 });
    expect(harness.state.cells('node').size()).toBe(0);
  });
});

const byName = ([a]: [string, number], [b]: [string, number]): number => (a < b ? -1 : 1);

/** A map as its handle would show it. */
function expected({ look }: Suite, model: unknown): unknown {
  if (!(model instanceof Map)) return (look as Look)(model);
  const entries = ([...model] as [string, number][]).sort(byName);
  return [entries, model.size, ['a', 'b', '\u0000', ''].map((name) => [model.get(name), model.has(name)])];
}

test('a change in a map of 100 000 entries costs that entry, and an item of a list the item', () => {
  const op = {
    kind: 'reduce',
    init: () => 0,
    step: (_state: number, fill: number, { cells }: ReduceContext) => {
      for (let i = 0; i < fill; i++) (cells['seen'] as MapHandle<number>).set(`entry ${i}`, i);
      for (let i = 0; i < fill; i++) (cells['log'] as ListHandle<string>).add(`item ${i}`);
      return 1;
    },
    cells: { seen: cell.map<number>().spec, log: cell.list<string>().spec },
  } as unknown as OpPlan;
  const harness = new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }) });
  const push = (fill: number): number => {
    harness.pushBatch({ values: [fill], times: [1], keys: ['k'], ingestMs: 0 });
    return harness.state.takeDelta()!.length;
  };
  expect(push(100_000)).toBeGreaterThan(2_000_000);
  expect(push(1)).toBeLessThan(120);
});

test('what a cell that is no longer declared held is dropped at the next start', () => {
  const specs = [{ one: cell.map<number>().spec, two: cell.value<number>().spec }, { two: cell.value<number>().spec }];
  const step = (_state: number, n: number, { cells }: ReduceContext): number => {
    (cells['one'] as MapHandle<number> | undefined)?.set('a', n);
    (cells['two'] as ValueHandle<number>).set(n);
    return n;
  };
  const harness = new StepHarness({
    make: () =>
      makeTransform({ id: 'node', inputs: [], op: { kind: 'reduce', init: () => 0, step, cells: specs.shift() } as unknown as OpPlan }),
  });
  harness.pushBatch({ values: [1], times: [1], keys: ['k'], ingestMs: 0 });
  expect(harness.state.cells('node').size()).toBe(3);
  harness.restart();
  expect(harness.state.cells('node').size()).toBe(2);
});

test('undefined and a promise are refused, and nothing of the event is kept', () => {
  const op = {
    kind: 'reduce',
    init: () => 0,
    step: (_state: number, bad: boolean, { cells }: ReduceContext) => {
      (cells['two'] as ValueHandle<unknown>).set(bad ? undefined : Promise.reject(new Error('later')));
      return 1;
    },
    cells: { two: cell.value<unknown>().spec },
  } as unknown as OpPlan;
  const harness = new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }) });
  harness.pushBatch({ values: [true, false], times: [1, 2], keys: ['k', 'k'], ingestMs: 0 });
  expect(harness.deadLetters.map(({ message }) => message)).toEqual([
    expect.stringContaining('a cell was set to undefined; clear or delete it instead'),
    expect.stringContaining('a cell was set to a promise; actors are synchronous'),
  ]);
  expect(harness.state.cells('node').size()).toBe(0);
});

test("a reducer's end reads its cells, and they go with it", () => {
  const ends: unknown[] = [];
  const op = {
    kind: 'reduce',
    init: () => 0,
    step: (_state: number, { n }: { n: number }, { cells }: ReduceContext) => {
      (cells['log'] as ListHandle<number>).add(n);
      return n;
    },
    expire: (_state: number, { cells }: ReduceContext) => void ends.push([...(cells['log'] as ListHandle<number>).items()]),
    cells: { log: cell.list<number>().spec },
    state: { ttlMs: 10, emits: false },
  } as unknown as OpPlan;
  const harness = new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }) });
  harness.play('a1 a2 R a15 W30');
  expect(ends).toEqual([[1, 2], [15]]);
  expect(harness.state.cells('node').size()).toBe(0);
});
