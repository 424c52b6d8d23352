import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Value } from '../../event/batch.ts';
import type { OpPlan, StatePlan } from '../../plan/physical-plan.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeTransform } from '../make-transform.ts';
import type { ReduceContext } from './reduce.ts';

const TTL: StatePlan = { ttlMs: 10, emits: true };
type Event = { readonly id: string; readonly t: number; readonly n: number };

function harness(op: OpPlan, outputs = ['expired']): StepHarness {
  return new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }), outputs });
}

const total = (state: StatePlan = TTL): OpPlan => ({ kind: 'aggregate', aggregates: { n: { count: {} } }, keyNames: ['id'], state });
/** What its `n` says: 1 sets a timer in 7 ms that adds 100, 0 forgets. */
const withTimers = (): OpPlan =>
  ({
    kind: 'reduce',
    init: (): number => 0,
    step: (sum: number, { n }: Event, context: ReduceContext): number | null => {
      if (n === 1) context.setTimer('later', context.timeMs + 7, { n: 100 });
      return n === 0 ? null : sum + n;
    },
    state: TTL,
  }) as OpPlan;

const count = (value: Value, timeMs: number): string =>
  `${(value as { id: string; n: number }).id}=${(value as { n: number }).n}@${timeMs}`;
const state = (value: Value, timeMs: number): string =>
  `${(value as { key: string }).key}=${String((value as { state: unknown }).state)}@${timeMs}`;

describe('state with a ttl of 10 ms', () => {
  test.each([
    {
      fact: 'expires exactly when the watermark is 10 ms behind its last event',
      events: 'a1 W10 W11',
      emits: 'a=1@1 W10 expired:a=1@11 W11',
    },
    { fact: 'each event puts it off', events: 'a1 W8 a9 W18 W19', emits: 'a=1@1 W8 a=2@9 W18 expired:a=2@19 W19' },
    {
      fact: 'an event that is too late to be of it begins anew, before any watermark',
      events: 'a1 | a11',
      emits: 'a=1@1 expired:a=1@11 a=1@11',
    },
    { fact: 'so it does inside a batch', events: 'a1 a5 a15 a16', emits: 'a=2@5 expired:a=2@15 a=2@16' },
    { fact: 'other keys go on', events: 'a1 b8 W11 b12', emits: 'a=1@1 b=1@8 expired:a=1@11 W11 b=2@12' },
    { fact: 'an older event neither puts it off nor forward', events: 'a9 a2 W18 W19', emits: 'a=2@9 W18 expired:a=2@19 W19' },
    { fact: 'survives restarts, and goes once', events: 'a1 R W10 R W11 R W30', emits: 'a=1@1 W10 expired:a=1@11 W11 W30' },
    { fact: 'at the end everything is over', events: 'a1 b3 Wend', emits: 'a=1@1 b=1@3 expired:a=1@11 expired:b=1@13 Wend' },
  ])('$fact', ({ events, emits }) => expect(harness(total()).play(events).drawn(count)).toBe(emits));
});

test('nothing is given where nobody asks for it, and nothing stays', () => {
  const played = harness(total({ ttlMs: 10, emits: false })).play('a1 b2 W12');
  expect(played.drawn(count)).toBe('a=1@1 b=1@2 W12');
  expect(played.state.cells('node').size()).toBe(0);
  expect(played.state.nextDueMs('node')).toBe(Infinity);
});

test('a timer of the actor puts its end off; at its end all its timers go', () => {
  const played = harness(withTimers()).play('a5=1 W12 W21 W22');
  expect(played.drawn(state)).toBe('W12 W21 expired:a=101@22 W22');
  const early = harness({ ...withTimers(), state: { ttlMs: 3, emits: true } } as OpPlan).play('a5=1 W8 W30');
  expect(early.drawn(state)).toBe('expired:a=1@8 W8 W30');
  expect(early.state.nextDueMs('node')).toBe(Infinity);
});

test('a timer that is due when its actor expires goes with it: the end comes first', () => {
  const played = harness({ ...withTimers(), state: { ttlMs: 7, emits: true } } as OpPlan).play('a5=1 W11 W12 W30');
  expect(played.drawn(state)).toBe('W11 expired:a=1@12 W12 W30');
  expect(played.state.nextDueMs('node')).toBe(Infinity);
});

test('an actor that forgets itself does not expire', () => {
  const played = harness(withTimers()).play('a5=2 a6=0 W30');
  expect(played.drawn(state)).toBe('W30');
  expect(played.state.cells('node').size()).toBe(0);
});

describe("C2 a reducer's end calls its function", () => {
  const op = (expire: unknown): OpPlan => ({ ...withTimers(), state: { ttlMs: 10, emits: false }, expire }) as OpPlan;
  test('exactly once, with the state and the time of its end, across restarts', () => {
    const said = op((sum: number, { key, timeMs }: ReduceContext) => {
      calls.push(`${String(key)} ${sum} ${timeMs}`);
    });
    const calls: string[] = [];
    harness(said).play('a5=2 a6=3 b7=4 R W15 R W16 R W17 W40');
    expect(calls).toEqual(['a 5 16', 'b 4 17']);
  });
  test('what it emits is a result, in a batch and by the watermark', () => {
    const played = harness(op((sum: number, context: ReduceContext) => context.emit({ over: sum }))).play('a5=2 a20=3 W30');
    expect(played.drawn()).toBe('{"over":2} {"over":3} W30');
    expect(played.emissions).toEqual([]);
  });
  test('one that fails is a dead letter with the state, which goes all the same', () => {
    const played = harness(
      op(() => {
        throw new Error('no');
      }),
    ).play('a5=2 W15 W40');
    expect(played.deadLetters).toMatchObject([{ code: 'MR3002', event: { key: 'a', state: 2 }, timeMs: 15, input: null }]);
    expect(played.state.cells('node').size()).toBe(0);
  });
});

test('a machine expires with its state, context and durable timers', () => {
  const machine: OpPlan = {
    kind: 'machine',
    spec: {
      order: 'arrival',
      unhandled: 'deadLetter',
      eventType: "'go'",
      context: { n: 0 },
      initial: 'idle',
      states: { idle: { on: { go: { target: 'busy', actions: [{ assign: { n: 'event.n' } }] } } }, busy: { after: { '50ms': 'idle' } } },
    },
    state: TTL,
  } as OpPlan;
  const played = harness(machine).play('a5=3 W14 R W15 W99');
  const show = (value: Value, timeMs: number): string => `${JSON.stringify(value)}@${timeMs}`;
  expect(played.drawn(show)).toBe('W14 expired:{"key":"a","state":"busy","context":{"n":3}}@15 W15 W99');
  expect(played.state.nextDueMs('node')).toBe(Infinity);
  expect(played.state.cells('node').size()).toBe(0);
});

test('state that was there before there was a ttl (an upgrade) expires too, counted from the first watermark', () => {
  const ops = [{ ...total(), state: undefined } as unknown as OpPlan, total()];
  const played = new StepHarness({
    make: () => makeTransform({ id: 'node', inputs: [], op: ops.shift() as OpPlan }),
    outputs: ['expired'],
  });
  played.play('a1 W5 R W7 W16 W17');
  expect(played.drawn(count)).toBe('a=1@1 W5 W7 W16 expired:a=1@17 W17');
});

test('C2 input in order gives the same however it is cut and whenever it restarts: what splitting each key at its gaps gives', () => {
  const gap = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    after: fc.integer({ min: 0, max: 15 }),
    cut: fc.constantFrom('', '', '|', 'W', 'R'),
  });
  fc.assert(
    fc.property(fc.array(gap, { maxLength: 50 }), (gaps) => {
      const played = harness(total());
      const slow = new Map<string, { n: number; last: number }>();
      const expected: string[] = [];
      let t = 0;
      let drawing = '';
      for (const { id, after, cut } of gaps) {
        t += after;
        drawing += ` ${id}${t} ${cut === 'W' ? `W${t}` : cut}`;
        const known = slow.get(id);
        if (known !== undefined && t >= known.last + 10) expected.push(`expired:${id}=${known.n}@${known.last + 10}`);
        slow.set(id, { n: known === undefined || t >= known.last + 10 ? 1 : known.n + 1, last: t });
      }
      for (const [id, { n, last }] of slow) expected.push(`expired:${id}=${n}@${last + 10}`);
      const drawn = played.play(`${drawing} Wend`).drawn(count).split(' ');
      expect(drawn.filter((text) => text.startsWith('expired:')).sort()).toEqual(expected.sort());
      expect(played.state.cells('node').size()).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('a stream of keys that never come back keeps as many as were there within the ttl', () => {
  const played = harness(total({ ttlMs: 100, emits: false }));
  let most = 0;
  for (let t = 0; t < 50_000; t += 10) {
    played.push(
      Array.from({ length: 10 }, (_, i) => ({ id: `k${t + i}`, timeMs: t + i, n: 1 })),
      0,
    );
    played.advance(t + 9);
    played.state.takeDelta();
    played.emissions.length = 0;
    most = Math.max(most, played.state.cells('node').size());
  }
  expect(most).toBeLessThanOrEqual(2 * 101); // a state and its time
});
