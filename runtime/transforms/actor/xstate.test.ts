// Machines made with XState itself: what a keyed machine may not have is said at once, with the alternative.

import { expect, test } from 'vitest';
import { assign, createMachine, emit, fromPromise, sendTo, setup, spawnChild } from 'xstate';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeXState } from './machine.ts';

function harness(machine: unknown, outputs: readonly string[] = []): StepHarness {
  return new StepHarness({
    make: () => makeXState({ kind: 'xstate', machine, order: 'arrival', unhandled: 'deadLetter' }),
    outputs,
    value: ({ id, n }) => ({ type: id, n }),
  });
}

const work = fromPromise(() => Promise.resolve(1));

test.each([
  { fact: 'invoke', machine: createMachine({ invoke: { src: work } }), says: /invokes .*emit an event, and join or key its answer back/ },
  { fact: 'spawnChild', machine: createMachine({ entry: spawnChild(work) }), says: /uses spawnChild: .*their steps are synchronous/ },
  {
    fact: 'sendTo',
    machine: createMachine({ on: { go: { actions: sendTo('other', { type: 'x' }) } } } as never),
    says: /uses sendTo: .*sendToKey from millrace sends an event to the actor of another key/,
  },
])('$fact is refused at declaration', ({ machine, says }) => {
  expect(() => harness(machine)).toThrow(says);
});

test('spawning inside assign is a dead letter: it cannot be seen before', () => {
  const machine = createMachine({
    context: {},
    on: { go: { actions: assign({ child: ({ spawn }: { spawn: (logic: unknown) => unknown }) => spawn(work) } as never) } },
  } as never);
  const actors = harness(machine);
  actors.play('go1');
  expect(actors.deadLetters[0]?.message).toMatch(/MR3002 .*spawn/);
});

test('self and system are not there, and say so', () => {
  const machine = createMachine({
    on: { go: { actions: ({ self }: { self: { send: (event: unknown) => void } }) => self.send({ type: 'x' }) } },
  } as never);
  const actors = harness(machine);
  actors.play('go1');
  expect(actors.deadLetters[0]?.message).toMatch(/self\.send: a keyed machine has no self and spawns nothing; use raise/);
});

test('emit goes out on the output of its type, and on the main one', () => {
  const machine = setup({ types: { events: {} as { type: 'go'; n: number }, emitted: {} as { type: 'gone'; n: number } } }).createMachine({
    on: { go: { actions: emit(({ event }) => ({ type: 'gone' as const, n: event.n })) } },
  });
  const actors = harness(machine, ['gone']);
  actors.play('go1=5');
  expect(actors.drawn((value) => JSON.stringify(value))).toBe('{"type":"gone","n":5} gone:{"type":"gone","n":5}');
});

test('a machine with a context function begins each actor anew', () => {
  const machine = createMachine({
    context: () => ({ n: 0 }),
    on: {
      go: {
        actions: [
          assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 } as never),
          emit((({ context }: { context: { n: number } }) => ({ type: 'n', n: context.n })) as never),
        ],
      },
    },
  } as never);
  const actors = harness(machine, ['n']);
  actors.pushBatch({ values: [{ type: 'go' }, { type: 'go' }, { type: 'go' }], times: [1, 2, 3], keys: ['a', 'b', 'a'], ingestMs: 0 });
  expect(actors.emissions.flatMap((e) => (e.kind === 'event' && e.output === 'n' ? [(e.value as { n: number }).n] : []))).toEqual([
    1, 1, 2,
  ]);
});

test('reserved event types are refused', () => {
  const actors = harness(createMachine({ on: { '*': {} } }));
  actors.pushBatch({ values: [{ type: 'xstate.stop' }], times: [1], keys: ['a'], ingestMs: 0 });
  expect(actors.deadLetters[0]?.message).toMatch(/xstate\.stop is reserved/);
});
