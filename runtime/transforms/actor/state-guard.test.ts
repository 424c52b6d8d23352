// Reducers that change the state that they were given: what counts is what came back, as of reducers that give new ones.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeReduce } from './reduce.ts';

type Step = (state: never, event: never) => unknown;

function harness(init: () => unknown, step: Step, stateBytesMax?: number): StepHarness {
  const op = {
    kind: 'reduce' as const,
    init,
    step: step as (...args: unknown[]) => unknown,
    ...(stateBytesMax === undefined ? {} : { stateBytesMax }),
  };
  return new StepHarness({ make: () => makeReduce(op) });
}

function give(to: StepHarness, key: string, ...values: unknown[]): void {
  to.pushBatch({ values, times: values.map(() => 1), keys: values.map(() => key), ingestMs: 0 });
}

const stateOf = (of: StepHarness, key = 'a'): unknown => of.state.cells('node').get(0, key);
const codes = (of: StepHarness): unknown[] => of.deadLetters.map(({ code, key }) => [code, key]);

type Event = { readonly n: number; readonly fails?: boolean };
type Basket = { count: number; items: number[]; seen: Set<number>; at: Date; bytes: Uint8Array; last: { n: number } };

const basket = (): Basket => ({ count: 0, items: [], seen: new Set(), at: new Date(0), bytes: new Uint8Array(2), last: { n: 0 } });

function fill(state: Basket, { n, fails }: Event): Basket {
  state.count++;
  state.items.push(n);
  state.seen.add(n);
  state.at.setTime(n);
  state.bytes[0] = n;
  state.last.n = n;
  if (fails === true) throw new Error('no');
  return state;
}

test('state that a failing step has changed in place is as before it, from the first event on', () => {
  const changing = harness(basket, fill);
  give(changing, 'a', { n: 9, fails: true });
  expect(stateOf(changing)).toBeUndefined();
  give(changing, 'a', { n: 1 }, { n: 9, fails: true }, { n: 9, fails: true }, { n: 2 });
  expect(stateOf(changing)).toEqual({
    count: 2,
    items: [1, 2],
    seen: new Set([1, 2]),
    at: new Date(2),
    bytes: Uint8Array.of(2, 0),
    last: { n: 2 },
  });
  expect(codes(changing)).toEqual([1, 2, 3].map(() => ['MR3002', 'a']));
});

const ways: Readonly<Record<string, Step>> = {
  'which comes back': fill,
  'of which parts are in another that comes back': (state: Basket, event: Event) => ({ ...fill(state, event) }),
};

test.each(Object.entries(ways))('state %s is as if each step had given a new one, whatever fails', (_way, step) => {
  const drawn = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), n: fc.nat(9), fails: fc.boolean() }), { maxLength: 100 });
  fc.assert(
    fc.property(drawn, (events) => {
      const changing = harness(basket, step);
      const model = new Map<string, Basket>();
      for (const { key, ...event } of events) {
        give(changing, key, event);
        if (!event.fails) model.set(key, fill(structuredClone(model.get(key) ?? basket()), event));
      }
      for (const key of ['a', 'b']) expect(stateOf(changing, key)).toEqual(model.get(key));
    }),
  );
});

test('what grows in place counts against the limit of the state, which stays below it', () => {
  const changing = harness(basket, fill, 300);
  for (let n = 0; n < 200; n++) give(changing, 'a', { n: n % 100 });
  expect(changing.deadLetters.length).toBeGreaterThan(100);
  expect(new Set(changing.deadLetters.map(({ code }) => code))).toEqual(new Set(['MR3008']));
  expect((stateOf(changing) as Basket).items).toHaveLength(200 - changing.deadLetters.length);
});

test('a circle made in place is the dead letter of its event; state and other keys are stored', () => {
  type Node = { count: number; child: { parent?: unknown } };
  const changing = harness(
    () => ({ count: 0, child: {} }),
    (state: Node, { n }: Event) => {
      state.count++;
      if (n === 0) state.child.parent = state;
      return state;
    },
  );
  give(changing, 'a', { n: 1 }, { n: 0 }, { n: 1 });
  give(changing, 'b', { n: 0 }, { n: 1 });
  expect(changing.deadLetters.map(({ key, message }) => [key, message])).toEqual(
    ['a', 'b'].map((key) => [key, 'MR3002 TransformFailed: node: what is kept holds itself, or is nested deeper than 512; flatten it']),
  );
  changing.state.takeDelta(); // encodes what is left of the steps
  expect([...changing.state.cells('node').entries(0)]).toEqual([
    ['a', { count: 2, child: {} }],
    ['b', { count: 1, child: {} }],
  ]);
});

test('an initial state that all keys are given is not changed by any', () => {
  const initial = basket();
  const changing = harness(() => initial, fill);
  give(changing, 'a', { n: 1 }, { n: 2 });
  give(changing, 'b', { n: 3 });
  expect(stateOf(changing, 'a')).toMatchObject({ count: 2, items: [1, 2] });
  expect(stateOf(changing, 'b')).toMatchObject({ count: 1, items: [3] });
  expect(initial).toEqual(basket());
});

test('code that changes nothing in place is given the state itself, but for a look now and then, and after a failure', () => {
  let [last, copies] = [undefined as unknown, 0];
  const pure = harness(
    () => ({ items: Array.from({ length: 100 }, (_, i) => ({ i })) }),
    (state: { items: unknown[] }, { fails }: Event) => {
      if (last !== undefined && state !== last) copies++;
      if (fails === true) throw new Error('no');
      return (last = { ...state });
    },
  );
  const countOf = (events: number): number => {
    copies = 0;
    for (let n = 0; n < events; n++) give(pure, 'a', { n });
    return copies;
  };
  expect(countOf(100)).toBeGreaterThan(50);
  expect(countOf(5_000)).toBe(0);
  expect(countOf(20_000)).toBe(1);
  give(pure, 'a', { n: 0, fails: true });
  expect(countOf(100)).toBeGreaterThan(50);
});

test('code that begins to change state in place is met within a bounded number of steps', () => {
  const changing = harness(
    () => ({ items: [0], isOpen: false }),
    ({ items, isOpen }: { items: number[]; isOpen: boolean }, { n, fails }: Event) => {
      if (isOpen) items.splice(0, 1, n);
      if (fails === true) throw new Error('no');
      return { items, isOpen: isOpen || n < 0 };
    },
  );
  for (let n = 0; n < 1_000; n++) give(changing, 'a', { n });
  give(changing, 'a', { n: -1 });
  for (let n = 0; n < 1_000; n++) give(changing, 'a', { n });
  give(changing, 'a', { n: 9, fails: true });
  expect(stateOf(changing)).toEqual({ items: [999], isOpen: true });
});
