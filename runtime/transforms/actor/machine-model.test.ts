// The transform against XState's own actors: the same machines, run by createActor with a simulated clock, must emit the same
// at the same times, whatever the events, and whatever restarts lie between. (One difference is meant: a timer of an id that
// is pending is replaced, where XState would let both fire. So the machine here cancels before it raises again.)

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { type ActorOptions, type AnyStateMachine, createActor, createMachine, emit, assign, raise, cancel, SimulatedClock } from 'xstate';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeMachine, makeXState } from './machine.ts';

type E = { type: string; n: number };
type A = { context: { n: number }; event: E };
const out = (text: (args: A) => string) => emit((({ context, event }: A) => ({ type: 'out', text: text({ context, event }) })) as never);
const grow = assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 });

/** Each machine twice: as a user declares it, and as XState's own. */
const machines: { name: string; yaml: string; own: AnyStateMachine }[] = [
  {
    name: 'guards, assigns and wildcards',
    yaml: `{ context: { n: 0 }, initial: a, states: {
      a: { on: { x: [{ guard: event.n > 2, target: b, actions: [{ assign: { n: context.n + 1 } }, { emit: { output: out, value: "'x' + string(context.n)" } }] }], '*': { actions: [{ emit: { output: out, value: "'any ' + event.type" } }] } } },
      b: { entry: [{ emit: { output: out, value: "'b'" } }], on: { x: a, y: { target: b, reenter: true } } } } }`,
    own: createMachine({
      context: { n: 0 },
      initial: 'a',
      states: {
        a: {
          on: {
            x: [{ guard: ({ event }: A) => event.n > 2, target: 'b', actions: [grow, out(({ context }) => `x${context.n}`)] }],
            '*': { actions: [out(({ event }) => `any ${event.type}`)] },
          },
        },
        b: { entry: [out(() => 'b')], on: { x: 'a', y: { target: 'b', reenter: true } } },
      },
    } as never) as never,
  },
  {
    name: 'after and delayed raises',
    yaml: `{ context: { n: 0 }, initial: idle, states: {
      idle: { on: { x: busy, y: { actions: [{ cancel: "'late'" }, { raise: { type: z, delay: 13ms, id: "'late'" } }] }, w: { actions: [{ cancel: "'late'" }] }, z: { actions: [{ emit: { output: out, value: "'z'" } }] } } },
      busy: { on: { y: idle }, after: { 7ms: [{ guard: context.n < 3, target: idle, actions: [{ assign: { n: context.n + 1 } }, { emit: { output: out, value: "'timeout ' + string(context.n)" } }] }], 40ms: { target: idle, actions: [{ assign: { n: '0' } }, { emit: { output: out, value: "'long'" } }] } } } } }`,
    own: createMachine({
      context: { n: 0 },
      initial: 'idle',
      states: {
        idle: {
          on: {
            x: 'busy',
            y: { actions: [cancel('late'), raise({ type: 'z' } as never, { delay: 13, id: 'late' })] },
            w: { actions: [cancel('late')] },
            z: { actions: [out(() => 'z')] },
          },
        },
        busy: {
          on: { y: 'idle' },
          after: {
            7: [
              { guard: ({ context }: A) => context.n < 3, target: 'idle', actions: [grow, out(({ context }) => `timeout ${context.n}`)] },
            ],
            40: { target: 'idle', actions: [assign({ n: 0 }), out(() => 'long')] },
          },
        },
      },
    } as never) as never,
  },
  {
    name: 'parallel regions, history and always',
    yaml: `{ context: { n: 0 }, type: parallel, states: {
      left: { initial: work, states: {
        work: { initial: one, on: { z: rest }, states: { one: { on: { x: two } }, two: { entry: [{ emit: { output: out, value: "'two'" } }], on: { x: one } }, was: { type: history } } },
        rest: { on: { z: work.was } } } },
      right: { initial: up, states: {
        up: { on: { y: { actions: [{ assign: { n: context.n + 1 } }, { raise: { type: x } }] } }, always: { guard: context.n >= 3, target: down } },
        down: { entry: [{ assign: { n: '0' } }, { emit: { output: out, value: "'down'" } }], on: { w: up } } } } } }`,
    own: createMachine({
      context: { n: 0 },
      type: 'parallel',
      states: {
        left: {
          initial: 'work',
          states: {
            work: {
              initial: 'one',
              on: { z: 'rest' },
              states: { one: { on: { x: 'two' } }, two: { entry: [out(() => 'two')], on: { x: 'one' } }, was: { type: 'history' } },
            },
            rest: { on: { z: 'work.was' } },
          },
        },
        right: {
          initial: 'up',
          states: {
            up: {
              on: { y: { actions: [grow, raise({ type: 'x' } as never)] } },
              always: { guard: ({ context }: A) => context.n >= 3, target: 'down' },
            },
            down: { entry: [assign({ n: 0 }), out(() => 'down')], on: { w: 'up' } },
          },
        },
      },
    } as never) as never,
  },
];

/** Events with growing times; `restart`: the owner dies after it. */
const history = fc.array(
  fc.record({
    type: fc.constantFrom('x', 'y', 'z', 'w'),
    n: fc.integer({ min: 0, max: 5 }),
    gapMs: fc.integer({ min: 1, max: 20 }),
    restart: fc.boolean(),
  }),
  { maxLength: 40 },
);
type Step = { readonly type: string; readonly n: number; readonly gapMs: number; readonly restart: boolean };
const END_MS = 2_000;

test.each(machines)('$name: as a declared machine', ({ yaml, own }) => {
  const spec = machineSchema.parse(parse(yaml));
  const make = (): ReturnType<typeof makeMachine> => makeMachine({ kind: 'machine', spec: { ...spec, unhandled: 'ignore' } });
  fc.assert(
    fc.property(history, (steps) => {
      expect(byTransform(make, steps, (value) => value as string)).toEqual(byXState(own, steps));
    }),
  );
});

test.each(machines)('$name: as a machine of XState', ({ own }) => {
  const make = (): ReturnType<typeof makeXState> => makeXState({ kind: 'xstate', machine: own, order: 'arrival', unhandled: 'ignore' });
  fc.assert(
    fc.property(history, (steps) => {
      expect(byTransform(make, steps, (value) => (value as { text: string }).text)).toEqual(byXState(own, steps));
    }),
  );
});

function byXState(machine: AnyStateMachine, steps: readonly Step[]): string[] {
  const clock = new SimulatedClock();
  const actor = createActor(machine, { clock } as ActorOptions<AnyStateMachine>);
  const emitted: string[] = [];
  actor.on('out', (event) => emitted.push(`${(event as unknown as { text: string }).text}@${clock.now()}`));
  let started = false;
  for (const { type, n, gapMs } of steps) {
    pass(clock, gapMs);
    // Our actor begins with the first event of its key.
    if (!started) actor.start();
    started = true;
    actor.send({ type, n } as never);
  }
  pass(clock, END_MS - clock.now());
  actor.stop();
  return emitted;
}

/** Ms by ms: one large increment would let a timer see the time at its end. */
function pass(clock: SimulatedClock, ms: number): void {
  for (let i = 0; i < ms; i++) clock.increment(1);
}

function byTransform(make: () => ReturnType<typeof makeMachine>, steps: readonly Step[], show: (value: unknown) => string): string[] {
  const harness = new StepHarness({ make, outputs: ['out'] });
  let timeMs = 0;
  for (const { type, n, gapMs, restart } of steps) {
    timeMs += gapMs;
    harness.advance(timeMs); // a simulated clock fires timers that are due at the time of an event before it
    harness.pushBatch({ values: [{ type, n }], times: [timeMs], keys: ['k'], ingestMs: 0 });
    if (restart) harness.restart();
  }
  harness.advance(END_MS);
  expect(harness.deadLetters).toEqual([]);
  return harness.emissions.flatMap((e) => (e.kind === 'event' && e.output === 'out' ? [`${show(e.value)}@${e.timeMs}`] : []));
}
