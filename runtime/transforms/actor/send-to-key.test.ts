// What actors send to other keys: what leaves the transform for its own stage's exchange, and how it is taken in again.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cancel, createMachine, enqueueActions, setup } from 'xstate';
import { parse } from 'yaml';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import { sendsToKeys, sendToKey } from '../../job/send-to-key.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { SENT } from '../transform.ts';
import { HOPS_MAX } from './effects.ts';
import { makeMachine, makeXState } from './machine.ts';

const OUTPUTS = [SENT, 'got'];

function declared(yaml: string): StepHarness {
  const spec = machineSchema.parse(parse(yaml));
  return new StepHarness({ make: () => makeMachine({ kind: 'machine', spec, sends: true }), outputs: OUTPUTS });
}

function own(machine: unknown, path: 'best' | 'reference' = 'best'): StepHarness {
  const op = { kind: 'xstate', machine, order: 'arrival', unhandled: 'deadLetter', sends: sendsToKeys(machine) } as const;
  return new StepHarness({ make: () => makeXState(op, path), outputs: OUTPUTS });
}

function give(harness: StepHarness, key: string, value: unknown, timeMs: number): void {
  harness.pushBatch({ values: [value], times: [timeMs], keys: [key], ingestMs: 0 });
}

type Message = { readonly key: string; readonly value: unknown; readonly timeMs: number };

/** What was sent since the last call; the rest as text. */
function sent(harness: StepHarness): Message[] {
  return harness.emissions
    .splice(0)
    .flatMap((one) => (one.kind === 'event' && one.output === SENT ? [{ key: one.key!, value: one.value, timeMs: one.timeMs }] : []));
}

/** Brings what was sent back, as the stage's exchange does, until nothing more comes. Gives what was told on `got`. */
function settle(harness: StepHarness): string[] {
  const got: string[] = [];
  for (;;) {
    const all = harness.emissions.splice(0);
    const messages: Message[] = [];
    for (const one of all) {
      if (one.kind !== 'event') continue;
      if (one.output === SENT) messages.push({ key: one.key!, value: one.value, timeMs: one.timeMs });
      if (one.output === 'got') got.push(`${JSON.stringify(one.value)}@${one.timeMs}`);
    }
    if (messages.length === 0) return got;
    for (const { key, value, timeMs } of messages) harness.pushBatch({ values: [value], times: [timeMs], keys: [key], ingestMs: 0 }, 1);
  }
}

const RELAY = `
initial: on
states:
  on:
    on:
      go: { actions: [{ sendTo: { key: event.to, type: hello, data: { n: event.n } } }] }
      later: { actions: [{ sendTo: { key: "'b'", type: hello, delay: 10s, id: "'t'", data: { n: event.n } } }] }
      stop: { actions: [{ cancel: "'t'" }] }
      fails: { actions: [{ sendTo: { key: "'b'", type: hello } }, { assign: { x: event.no.field } }] }
      unknown: { actions: [{ sendTo: { key: "'b'", type: nothing } }] }
      circle: { actions: [{ sendTo: { key: "key == 'a' ? 'b' : 'a'", type: circle } }] }
      hello: { actions: [{ emit: { output: got, value: { key: key, n: event.n } } }] }
`;

test('sendTo gives the event to the actor of another key, at the time of its cause', () => {
  const harness = declared(RELAY);
  give(harness, 'a', { type: 'go', to: 'b', n: 1 }, 5);
  expect(settle(harness)).toEqual(['{"key":"b","n":1}@5']);
});

test('behind the watermark it is taken just after the watermark, so that nothing of it comes late', () => {
  const harness = declared(RELAY);
  give(harness, 'a', { type: 'go', to: 'b', n: 1 }, 5);
  harness.advance(100);
  expect(settle(harness)).toEqual(['{"key":"b","n":1}@101']);
});

test('with a delay it is a durable timer of the sender, which survives a restart', () => {
  const harness = declared(RELAY);
  give(harness, 'a', { type: 'later', n: 7 }, 1_000);
  expect(settle(harness)).toEqual([]);
  harness.restart();
  harness.advance(10_999);
  expect(settle(harness)).toEqual([]);
  harness.advance(11_000);
  expect(settle(harness)).toEqual(['{"key":"b","n":7}@11001']);
});

test('cancel stops a delayed sendTo by its id', () => {
  const harness = declared(RELAY);
  give(harness, 'a', { type: 'later', n: 7 }, 1_000);
  give(harness, 'a', { type: 'stop' }, 2_000);
  harness.advance(Infinity);
  expect(settle(harness)).toEqual([]);
});

test('an event whose later action fails sends nothing', () => {
  const harness = declared(RELAY);
  give(harness, 'a', { type: 'fails' }, 1);
  expect(sent(harness)).toEqual([]);
  expect(harness.deadLetters.map(({ code }) => code)).toEqual(['MR3002']);
});

test('what no state handles is a dead letter of the receiver, and says who sent it', () => {
  const harness = declared(RELAY);
  give(harness, 'a', { type: 'unknown' }, 1);
  settle(harness);
  expect(harness.deadLetters).toMatchObject([
    { code: 'MR3003', key: 'b', input: 1, event: { from: 'a', event: { type: 'nothing' }, hops: 0 } },
  ]);
});

test('actors that send each other events without end become a dead letter, not an endless job', () => {
  const harness = declared(RELAY);
  give(harness, 'a', { type: 'circle' }, 1);
  settle(harness);
  expect(harness.deadLetters.map(({ message }) => message)).toEqual([
    `MR3002 TransformFailed: node: actors have sent each other circle ${HOPS_MAX} times in a row: a circle without end`,
  ]);
});

test.each([
  { key: 'null', says: /sendTo needs the key of an actor, found null/ },
  { key: 'event.k', says: /sendTo needs the key of an actor, found NaN/ },
])('a sendTo to the key $key is a dead letter of the event that caused it', ({ key, says }) => {
  const harness = declared(`{ initial: a, states: { a: { on: { go: { actions: [{ sendTo: { key: "${key}", type: x } }] } } } } }`);
  give(harness, 'a', { type: 'go', k: NaN }, 1);
  expect(harness.deadLetters.map(({ code }) => code)).toEqual(['MR3002']);
  expect(harness.deadLetters[0]?.message).toMatch(says);
});

test('a delay that is computed has the bound of declared ones: beyond it no timer would ever fire', () => {
  const harness = declared(
    `{ initial: a, states: { a: { on: { raise: { actions: [{ raise: { type: x, delay: event.ms } }] }, x: {} } } } }`,
  );
  give(harness, 'a', { type: 'raise', ms: 1e15 }, 1);
  expect(harness.deadLetters[0]?.message).toMatch(/a delay of 1000000000000000 ms is longer than 3153600000000: it would never fire/);
});

const events = (n: number): { type: 'go' | 'relay' | 'stop'; n: number } => ({ type: 'go', n });

function relay(): unknown {
  return setup({
    types: { context: {} as { total: number }, events: {} as ReturnType<typeof events> },
    actions: {
      toHub: sendToKey({ key: 'hub', event: { type: 'relay', n: -1 } }),
    },
  }).createMachine({
    context: { total: 0 },
    on: {
      go: {
        actions: [
          sendToKey({ key: ({ event }) => `k${event.n % 3}`, event: ({ event }) => ({ type: 'relay', n: event.n }) }),
          sendToKey({
            key: 'late',
            event: ({ event }) => ({ type: 'relay', n: event.n }),
            delay: 100,
            id: ({ event }) => `t${event.n % 2}`,
          }),
          'toHub',
        ],
      },
      relay: { actions: [({ context }) => void context] },
      stop: { actions: cancel('t1') },
    },
  });
}

test('sendToKey of a TypeScript machine sends equally on both paths', () => {
  const drawn = fc.array(fc.tuple(fc.constantFrom('go', 'go', 'stop'), fc.nat(9), fc.nat(3)), { maxLength: 20 });
  fc.assert(
    fc.property(drawn, (steps) => {
      const paths = [own(relay()), own(relay(), 'reference')];
      const found = paths.map((harness) => {
        steps.forEach(([type, n, key], at) => give(harness, `k${key}`, { type, n }, at * 50));
        harness.advance(600);
        harness.restart();
        harness.advance(Infinity);
        return [sent(harness), harness.deadLetters];
      });
      expect(found[0]).toEqual(found[1]);
    }),
  );
});

test('sendToKey inside enqueueActions works where an action of the machine shows it', () => {
  const machine = setup({ actions: { tell: sendToKey({ key: 'b', event: { type: 'x' } }) } }).createMachine({
    on: { go: { actions: enqueueActions(({ enqueue }) => enqueue('tell')) } },
  });
  const harness = own(machine);
  give(harness, 'a', { type: 'go' }, 1);
  expect(sent(harness).map(({ key }) => key)).toEqual(['b']);
});

test('sendToKey that nothing showed before says what to do', () => {
  const machine = createMachine({
    on: { go: { actions: enqueueActions(({ enqueue }) => enqueue(sendToKey({ key: 'b', event: { type: 'x' } }))) } },
  });
  const harness = own(machine);
  give(harness, 'a', { type: 'go' }, 1);
  expect(harness.deadLetters[0]?.message).toMatch(/nothing shows that the machine sends events: name the sendToKey action in setup/);
});
