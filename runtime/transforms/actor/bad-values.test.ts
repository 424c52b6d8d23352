// Values that break careless programs, in the keys, events and contexts of actors, and in patterns: they come out as they went in, over
// a restart too, or are a dead letter; nothing of one key reaches another.

import { describe, expect, test } from 'vitest';
import { assign, createMachine, emit } from 'xstate';
import { parse } from 'yaml';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import { patternSchema } from '../../../crds/stream-job/pattern.ts';
import { encodeKey } from '../../event/key.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makePattern } from '../pattern/pattern.ts';
import { SENT } from '../transform.ts';
import type { Transform } from '../transform.ts';
import { makeMachine, makeXState } from './machine.ts';
import { makeReduce } from './reduce.ts';
import type { ReduceContext } from './reduce.ts';

const KEEPER = `
context: { last: null }
unhandled: deadLetter
initial: on
states:
  on:
    on:
      put: { actions: [{ assign: { last: event.value } }] }
      get: { actions: [{ emit: { output: out, value: { key: key, last: context.last } } }] }
      pass: { actions: [{ sendTo: { key: event.value, type: put, data: { value: event.value } } }] }
`;

function keeper(): StepHarness {
  const spec = machineSchema.parse(parse(KEEPER));
  return new StepHarness({ make: () => makeMachine({ kind: 'machine', spec, sends: true }), outputs: ['out', SENT] });
}

function give(harness: StepHarness, key: unknown, value: unknown, side = 0): void {
  harness.pushBatch({ values: [value], times: [1], keys: [encodeKey(key)], ingestMs: 0 }, side);
}

const out = (harness: StepHarness): unknown[] =>
  harness.emissions.splice(0).flatMap((one) => (one.kind === 'event' && one.output === 'out' ? [one.value] : []));

/** `{ "__proto__": … }` as JSON gives it: a field of its own. */
const proto: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');

const VALUES: readonly (readonly [string, unknown])[] = [
  ['NaN', NaN],
  ['-0', -0],
  ['Infinity', Infinity],
  ['a 64-bit id', 9_223_372_036_854_775_807n],
  ['an int that a double cannot hold', 9_007_199_254_740_993n],
  ['an unpaired surrogate', 'a\ud800b'],
  ['a NUL', 'a\u0000b'],
  ['fields named __proto__ and constructor', proto],
  ['an empty text', ''],
];

test.each(VALUES)('a declared machine keeps %s in its context, over a restart', (_name, value) => {
  const harness = keeper();
  give(harness, 'k', { type: 'put', value });
  harness.restart();
  give(harness, 'k', { type: 'get' });
  const [{ last }] = out(harness) as [{ last: unknown }];
  expect(Object.is(last, value) || JSON.stringify(last) === JSON.stringify(value)).toBe(true);
  expect(last).toEqual(value);
  expect(harness.deadLetters).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test.each(VALUES)('an XState machine and a reducer keep %s, over a restart', (_name, value) => {
  const machine = createMachine({
    context: { last: null as unknown },
    on: {
      put: { actions: assign({ last: ({ event }) => (event as unknown as { value: unknown }).value }) },
      get: { actions: emit(({ context }) => ({ type: 'out', last: context.last })) },
    },
  });
  const step = (
    state: unknown,
    event: { type: string; value: unknown },
    context: { emit(value: unknown, output: string): void },
  ): unknown => {
    if (event.type === 'put') return { last: event.value };
    context.emit(state, 'out');
    return state;
  };
  const makers = [
    () => makeXState({ kind: 'xstate', machine, order: 'arrival', unhandled: 'deadLetter' }),
    () => makeReduce({ kind: 'reduce', init: () => ({}), step }),
  ];
  for (const make of makers) {
    const harness = new StepHarness({ make, outputs: ['out'] });
    give(harness, 'k', { type: 'put', value });
    harness.restart();
    give(harness, 'k', { type: 'get' });
    const [{ last }] = out(harness) as [{ last: unknown }];
    expect(last).toEqual(value);
    if (typeof value !== 'object') expect(Object.is(last, value)).toBe(true);
  }
});

class Meter {
  readings = 1;
}
const circle: { self?: unknown } = {};
circle.self = circle;
const promise = Promise.resolve(1);
const deep = (depth: number): unknown => (depth === 0 ? 1 : { deeper: deep(depth - 1) });

/** A reducer and a machine whose code keeps what it is given under `value`, and tells it. */
function keepers(keep: (value: unknown) => unknown): { readonly name: string; readonly make: () => Transform }[] {
  const machine = createMachine({
    context: { last: null as unknown },
    on: {
      put: { actions: [assign({ last: () => keep(null) }), emit({ type: 'out', last: 'put' })] },
      get: { actions: emit(({ context }) => ({ type: 'out', last: context.last })) },
    },
  });
  const step = (state: unknown, event: { type: string }, context: ReduceContext): unknown => {
    context.emit(event.type === 'put' ? 'put' : state, 'out');
    return event.type === 'put' ? { last: keep(null) } : state;
  };
  const cellStep = (state: unknown, event: { type: string }, { emit: tell, cells }: ReduceContext): unknown => {
    const { last } = cells as { last: { get(): unknown; set(value: unknown): void } };
    tell({ last: last.get() ?? null }, 'out');
    if (event.type === 'put') last.set(keep(null));
    return state;
  };
  const timerStep = (state: unknown, event: { type: string }, context: ReduceContext): unknown => {
    context.emit({ last: null }, 'out');
    if (event.type === 'put') context.setTimer('later', 5, keep(null));
    return state;
  };
  return [
    { name: 'an XState machine', make: () => makeXState({ kind: 'xstate', machine, order: 'arrival', unhandled: 'deadLetter' }) },
    { name: 'the state of a reducer', make: () => makeReduce({ kind: 'reduce', init: () => ({ last: null }), step }) },
    {
      name: 'a cell of a reducer',
      make: () => makeReduce({ kind: 'reduce', init: () => 0, step: cellStep, cells: { last: { kind: 'value' } } as never }),
    },
    { name: 'the data of a timer', make: () => makeReduce({ kind: 'reduce', init: () => 0, step: timerStep }) },
  ];
}

describe.each<readonly [string, unknown, string]>([
  ['a Map, which would come back as an object', new Map([[1, 2]]), 'an instance of Map'],
  ['an instance, which would come back without its class', new Meter(), 'an instance of Meter'],
  ['an instance inside', { all: [{ of: new Meter() }] }, 'an instance of Meter'],
  ['a Map in a Set', new Set([new Map()]), 'an instance of Map'],
  ['an error', new Error('kept'), 'an instance of Error'],
  ['a function', { call: (): number => 1 }, 'a function'],
  ['a symbol', [Symbol('s')], 'a symbol'],
  ['a promise', { answer: promise }, 'a promise'],
  ['itself', circle, 'holds itself'],
  ['what is nested too deep', deep(2_000), 'nested deeper than 512'],
])('%s in what an actor keeps', (_name, value, says) => {
  test.each(keepers(() => value))('$name: its event alone is a dead letter that says so, what was kept before stays', ({ make }) => {
    const harness = new StepHarness({ make, outputs: ['out'] });
    give(harness, 'k', { type: 'get' });
    out(harness);
    give(harness, 'k', { type: 'put' });
    expect(harness.deadLetters.map(({ code, message }) => [code, message])).toEqual([['MR3002', expect.stringContaining(says)]]);
    expect(out(harness)).toEqual([]);
    harness.restart();
    give(harness, 'k', { type: 'get' });
    expect(out(harness)).toMatchObject([{ last: null }]);
    expect(harness.deadLetters).toHaveLength(1);
  });
});

test.each<readonly [string, unknown]>([
  ['a Date', new Date(5)],
  ['an invalid Date', new Date(NaN)],
  ['a Set', new Set([1, 'a', 5n])],
  ['bytes', new Uint8Array([1, 2])],
  ['an array of numbers', new Float64Array([0.5, NaN])],
  ['undefined in a field', { a: undefined }],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
])('a reducer keeps %s in its state, over a restart', (_name, value) => {
  const [, reducer] = keepers(() => value);
  const harness = new StepHarness({ make: reducer!.make, outputs: ['out'] });
  give(harness, 'k', { type: 'put' });
  out(harness);
  harness.restart();
  give(harness, 'k', { type: 'get' });
  expect(harness.deadLetters).toEqual([]);
  expect(out(harness)).toEqual([{ last: value }]);
});

test.each<readonly [string, unknown, unknown]>([
  ['__proto__', '__proto__', '__proto__'],
  ['constructor', 'constructor', 'constructor'],
  ['an unpaired surrogate', 'a\ud800b', 'a\ud800b'],
  ['a 64-bit id', 9_223_372_036_854_775_807n, 9_223_372_036_854_775_807n],
  ['-0, which is the key 0', -0, 0],
])('%s is a key like any other, also of an event that is sent', (_name, key, same) => {
  const harness = keeper();
  give(harness, key, { type: 'put', value: 'own' });
  give(harness, 'other', { type: 'get' });
  harness.restart();
  give(harness, same, { type: 'get' });
  const [other, own] = out(harness) as { key: unknown; last: unknown }[];
  expect(other).toEqual({ key: 'other', last: null });
  expect(own?.last).toBe('own');
  expect(own?.key).toEqual(same);
  give(harness, 'other', { type: 'pass', value: key });
  const sent = harness.emissions.splice(0).flatMap((one) => (one.kind === 'event' && one.output === SENT ? [one] : []));
  expect(sent.map((one) => one.key)).toEqual([encodeKey(same)]);
});

test.each(['__proto__', 'constructor', 'toString', 'xstate.init'])('an event of the type %s is unhandled, or refused', (type) => {
  const harness = keeper();
  give(harness, 'k', JSON.parse(`{"type":${JSON.stringify(type)}}`));
  expect(harness.deadLetters.map(({ code }) => code)).toEqual([type.startsWith('xstate.') ? 'MR3002' : 'MR3003']);
});

test.each<readonly [string, unknown]>([
  ['NaN', NaN],
  ['null', null],
  ['a number', 7],
  ['nothing', undefined],
])('an event type that is %s is a dead letter that shows it', (_name, type) => {
  const harness = keeper();
  give(harness, 'k', { type });
  expect(harness.deadLetters.map(({ code }) => code)).toEqual(['MR3002']);
  expect(harness.deadLetters[0]?.message).toMatch(/the event's type must be a text/);
});

test.each(VALUES)('a pattern keeps %s of an event that waits for the next, over a restart', (_name, value) => {
  const steps = ['a', 'b'].map((name) => ({ name, where: `event.type == "${name}"` }));
  const spec = patternSchema.parse({ steps, within: '1s' });
  const op = { kind: 'pattern', spec, withinMs: 1_000, keyNames: ['id'] } as const;
  const harness = new StepHarness({ make: () => makePattern(op) });
  give(harness, '__proto__', { type: 'a', value });
  harness.restart();
  give(harness, 'other', { type: 'b' });
  give(harness, '__proto__', { type: 'b', value });
  const matches = harness.emissions.flatMap((one) => (one.kind === 'event' ? [one.value] : [])) as {
    id: unknown;
    matched: { a: { value: unknown }[] };
  }[];
  expect(matches).toHaveLength(1);
  expect(matches[0]?.id).toBe('__proto__');
  expect(matches[0]?.matched.a[0]?.value).toEqual(value);
});
