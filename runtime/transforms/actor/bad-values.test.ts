// Values that break careless programs, in the keys, events and contexts of actors, and in patterns: they come out as they went in, over
// a restart too, or are a dead letter; nothing of one key reaches another.

import { expect, test } from 'vitest';
import { assign, createMachine, emit } from 'xstate';
import { parse } from 'yaml';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import { patternSchema } from '../../../crds/stream-job/pattern.ts';
import { encodeKey } from '../../event/key.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makePattern } from '../pattern/pattern.ts';
import { SENT } from '../transform.ts';
import { makeMachine, makeXState } from './machine.ts';
import { makeReduce } from './reduce.ts';

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
