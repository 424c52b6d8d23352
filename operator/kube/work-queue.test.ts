// The queue under drawn time: what is worked on is written as `time:key`, `+` begins and `-` ends.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { type WorkFailure, type WorkOutcome, WorkQueue } from './work-queue.ts';

type Case = {
  readonly fact: string;
  readonly workersMax?: number;
  readonly workMs?: number;
  /** What is added when, `5 a/x` after 5 ms. */
  readonly adds: readonly string[];
  /** How work on a key ends, the first time, the second …; then it is done. */
  readonly ends?: Readonly<Record<string, readonly WorkOutcome[]>>;
  readonly tells: string;
};

const failed: WorkOutcome = { kind: 'failed', reason: 'so' };

test.each<Case>([
  { fact: 'a key that is added twice is worked on once', adds: ['0 a/x', '0 a/x'], tells: '0:+a/x 10:-a/x' },
  {
    fact: 'a key that is added while it is worked on is worked on again',
    adds: ['0 a/x', '3 a/x', '4 a/x'],
    tells: '0:+a/x 10:-a/x 10:+a/x 20:-a/x',
  },
  { fact: 'no two workers have one key', workersMax: 2, adds: ['0 a/x', '1 a/x'], tells: '0:+a/x 10:-a/x 10:+a/x 20:-a/x' },
  { fact: 'two keys have two workers', workersMax: 2, adds: ['0 a/x', '0 a/y'], tells: '0:+a/x 0:+a/y 10:-a/x 10:-a/y' },
  {
    fact: 'one worker takes keys in the order they came',
    adds: ['0 a/x', '1 a/y', '2 a/z'],
    tells: '0:+a/x 10:-a/x 10:+a/y 20:-a/y 20:+a/z 30:-a/z',
  },
  {
    fact: 'a namespace with many keys does not hold up another',
    adds: ['0 a/1', '1 a/2', '2 a/3', '3 b/1'],
    tells: '0:+a/1 10:-a/1 10:+a/2 20:-a/2 20:+b/1 30:-b/1 30:+a/3 40:-a/3',
  },
  { fact: 'a key waits for its time', adds: ['0 a/x after 100'], tells: '100:+a/x 110:-a/x' },
  { fact: 'of two dates the earlier counts', adds: ['0 a/x after 100', '1 a/x after 50', '2 a/x after 70'], tells: '51:+a/x 61:-a/x' },
  { fact: 'a key that is added does not wait for its date, which is dropped', adds: ['0 a/x after 100', '5 a/x'], tells: '5:+a/x 15:-a/x' },
  {
    fact: 'a date that is given during work stays',
    adds: ['0 a/x', '5 a/x after 20'],
    tells: '0:+a/x 10:-a/x 25:+a/x 35:-a/x',
  },
  {
    fact: 'work may ask to look again',
    adds: ['0 a/x'],
    ends: { 'a/x': [{ kind: 'again', afterMs: 1_000 }] },
    tells: '0:+a/x 10:-a/x 1010:+a/x 1020:-a/x',
  },
  {
    fact: 'a key that fails waits 5 ms, 10 ms, 20 ms; others go on',
    adds: ['0 a/x', '1 a/y'],
    workMs: 0,
    ends: { 'a/x': [failed, failed, failed] },
    tells: '0:+a/x 0:-a/x 1:+a/y 1:-a/y 5:+a/x 5:-a/x 15:+a/x 15:-a/x 35:+a/x 35:-a/x',
  },
  {
    fact: 'a success makes the first pause short again',
    adds: ['0 a/x', '100 a/x'],
    workMs: 0,
    ends: { 'a/x': [failed, failed, { kind: 'done' }, failed] },
    tells: '0:+a/x 0:-a/x 5:+a/x 5:-a/x 15:+a/x 15:-a/x 100:+a/x 100:-a/x 105:+a/x 105:-a/x',
  },
  {
    fact: 'a server that asks for patience gets it',
    adds: ['0 a/x'],
    workMs: 0,
    ends: { 'a/x': [{ kind: 'failed', reason: 'so', retryAfterMs: 3_000 }] },
    tells: '0:+a/x 0:-a/x 3000:+a/x 3000:-a/x',
  },
])('$fact', async (one) => {
  const { clock, queue, told } = draw(one);
  queue.start();
  await clock.run(clock.sleep(20_000));
  expect(told.join(' ')).toBe(one.tells);
});

test('pauses grow to 5 minutes and stay there', async () => {
  const failures: WorkFailure[] = [];
  const clock = new VirtualClock();
  const queue = new WorkQueue({
    work: () => Promise.reject(new Error('broken')),
    workersMax: 1,
    clock,
    random: noJitter,
    onFailed: (failure) => failures.push(failure),
  });
  queue.add('a/x');
  queue.start();
  await clock.run(clock.sleep(3_600_000));
  expect(failures.slice(0, 4).map(({ retryMs }) => retryMs)).toEqual([5, 10, 20, 40]);
  expect(failures.at(-1)).toMatchObject({ key: 'a/x', reason: 'broken', retryMs: 300_000, cause: new Error('broken') });
  expect(failures.length).toBeLessThan(30);
});

test('pauses are spread over their upper half', async () => {
  const retries: number[] = [];
  const clock = new VirtualClock();
  const queue = new WorkQueue({
    work: () => Promise.resolve(failed),
    workersMax: 50,
    clock,
    random: seededRandom(7),
    onFailed: ({ failures, retryMs }) => failures === 12 && retries.push(retryMs),
  });
  for (let i = 0; i < 200; i++) queue.add(`a/${i}`);
  queue.start();
  await clock.run(clock.sleep(20_000));
  const fullMs = 5 * 2 ** 11;
  expect(Math.min(...retries)).toBeGreaterThanOrEqual(fullMs / 2);
  expect(Math.max(...retries)).toBeLessThanOrEqual(fullMs);
  expect(Math.max(...retries) - Math.min(...retries)).toBeGreaterThan(fullMs / 4);
});

test('draining waits for what runs and begins nothing', async () => {
  const { clock, queue, told } = draw({ adds: ['0 a/x', '0 a/y', '0 a/z after 3'] });
  queue.start();
  await clock.run(clock.sleep(5));
  expect(queue.metrics()).toMatchObject({ depth: 2, working: 1, longestWorkMs: 5, longestWaitMs: 5, added: 2 });
  await clock.run(queue.drain());
  expect(clock.nowMs()).toBe(10);
  queue.add('a/new');
  await clock.run(clock.sleep(1_000));
  expect(told.join(' ')).toBe('0:+a/x 10:-a/x');
});

test('whatever comes when: one worker a key, no key lost, at most the workers that there are', async () => {
  const key = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3')).map((parts) => parts.join('/'));
  const adds = fc.array(fc.record({ atMs: fc.nat(200), key, afterMs: fc.option(fc.nat(100)) }), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(adds, fc.integer({ min: 1, max: 4 }), fc.integer(), async (all, workersMax, seed) => {
      const clock = new VirtualClock();
      const random = seededRandom(seed);
      const busy = new Set<string>();
      const begunMs = new Map<string, number>();
      const queue = new WorkQueue({
        workersMax,
        clock,
        random,
        work: async (name) => {
          expect(busy.has(name)).toBe(false);
          busy.add(name);
          expect(busy.size).toBeLessThanOrEqual(workersMax);
          begunMs.set(name, clock.nowMs());
          await clock.sleep(random.next() * 30);
          busy.delete(name);
          const die = random.next();
          return die < 0.2 ? failed : die < 0.3 ? { kind: 'again', afterMs: random.next() * 50 } : { kind: 'done' };
        },
      });
      queue.start();
      const addAll = all.map(async ({ atMs, key: name, afterMs }) => {
        await clock.sleep(atMs);
        if (afterMs === null) queue.add(name);
        else queue.addAfter(name, afterMs);
      });
      await clock.run(Promise.all(addAll));
      await clock.run(clock.sleep(60_000));
      for (const { atMs, key: name } of all) expect(begunMs.get(name)).toBeGreaterThanOrEqual(atMs);
      expect(queue.metrics()).toMatchObject({ depth: 0, delayed: 0, working: 0 });
    }),
    { numRuns: 200 },
  );
});

/** The longest pause each time. */
const noJitter = { next: () => 1 - Number.EPSILON / 2, id: () => 'id' };

function draw({ adds, ends = {}, workersMax = 1, workMs = 10 }: Omit<Case, 'fact' | 'tells'>): {
  readonly clock: VirtualClock;
  readonly queue: WorkQueue;
  readonly told: string[];
} {
  const clock = new VirtualClock();
  const told: string[] = [];
  const tell = (sign: string, key: string): number => told.push(`${Math.round(clock.nowMs())}:${sign}${key}`);
  const times = new Map<string, number>();
  const queue = new WorkQueue({
    workersMax,
    clock,
    random: noJitter,
    work: async (key) => {
      const nth = times.get(key) ?? 0;
      times.set(key, nth + 1);
      tell('+', key);
      if (workMs > 0) await clock.sleep(workMs);
      tell('-', key);
      return ends[key]?.[nth] ?? { kind: 'done' };
    },
  });
  for (const text of adds) {
    const [atMs = '', key = '', , afterMs] = text.split(' ');
    void (Number(atMs) === 0 ? Promise.resolve() : clock.sleep(Number(atMs))).then(() => {
      if (afterMs === undefined) queue.add(key);
      else queue.addAfter(key, Number(afterMs));
    });
  }
  return { clock, queue, told };
}
