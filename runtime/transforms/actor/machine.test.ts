// One row, one fact. A drawing names events by their type: `go5` is an event `go` of the only key at 5 with n = 5;
// `W9` the watermark; `R` a restart from bytes. Emissions are drawn as output:value@time, dead letters as dead:code.

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeMachine } from './machine.ts';
import type { ActorCell } from './actor-cell.ts';

const KEY = 'k';

function harnessFor(yaml: string, outputs: readonly string[] = ['out']): StepHarness {
  const spec = machineSchema.parse(parse(yaml));
  return new StepHarness({ make: () => makeMachine({ kind: 'machine', spec }), outputs, value: ({ id, n }) => ({ type: id, n }) });
}

function play(harness: StepHarness, drawing: string): string {
  for (const token of drawing.split(/\s+/).filter((text) => text !== '..')) {
    const event = /^([a-zA-Z]+)(\d+)(?:=(-?\d+))?$/.exec(token);
    if (token === 'R') harness.restart();
    else if (token === 'Wend') harness.advance(Infinity);
    else if (/^W\d+$/.test(token)) harness.advance(Number(token.slice(1)));
    else if (event !== null) {
      const timeMs = Number(event[2]);
      harness.pushBatch({ values: [{ type: event[1], n: Number(event[3] ?? timeMs) }], times: [timeMs], keys: [KEY], ingestMs: 0 });
    } else throw new Error(`not drawn well: ${token}`);
  }
  const emitted = harness.emissions.flatMap((e) =>
    e.kind === 'event' && e.output !== null ? [`${e.output}:${show(e.value)}@${e.timeMs}`] : [],
  );
  return [...emitted, ...harness.deadLetters.map((letter) => `dead:${letter.code}`)].join(' ');
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const emit = (value: string): string => `{ emit: { output: out, value: "${value}" } }`;
const note = emit("event.type + '/' + string(timeMs)");

test.each([
  {
    fact: 'an event takes the machine to the target, and its actions emit at the time of the event',
    machine: `{ initial: a, states: { a: { on: { go: { target: b, actions: [${emit("'left a'")}] } } }, b: { on: { go: { target: a, actions: [${emit("'left b'")}] } } } } }`,
    play: 'go1 go5',
    out: 'out:left a@1 out:left b@5',
  },
  {
    fact: 'the first transition whose guard holds is taken',
    machine: `{ initial: a, states: { a: { on: { go: [{ guard: event.n > 5, actions: [${emit("'high'")}] }, { guard: event.n > 2, actions: [${emit("'middle'")}] }] } } } }`,
    play: 'go1=9 go2=3 go3=1',
    out: 'out:high@1 out:middle@2',
  },
  {
    fact: 'assign changes the context for the actions after it, of this and later events',
    machine: `{ context: { sum: 0 }, initial: a, states: { a: { on: { go: { actions: [{ assign: { sum: context.sum + event.n } }, ${emit('context.sum')}] } } } } }`,
    play: 'go1 go2 go3',
    out: 'out:1@1 out:3@2 out:6@3',
  },
  {
    fact: 'an emitted value may be an object of fields, and key is the actor’s key',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [{ emit: { output: out, value: { who: key, n: event.n } } }] } } } } }`,
    play: 'go4',
    out: 'out:{"who":"k","n":4}@4',
  },
  {
    fact: 'a raised event is taken at once, before the next event',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [{ raise: { type: inner, data: { x: event.n * 2 } } }] }, inner: { actions: [${emit('event.x')}] } } } } }`,
    play: 'go1 go2',
    out: 'out:2@1 out:4@2',
  },
  {
    fact: 'always is taken as soon as its guard holds',
    machine: `{ context: { n: 0 }, initial: a, states: { a: { on: { go: { actions: [{ assign: { n: context.n + 1 } }] } }, always: { guard: context.n >= 2, target: b } }, b: { entry: [${emit("'b'")}] } } }`,
    play: 'go1 go2',
    out: 'out:b@2',
  },
  {
    fact: 'after is a timer from the time of entering, fired by the watermark at its own time',
    machine: `{ initial: a, states: { a: { on: { go: b } }, b: { after: { 10ms: { target: a, actions: [${note}] } } } } }`,
    play: 'go5 W14 W30',
    out: 'out:xstate.after.10.machine.b/15@15',
  },
  {
    fact: 'leaving the state clears its after timer',
    machine: `{ initial: a, states: { a: { on: { go: b } }, b: { on: { go: a }, after: { 10ms: { actions: [${note}] } } } } }`,
    play: 'go5 go8 W30',
    out: '',
  },
  {
    fact: 'a timer survives a restart',
    machine: `{ initial: a, states: { a: { on: { go: b } }, b: { after: { 10ms: { target: a, actions: [${note}] } } } } }`,
    play: 'go5 R W14 R W15',
    out: 'out:xstate.after.10.machine.b/15@15',
  },
  {
    fact: 'a chain of timers starts each at the time of the one before',
    machine: `{ initial: a, states: { a: { after: { 10ms: { target: b, actions: [${note}] } }, on: { go: {} } }, b: { after: { 5ms: { target: c, actions: [${note}] } } }, c: {} } }`,
    play: 'go1 W100',
    out: 'out:xstate.after.10.machine.a/11@11 out:xstate.after.5.machine.b/16@16',
  },
  {
    fact: 'a delayed raise comes back as an event with its data at its time',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [{ raise: { type: late, delay: 10ms, data: { n: event.n } } }] }, late: { actions: [${emit("event.type + string(event.n) + '/' + string(timeMs)")}] } } } } }`,
    play: 'go1 go3 W12 W13',
    out: 'out:late1/11@11 out:late3/13@13',
  },
  {
    fact: 'a delay may be computed, in ms',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [{ raise: { type: late, delay: event.n * 2 } }] }, late: { actions: [${note}] } } } } }`,
    play: 'go4 W100',
    out: 'out:late/12@12',
  },
  {
    fact: 'cancel clears the timer of that id only',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [{ raise: { type: late, delay: 10ms, id: string(event.n), data: { n: event.n } } }] }, stop: { actions: [{ cancel: string(event.n) }] }, late: { actions: [${emit('event.n')}] } } } } }`,
    play: 'go1 go2 stop3=1 W100',
    out: 'out:2@12',
  },
  {
    fact: 'the same id again replaces the timer',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [{ raise: { type: late, delay: 10ms, id: "'x'" } }] }, late: { actions: [${note}] } } } } }`,
    play: 'go1 go5 W100',
    out: 'out:late/15@15',
  },
  {
    fact: 'a wildcard takes what nothing else takes, and counts as handled',
    machine: `{ initial: a, states: { a: { on: { go: {}, '*': { actions: [${note}] } } } } }`,
    play: 'go1 what2',
    out: 'out:what/2@2',
  },
  {
    fact: 'parallel regions take an event each, and share the context',
    machine: `{ context: { n: 0 }, type: parallel, states: { x: { initial: a, states: { a: { on: { go: b } }, b: { entry: [${emit("'x.b'")}] } } }, y: { initial: a, states: { a: { on: { go: b } }, b: { entry: [${emit("'y.b'")}] } } } } }`,
    play: 'go1 R',
    out: 'out:x.b@1 out:y.b@1',
  },
  {
    fact: 'history remembers the state that was left, over a restart',
    machine: `{ initial: work, states: { work: { initial: one, on: { pause: rest }, states: { one: { on: { go: two } }, two: { on: { ask: { actions: [${emit("'two'")}] } } }, was: { type: history } } }, rest: { on: { back: work.was } } } }`,
    play: 'go1 pause2 R back3 R ask4',
    out: 'out:two@4',
  },
  {
    fact: 'deep history remembers the states below too',
    machine: `{ initial: work, states: { work: { initial: one, on: { pause: rest }, states: { one: { initial: a, states: { a: { on: { go: b } }, b: { on: { ask: { actions: [${emit("'b'")}] } } } } }, was: { type: history, history: deep } } }, rest: { on: { back: work.was } } } }`,
    play: 'go1 pause2 R back3 ask4',
    out: 'out:b@4',
  },
  {
    fact: 'a nested final state raises onDone of its parent',
    machine: `{ initial: work, states: { work: { initial: a, states: { a: { on: { go: end } }, end: { type: final } }, onDone: { target: rest, actions: [${emit("'done'")}] } }, rest: {} } }`,
    play: 'go1',
    out: 'out:done@1',
  },
  {
    fact: 'a final state forgets the actor and its timers; the next event begins a new one',
    machine: `{ context: { n: 0 }, initial: a, states: { a: { on: { go: { actions: [{ assign: { n: context.n + 1 } }, ${emit('context.n')}, { raise: { type: late, delay: 10ms } }] }, stop: end, late: { actions: [${note}] } } }, end: { type: final } } }`,
    play: 'go1 go2 stop3 W9 go20 W25 stop26 W99',
    out: 'out:1@1 out:2@2 out:1@20',
  },
  {
    fact: 'exit actions run before those of the transition and of the next entry',
    machine: `{ initial: a, states: { a: { exit: [${emit("'exit'")}], on: { go: { target: b, actions: [${emit("'go'")}] } } }, b: { entry: [${emit("'entry'")}] } } }`,
    play: 'go1',
    out: 'out:exit@1 out:go@1 out:entry@1',
  },
  {
    fact: 'reenter leaves and enters the state again',
    machine: `{ initial: a, states: { a: { entry: [${emit("'in'")}], on: { go: { target: a, reenter: true } } } } }`,
    play: 'go1 go2',
    out: 'out:in@1 out:in@1 out:in@2',
  },
  {
    fact: 'an event that no active state has a transition for is a dead letter',
    machine: `{ initial: a, states: { a: { on: { go: b } }, b: {} } }`,
    play: 'what1 go2 go3',
    out: 'dead:MR3003 dead:MR3003',
  },
  {
    fact: 'an event that all guards refused is handled',
    machine: `{ initial: a, states: { a: { on: { go: { guard: 'false', target: b } } }, b: {} } }`,
    play: 'go1',
    out: '',
  },
  {
    fact: 'unhandled: ignore drops it',
    machine: `{ unhandled: ignore, initial: a, states: { a: {} } }`,
    play: 'go1',
    out: '',
  },
  {
    fact: 'a throwing guard makes a dead letter and leaves the actor as it was',
    machine: `{ initial: a, states: { a: { on: { go: { guard: event.missing > 1, target: b }, ask: { actions: [${emit("'still a'")}] } } }, b: {} } }`,
    play: 'go1 ask2',
    out: 'out:still a@2 dead:MR3002',
  },
  {
    fact: 'an action that throws undoes the emissions, assigns and timers before it',
    machine: `{ context: { n: 0 }, initial: a, states: { a: { on: { go: { actions: [{ assign: { n: '7' } }, ${emit("'lost'")}, { raise: { type: late, delay: 1ms } }, { emit: { output: out, value: event.missing } }] }, late: { actions: [${note}] }, ask: { actions: [${emit('context.n')}] } } } } }`,
    play: 'go1 W50 ask60',
    out: 'out:0@60 dead:MR3002',
  },
  {
    fact: 'a timer whose actions throw is a dead letter, once',
    machine: `{ initial: a, states: { a: { on: { go: b, ask: {} } }, b: { on: { ask: { actions: [${emit("'b'")}] } }, after: { 5ms: { target: a, actions: [{ assign: { x: event.missing } }] } } } } }`,
    play: 'go1 W50 ask60',
    out: 'out:b@60 dead:MR3002',
  },
  {
    fact: 'an endless loop of always ends with a dead letter',
    machine: `{ context: { n: 0 }, initial: a, states: { a: { on: { go: b, ask: { actions: [${emit("'a'")}] } } }, b: { always: c }, c: { always: b } } }`,
    play: 'go1 ask2',
    out: 'out:a@2 dead:MR3002',
  },
  {
    fact: 'a late event is taken as it comes (order: arrival)',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [${note}] } } } } }`,
    play: 'go9 go3',
    out: 'out:go/9@9 out:go/3@3',
  },
  {
    fact: 'at the end of the input all timers fire, but a periodic one only once more',
    machine: `{ initial: a, states: { a: { on: { go: {} }, after: { 10ms: { target: b, actions: [${note}] } } }, b: { after: { 7ms: { target: a, actions: [${note}] } } } } }`,
    play: 'go1 W20 Wend',
    out: 'out:xstate.after.10.machine.a/11@11 out:xstate.after.7.machine.b/18@18 out:xstate.after.10.machine.a/28@28 out:xstate.after.7.machine.b/35@35',
  },
  {
    fact: 'a raise without id that repeats itself ends with the input, too',
    machine: `{ initial: a, states: { a: { on: { go: { actions: [{ raise: { type: go, delay: 10ms } }, ${note}] } } } } }`,
    play: 'go1 Wend',
    out: 'out:go/1@1 out:go/11@11',
  },
])('$fact', ({ machine, play: drawing, out }) => {
  expect(play(harnessFor(machine), drawing)).toBe(out);
  // The same with a restart after every token: everything that matters lies in cells and timers.
  const restarted = drawing.split(/\s+/).join(' R ');
  expect(play(harnessFor(machine), restarted)).toBe(out);
});

test('the main output carries all emissions in order, with keys', () => {
  const harness = harnessFor(
    `{ initial: a, states: { a: { on: { go: { actions: [{ emit: { output: x, value: event.n } }, { emit: { output: y, value: event.n + 1 } }] } } } } }`,
    ['x', 'y'],
  );
  harness.pushBatch({
    values: [
      { type: 'go', n: 1 },
      { type: 'go', n: 5 },
    ],
    times: [1, 2],
    keys: ['a', 'b'],
    ingestMs: 0,
  });
  const drawn = harness.emissions.map((e) => (e.kind === 'event' ? `${e.output ?? 'main'}:${String(e.value)}/${e.key}` : ''));
  expect(drawn).toEqual(['main:1/a', 'main:2/a', 'main:5/b', 'main:6/b', 'x:1/a', 'x:5/b', 'y:2/a', 'y:6/b']);
});

test('keys have actors of their own', () => {
  const harness = harnessFor(
    `{ context: { n: 0 }, initial: a, states: { a: { on: { go: { actions: [{ assign: { n: context.n + 1 } }, { emit: { output: out, value: "key + string(context.n)" } }] } } } } }`,
  );
  harness.pushBatch({ values: Array(4).fill({ type: 'go' }), times: [1, 2, 3, 4], keys: ['a', 'b', 'a', 'b'], ingestMs: 0 });
  expect(harness.emissions.flatMap((e) => (e.kind === 'event' && e.output === 'out' ? [e.value] : []))).toEqual(['a1', 'b1', 'a2', 'b2']);
});

test('a dead letter names the expression, its place in the machine and the values', () => {
  const harness = harnessFor(`{ initial: a, states: { a: { on: { go: { guard: event.x.y > 1, target: a } } } } }`);
  play(harness, 'go1 other2');
  expect(harness.deadLetters.map((letter) => letter.message)).toEqual([
    'MR3002 TransformFailed: node: states.a.on.go.guard: event has no field x; it has type, n',
    'MR3003 EventUnhandled: machine node in state a handles no event other',
  ]);
});

test('eventType reads the type from elsewhere; an event without one is a dead letter', () => {
  const spec = machineSchema.parse(
    parse(
      `{ eventType: event.kind, initial: a, states: { a: { on: { up: { actions: [{ emit: { output: out, value: event.kind } }] } } } } }`,
    ),
  );
  const harness = new StepHarness({ make: () => makeMachine({ kind: 'machine', spec }), outputs: ['out'] });
  harness.pushBatch({ values: [{ kind: 'up' }, { kind: 5 }, 'text'], times: [1, 2, 3], keys: ['a', 'a', 'a'], ingestMs: 0 });
  expect(harness.emissions.filter((e) => e.kind === 'event' && e.output === 'out')).toHaveLength(1);
  expect(harness.deadLetters.map((letter) => letter.code)).toEqual(['MR3002', 'MR3002']);
});

test('all mistakes of a declared machine are found at once, with their paths', () => {
  const spec = machineSchema.parse(
    parse(`{ initial: a, states: { a: { on: { go: { guard: 'event.x +', actions: [{ assign: { n: contxt.n } }, {}] } } } } }`),
  );
  expect(() => makeMachine({ kind: 'machine', spec })).toThrow(/machine: 3 mistakes/);
  expect(() => makeMachine({ kind: 'machine', spec })).toThrow(
    /machine\.states\.a\.on\.go\.actions\.0\.assign: n: unknown name contxt; did you mean context/,
  );
});

test('a target that is not there is a bad declaration', () => {
  const spec = machineSchema.parse(parse(`{ initial: a, states: { a: { on: { go: nowhere } } } }`));
  expect(() => makeMachine({ kind: 'machine', spec })).toThrow(/nowhere/);
});

test('a cell is plain data', () => {
  const harness = harnessFor(
    `{ context: { n: 0 }, initial: work, states: { work: { initial: one, on: { pause: rest }, states: { one: { on: { go: two } }, two: {}, was: { type: history } } }, rest: { on: { back: work.was } } } }`,
  );
  play(harness, 'go1 pause2');
  const cell = harness.state.cells('node').get(0, KEY) as ActorCell;
  expect(JSON.parse(JSON.stringify(cell))).toEqual({
    value: 'rest',
    context: { n: 0 },
    history: { 'machine.work.was': ['machine.work.two'] },
  });
});

test('an actor of an older declaration gets the fields of the context that are new, with their initial values', () => {
  const machine = (context: string): ReturnType<typeof machineSchema.parse> =>
    machineSchema.parse(
      parse(
        `{ context: ${context}, initial: a, states: { a: { on: { go: { actions: [{ assign: { sum: context.sum + 1 } }, ${emit('context')}] } } } } }`,
      ),
    );
  const next = [machine('{ sum: 0 }'), machine('{ sum: 5, limit: 9 }')];
  const harness = new StepHarness({
    make: () => makeMachine({ kind: 'machine', spec: next.shift()! }),
    outputs: ['out'],
    value: ({ id, n }) => ({ type: id, n }),
  });
  expect(play(harness, 'go1 R go2')).toBe('out:{"sum":1}@1 out:{"sum":2,"limit":9}@2');
});
