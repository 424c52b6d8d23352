// How a lookup asks: retries, time-outs, the cache, the breaker. Time is drawn.

import { expect, test } from 'vitest';
import type { LookupSpec } from '../../crds/stream-job/lookup.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { Question } from '../transforms/outside.ts';
import { LookupDesk, type LookupDeskParts, type Try } from './lookup-desk.ts';

const question = (n: number): Question => ({ kind: 'http', url: `http://x/${n}`, method: 'GET', headers: {}, body: null });
const forever = new AbortController().signal;
const away: Try = { kind: 'failed', problem: 'away', again: true };

type Limits = Partial<Omit<LookupDeskParts['op'], 'spec'>> & { readonly retries?: number };

class World {
  readonly clock = new VirtualClock();
  readonly calls: number[] = [];
  readonly desk: LookupDesk;

  /** `answer`: what the n-th call gives, and how long it takes. */
  constructor(limits: Limits, answer: (call: number) => { readonly gives: Try; readonly afterMs?: number }) {
    const { retries = 3, ...rest } = limits;
    const spec = { retries, timeout: '1s' } as LookupSpec;
    this.desk = new LookupDesk({
      op: { spec, timeoutMs: 1_000, backoffMs: 100, backoffMaxMs: 250, cache: null, breaker: null, ...rest },
      clock: this.clock,
      call: async (_question, signal) => {
        this.calls.push(this.clock.monotonicMs());
        const { gives, afterMs = 0 } = answer(this.calls.length);
        await this.clock.sleep(afterMs, signal);
        return gives;
      },
    });
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.clock.run(work());
  }
}

const value = (of: unknown): Try => ({ kind: 'answer', value: of });

test('what failed is asked again after waits that double, up to the last retry', async () => {
  const world = new World({}, () => ({ gives: away }));
  expect(await world.run(() => world.desk.ask(question(1), forever))).toMatchObject({ kind: 'failed', problem: 'away', attempts: 4 });
  expect(world.calls).toEqual([0, 100, 300, 550]);
});

test('whoever asks hears of each try that another one follows, with why and the wait; whoever gets the answer of somebody else of none', async () => {
  const world = new World({ cache: { size: 10, ttlMs: 1_000 } }, (call) => ({ gives: call <= 2 ? away : value(call) }));
  const heard: unknown[] = [];
  const ask = (who: string): Promise<unknown> =>
    world.desk.ask(question(1), forever, ({ attempt, problem, waitMs }) => heard.push([who, { attempt, problem, waitMs }]));
  await world.run(() => Promise.all([ask('first'), ask('second')]));
  expect(heard).toEqual([
    ['first', { attempt: 1, problem: 'away', waitMs: 100 }],
    ['first', { attempt: 2, problem: 'away', waitMs: 200 }],
  ]);
});

test('an answer that comes late counts as none, and the question is asked again', async () => {
  const world = new World({}, (call) => ({ gives: value(call), afterMs: call === 1 ? 60_000 : 10 }));
  expect(await world.run(() => world.desk.ask(question(1), forever))).toEqual({ kind: 'answer', value: 2 });
  expect(world.calls).toEqual([0, 1_100]);
  const never = new World({ retries: 1 }, () => ({ gives: value(1), afterMs: 60_000 }));
  expect(await never.run(() => never.desk.ask(question(1), forever))).toMatchObject({ problem: 'no answer within 1s', attempts: 2 });
});

test('what would fail again is not asked again', async () => {
  const world = new World({}, () => ({ gives: { kind: 'failed', problem: 'a wrong question', again: false } }));
  expect(await world.run(() => world.desk.ask(question(1), forever))).toMatchObject({ attempts: 1 });
});

test('G3 the cache: equal questions are asked once, also when they are under way; until they are too old, or there are too many', async () => {
  const world = new World({ cache: { size: 2, ttlMs: 1_000 } }, (call) => ({ gives: value(call), afterMs: 10 }));
  const { desk, clock } = world;
  await world.run(async () => {
    expect(await Promise.all([1, 1, 2].map((n) => desk.ask(question(n), forever)))).toEqual([value(1), value(1), value(2)]);
    await clock.sleep(900);
    expect(await desk.ask(question(1), forever)).toEqual(value(1));
    await clock.sleep(200);
    expect(await desk.ask(question(1), forever)).toEqual(value(3));
    await desk.ask(question(4), forever); // the longest unused goes: 2
    expect(await desk.ask(question(1), forever)).toEqual(value(3));
    expect(await desk.ask(question(2), forever)).toEqual(value(5));
  });
});

test('a failure is not kept', async () => {
  const world = new World({ cache: { size: 9, ttlMs: 1_000 }, retries: 0 }, (call) => ({ gives: call === 1 ? away : value(call) }));
  await world.run(async () => {
    expect(await world.desk.ask(question(1), forever)).toMatchObject({ kind: 'failed' });
    expect(await world.desk.ask(question(1), forever)).toEqual(value(2));
  });
});

test('the breaker: when who tries ends meanwhile, as a task that moves does, another one tries', async () => {
  const world = new World({ breaker: { failures: 1, openMs: 1_000 }, retries: 9, backoffMs: 10 }, (call) => ({
    gives: call === 1 ? away : value(call),
    afterMs: 500,
  }));
  const moves = new AbortController();
  await world.run(async () => {
    const first = world.desk.ask(question(1), moves.signal);
    await world.clock.sleep(600); // it failed, and will be the first to try
    const second = world.desk.ask(question(2), forever);
    await world.clock.sleep(1_000);
    expect(world.calls).toEqual([0, 1_500]);
    moves.abort();
    expect(await first).toBeNull();
    expect(await Promise.race([second, world.clock.sleep(60_000)])).toEqual(value(3));
  });
});

test('the breaker: after so many failures nobody asks for a while, then one tries; waiting is no try', async () => {
  const world = new World({ breaker: { failures: 3, openMs: 5_000 }, retries: 5, backoffMs: 10, backoffMaxMs: 10 }, (call) => ({
    gives: call < 5 ? away : value(call),
    afterMs: 100,
  }));
  await world.run(async () => {
    const replies = await Promise.all([1, 2, 3].map((n) => world.desk.ask(question(n), forever)));
    expect(replies.map((reply) => reply?.kind)).toEqual(['answer', 'answer', 'answer']);
  });
  // Three fail together; one tries after five seconds and fails; one more after ten.
  expect(world.calls.slice(0, 3)).toEqual([0, 0, 0]);
  expect(world.calls[3]).toBe(5_100);
  expect(world.calls[4]).toBe(10_200);
  expect(world.calls.slice(5).every((atMs) => atMs >= 10_300)).toBe(true);
});

test('asked to end, it ends at once and says nothing', async () => {
  const ends = new AbortController();
  const world = new World({ breaker: { failures: 1, openMs: 1e9 } }, () => ({ gives: away }));
  await world.run(async () => {
    const asked = world.desk.ask(question(1), ends.signal);
    await world.clock.sleep(50);
    ends.abort();
    expect(await asked).toBeNull();
  });
});
