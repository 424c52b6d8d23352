// The limit of one actor's state: who grows beyond it, and who does not wait for that.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assign, createMachine } from 'xstate';
import { parse } from 'yaml';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeMachine, makeXState } from './machine.ts';
import { makeReduce } from './reduce.ts';
import { STATE_BYTES_MAX, StateSize, StateTooLarge } from './state-size.ts';

function give(harness: StepHarness, key: string, value: unknown, timeMs = 1): void {
  harness.pushBatch({ values: [value], times: [timeMs], keys: [key], ingestMs: 0 });
}

const LIST = `
stateBytesMax: 200
context: { all: [] }
initial: on
states:
  on:
    on:
      add: { actions: [{ assign: { all: 'context.all + [event.text]' } }, { emit: { output: out, value: size(context.all) } }] }
      later: { actions: [{ raise: { type: add, delay: 1s, data: { text: event.text } } }] }
      clear: { actions: [{ assign: { all: '[]' } }] }
`;

function declared(yaml: string): StepHarness {
  const spec = machineSchema.parse(parse(yaml));
  return new StepHarness({ make: () => makeMachine({ kind: 'machine', spec }), outputs: ['out'] });
}

const sizes = (harness: StepHarness): unknown[] =>
  harness.emissions.splice(0).flatMap((one) => (one.kind === 'event' && one.output === 'out' ? [`${one.key}:${String(one.value)}`] : []));

test('an event that would outgrow the context of its actor is a dead letter, its effects too; other keys and later events go on', () => {
  const harness = declared(LIST);
  for (let i = 0; i < 4; i++) give(harness, 'a', { type: 'add', text: 'x'.repeat(60) });
  give(harness, 'b', { type: 'add', text: 'y' });
  expect(sizes(harness)).toEqual(['a:1', 'a:2', 'b:1']);
  expect(harness.deadLetters.map(({ code, key }) => [code, key])).toEqual([
    ['MR3008', 'a'],
    ['MR3008', 'a'],
  ]);
  expect(harness.deadLetters[0]?.message).toBe(
    "MR3008 ActorTooLarge: node: with this event the actor's state would have about 201 bytes, more than 200",
  );
  give(harness, 'a', { type: 'clear' });
  give(harness, 'a', { type: 'add', text: 'z' });
  expect(sizes(harness)).toEqual(['a:1']);
});

test('so is the event of a timer, and the timer is gone', () => {
  const harness = declared(LIST);
  give(harness, 'a', { type: 'later', text: 'x'.repeat(300) }, 1_000);
  harness.advance(5_000);
  harness.advance(Infinity);
  expect(harness.deadLetters.map(({ code, timeMs }) => [code, timeMs])).toEqual([['MR3008', 2_000]]);
});

test('a state that is too large already, of an older declaration, may become smaller by and by', () => {
  const size = new StateSize(100);
  const large = { all: ['x'.repeat(300), 'y'.repeat(300)] };
  expect(() => size.check({ all: ['x'.repeat(300)] }, large)).not.toThrow();
  expect(() => size.check({ all: [...large.all, 'z'] }, large)).toThrow(StateTooLarge);
});

test('the context of an XState machine has the same limit, whatever function makes it', () => {
  const machine = createMachine({
    context: () => ({ seen: {} as Record<string, number> }),
    on: { add: { actions: assign({ seen: ({ context, event }) => ({ ...context.seen, [(event as unknown as { id: string }).id]: 1 }) }) } },
  });
  const op = { kind: 'xstate', machine, order: 'arrival', unhandled: 'deadLetter', stateBytesMax: 500 } as const;
  const harness = new StepHarness({ make: () => makeXState(op) });
  for (let i = 0; i < 100; i++) give(harness, 'a', { type: 'add', id: `id${i}` });
  expect(harness.deadLetters.length).toBeGreaterThan(50);
  expect(new Set(harness.deadLetters.map(({ code }) => code))).toEqual(new Set(['MR3008']));
});

test.each([
  { stateBytesMax: 100, fits: 1 },
  { stateBytesMax: undefined, fits: Math.floor(STATE_BYTES_MAX / 61) },
])('the state of a reducer has the limit $stateBytesMax; 262144 when absent', ({ stateBytesMax, fits }) => {
  const step = (state: string, event: string): string => state + event;
  const harness = new StepHarness({ make: () => makeReduce({ kind: 'reduce', init: () => '', step, stateBytesMax }) });
  const values = Array.from({ length: fits + 3 }, () => 'x'.repeat(61));
  harness.pushBatch({ values, times: values.map(() => 1), keys: values.map(() => 'a'), ingestMs: 0 });
  give(harness, 'b', 'y');
  expect(harness.deadLetters.map(({ code }) => code)).toEqual(['MR3008', 'MR3008', 'MR3008']);
});

test('what is measured is what a slow count gives, however much of it was measured before', () => {
  const slow = (value: unknown): number => {
    if (typeof value === 'string') return value.length;
    if (Array.isArray(value)) return value.reduce((sum: number, part) => sum + slow(part), 9);
    if (typeof value !== 'object' || value === null) return 9;
    return Object.entries(value).reduce((sum, [name, part]) => sum + name.length + slow(part), 9);
  };
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), fc.integer({ min: 64, max: 2_000 }), (values, bytesMax) => {
      const size = new StateSize(bytesMax);
      for (let end = 1; end <= values.length; end++) {
        const state = values.slice(0, end);
        let isRefused = false;
        try {
          size.check(state, null);
        } catch (error) {
          isRefused = error instanceof StateTooLarge;
        }
        expect(isRefused).toBe(slow(state) > bytesMax);
      }
    }),
  );
});
