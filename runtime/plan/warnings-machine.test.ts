// What is said of a machine before it runs: each fact for a machine declared in YAML and for one made with XState.

import { expect, test } from 'vitest';
import { assign, createMachine, fromPromise, raise, sendParent, sendTo, setup, spawnChild } from 'xstate';
import { parse } from 'yaml';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { sendToKey } from '../job/send-to-key.ts';
import { findWarnings, validateJob } from './validate.ts';

function jobOf(stage: object): Parameters<typeof validateJob>[0] {
  return streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [{ name: 's', file: { path: 's.ndjson' }, eventTime: { at: 'event.at' } }],
      stages: [{ name: 'm', from: 's', keyBy: 'event.id', ...stage }],
      sinks: [{ name: 'out', from: 's', file: { path: 'out.ndjson' } }],
    },
  });
}

/** Without the place of the stage, and without what is said of its outputs. */
function said(stage: object): readonly string[] {
  const job = jobOf(stage);
  expect(validateJob(job)).toEqual([]);
  return findWarnings(job)
    .filter(({ message }) => !message.startsWith('nothing reads'))
    .map(({ path, message }) => `${path.replace(/^spec\.stages\[0\]\.(machine|xstate\.machine)\.?/, '')}: ${message}`);
}
const ofYaml = (text: string): readonly string[] => said({ machine: parse(text) as object });
const ofXState = (machine: unknown): readonly string[] => said({ xstate: { machine } });

test('a state that nothing enters', () => {
  const says = ['states.island: the state "island" is never entered'];
  expect(ofYaml('{ initial: a, states: { a: { on: { x: a } }, island: { on: { x: a } } } }')).toEqual(says);
  expect(ofXState(createMachine({ initial: 'a', states: { a: { on: { x: 'a' } }, island: { on: { x: 'a' } } } }))).toEqual(says);
});

test('a state that is reached by its id is entered', () => {
  const machine = createMachine({ initial: 'a', states: { a: { on: { x: '#far' } }, b: { id: 'far', on: { x: '#(machine).a' } } } });
  expect(ofXState(machine)).toEqual([]);
});

test('a state that cannot be left and is not final', () => {
  const says = ['states.end: the state "end" can\'t be left and is not final: its actors are kept for ever'];
  expect(ofYaml('{ initial: a, states: { a: { on: { x: end } }, end: {} } }')).toEqual(says);
  expect(ofXState(createMachine({ initial: 'a', states: { a: { on: { x: 'end' } }, end: {} } }))).toEqual(says);
});

test('an event that is raised and that no state handles', () => {
  expect(ofYaml('{ initial: a, states: { a: { on: { x: { actions: [{ raise: { type: tick } }] } } } } }')).toEqual([
    'states.a.on.x.actions[0].raise.type: no state handles the raised event "tick"',
  ]);
  const machine = createMachine({ initial: 'a', states: { a: { on: { x: { actions: raise({ type: 'tick' }) } } } } });
  expect(ofXState(machine)).toEqual(['states.a.on.x[0].actions[0].raise.type: no state handles the raised event "tick"']);
});

test('an event that is sent to another key and that no state handles', () => {
  expect(ofYaml('{ initial: a, states: { a: { on: { x: { actions: [{ sendTo: { key: "key", type: tick } }] } } } } }')).toEqual([
    'states.a.on.x.actions[0].sendTo.type: no state handles the sent event "tick"',
  ]);
  const machine = setup({ actions: { tell: sendToKey({ key: 'k', event: { type: 'tick' } }) } }).createMachine({
    on: { x: { actions: 'tell' } },
  });
  expect(ofXState(machine)).toEqual(['on.x[0].actions[0].sendTo.type: no state handles the sent event "tick"']);
});

test('the one type of all events, which no state handles', () => {
  expect(ofYaml(`{ eventType: "'add'", initial: a, states: { a: { on: { ad: a } } } }`)).toEqual([
    'eventType: no state handles "add", the type that all events have',
  ]);
  expect(ofYaml(`{ eventType: "'add'", initial: a, states: { a: { on: { '*': a } } } }`)).toEqual([]);
});

test('a guard that is always false', () => {
  const says = 'the guard is always false: its transition is never taken';
  expect(ofYaml('{ initial: a, states: { a: { on: { x: { guard: "1 > 2", target: a } } } } }')).toEqual([`states.a.on.x.guard: ${says}`]);
  const contradicting = '{ initial: a, states: { a: { on: { x: { guard: "event.n > 5 && event.n < 3", target: a } } } } }';
  expect(ofYaml(contradicting)).toEqual([`states.a.on.x.guard: ${says}`]);
  const machine = createMachine({ initial: 'a', states: { a: { on: { x: { guard: () => false, target: 'a' } } } } });
  expect(ofXState(machine)).toEqual([`states.a.on.x[0].guard: ${says}`]);
});

test('a transition behind one without guard', () => {
  const says = ['states.a.on.x[1]: the transition is never taken: the one before it has no guard'];
  expect(ofYaml('{ initial: a, states: { a: { on: { x: [{ target: a }, { target: b }] } }, b: { on: { x: a } } } }')).toEqual(says);
  const machine = createMachine({
    initial: 'a',
    states: { a: { on: { x: [{ target: 'a' }, { target: 'b' }] } }, b: { on: { x: 'a' } } },
  });
  expect(ofXState(machine)).toEqual(says);
});

test('after without bound: timers that lead round for ever', () => {
  const says = 'timers lead round a → b → a without end: an actor that has come here wakes itself for ever';
  expect(ofYaml('{ initial: a, states: { a: { after: { 1s: b } }, b: { after: { 2s: a } } } }')).toEqual([`states.a.after["1s"]: ${says}`]);
  const machine = createMachine({ initial: 'a', states: { a: { after: { 1000: 'b' } }, b: { after: { 2000: 'a' } } } });
  expect(ofXState(machine)).toEqual([`states.a.after["1000"][0]: ${says}`]);
  expect(
    ofYaml('{ initial: a, states: { a: { after: { 1s: { guard: "key == event.id", target: b } } }, b: { after: { 2s: a } } } }'),
  ).toEqual([]);
});

test('after without bound: a time that no timer can wait', () => {
  const job = jobOf({
    xstate: { machine: createMachine({ initial: 'a', states: { a: { after: { 9e15: 'b' } }, b: { on: { x: 'a' } } } }) },
  });
  expect(validateJob(job).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'spec.stages[0].xstate.machine.states.a.after["9000000000000000"]: 9000000000000000 ms is longer than 36500d: such a timer never fires',
  ]);
  const declared = jobOf({ machine: { initial: 'a', states: { a: { after: { '100000d': 'b' } }, b: { on: { x: 'a' } } } } });
  expect(validateJob(declared).map(({ message }) => message)).toEqual(['100000d is longer than 36500d']);
});

test('context that only grows', () => {
  const says = 'context.all only grows: every assignment adds to it, until the actor is larger than stateBytesMax and refuses events';
  const grows = (more: string): string =>
    `{ context: { all: [], sum: 0 }, initial: a, states: { a: { on: { x: { actions: [{ assign: { all: 'context.all + [event.n]', sum: context.sum + event.n } }] }${more} } } } }`;
  expect(ofYaml(grows(''))).toEqual([`states.a.on.x.actions[0].assign.all: ${says}`]);
  expect(ofYaml(grows(', clear: { actions: [{ assign: { all: "[]" } }] }'))).toEqual([]);
  const own = (more: object): unknown =>
    createMachine({
      context: { all: [] as number[], sum: 0 },
      on: {
        x: { actions: assign({ all: ({ context, event }) => [...context.all, event.n as number], sum: ({ context }) => context.sum + 1 }) },
        ...more,
      },
    } as never);
  expect(ofXState(own({}))).toEqual([`on.x.actions: ${says}`]);
  expect(ofXState(own({ clear: { actions: assign({ all: () => [] }) } }))).toEqual([]);
  const last = createMachine({
    context: { all: [] as number[] },
    on: { x: { actions: assign({ all: ({ context, event }) => [...context.all, event.n as number].slice(-9) }) } },
  } as never);
  expect(ofXState(last)).toEqual([]);
});

const work = fromPromise(() => Promise.resolve(1));

test.each([
  {
    what: 'invoke',
    machine: createMachine({ initial: 'a', states: { a: { invoke: { src: work } } } }),
    at: 'states.a.invoke',
    says: /invokes an actor: .*emit an event, and join or key its answer back/,
  },
  {
    what: 'spawnChild',
    machine: createMachine({ entry: spawnChild(work), on: { x: {} } }),
    at: 'entry',
    says: /spawnChild: .*synchronous/,
  },
  {
    what: 'sendTo',
    machine: createMachine({ on: { x: { actions: sendTo('other', { type: 'y' }) } } }),
    at: 'on.x.actions',
    says: /sendTo has no receiver in a keyed machine; sendToKey from millrace/,
  },
  {
    what: 'sendParent, behind a name',
    machine: setup({ actions: { tell: sendParent({ type: 'y' }) } }).createMachine({ on: { x: { actions: 'tell' } } }),
    at: 'on.x.actions',
    says: /has no receiver in a keyed machine/,
  },
])('$what needs a live system: refused at declaration, with the alternative', ({ machine, at, says }) => {
  const [issue, ...more] = validateJob(jobOf({ xstate: { machine } }));
  expect(more).toEqual([]);
  expect(issue?.path).toBe(`spec.stages[0].xstate.machine.${at}`);
  expect(issue?.message).toMatch(says);
});

test('what is in no way wrong is not warned of', () => {
  expect(
    ofYaml(
      '{ type: parallel, states: { l: { initial: a, states: { a: { on: { x: b } }, b: { on: { x: h } }, h: { type: history } } }, r: { initial: c, states: { c: { on: { "*": d } }, d: { type: final } } } } }',
    ),
  ).toEqual([]);
});

test('a timer for which its actor does not live', () => {
  const says = (place: string): string =>
    `${place}: after 2d is not below state.ttl 1d: the actor of a key that is quiet for 1d is forgotten before, and this never happens`;
  const state = { ttl: '1d' };
  const declared = (after: string): unknown =>
    parse(`{ initial: a, states: { a: { on: { x: b }, after: { ${after} } }, b: { type: final } } }`);
  const own = (after: number | string): unknown =>
    createMachine(
      { initial: 'a', states: { a: { on: { x: 'b' }, after: { [after]: { target: 'b' } } }, b: { type: 'final' } } } as object,
      { delays: { later: 9 } },
    );
  expect(said({ machine: declared('2d: b'), state })).toEqual([says('states.a.after["2d"]')]);
  expect(said({ xstate: { machine: own(2 * 86_400_000) }, state })).toEqual([says('states.a.after["172800000"]')]);
  for (const machine of [declared('23h: b'), declared('2h: { actions: [{ assign: { n: "1" } }] }, 2d: b')])
    expect(said({ machine, state })).toEqual([]);
  expect(said({ machine: declared('2d: b') })).toEqual([]);
  for (const machine of [own(23 * 3_600_000), own('later')]) expect(said({ xstate: { machine }, state })).toEqual([]);
});
