// D2: stages that work by the clock, on a real server: a window closes and timers fire though nothing comes, once each, also when their
// worker dies before they are due, and for those that nobody was there for; and when the clock of who goes on is minutes behind.

import { expect, test } from 'vitest';
import { jobText } from '../support/job-run.ts';
import { Feed, Operated, sleep, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const nats = operatorsServer();

const KEYS = 50;
const AFTER_MS = 2_000;

const job = (name: string): string =>
  jobText(
    name,
    `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.${name}] }, schema: { n: int, id: string } }
  stages:
    - { name: counts, from: rows, keyBy: event.id, processingTime: {}, window: { tumbling: { size: 1s } }, aggregate: { n: { count: {} } } }
    - name: nudges
      from: rows
      keyBy: event.id
      partitions: 3
      processingTime: { missed: fireOnce, missedAfter: 500ms }
      machine:
        eventType: "'go'"
        initial: off
        states:
          off: { on: { go: waits } }
          waits:
            on: { go: waits }
            after: { ${AFTER_MS}ms: { target: off, actions: [{ emit: { output: nudge, value: { id: key } } }] } }
  sinks:
    - { name: out, from: counts, nats: { subject: out.${name} } }
    - { name: nudged, from: nudges.nudge, nats: { subject: nudged.${name} } }`,
  );

async function speak(name: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) nats.admin.publish(`in.${name}`, JSON.stringify({ n, id: `k${n}` }));
  await nats.admin.flush();
}

test('D2 timers and windows by the clock are due without any event, once, though their worker is killed before', async () => {
  const name = 'clocked';
  await new Feed(nats.admin, `in.${name}`).open();
  const run = new Operated(nats.admin, nats.server.url, name);
  await run.declare(job(name));
  run.startPod('w1');
  await run.allRun();
  await speak(name, KEYS);
  const isTaken = (): boolean => [0, 1, 2].reduce((sum, p) => sum + (run.figures.get(`nudges/${p}`)?.counters.eventsIn ?? 0), 0) === KEYS;
  await until(() => Promise.resolve(isTaken()));
  await run.pods.get('w1')?.end('SIGKILL');
  await sleep(AFTER_MS + 1_000); // they are due, and nobody is there
  run.startPod('w2');
  const nudged = async (): Promise<readonly string[]> => (await run.results<{ id: string }>(`nudged.${name}`)).map(({ id }) => id);
  await until(async () => (await nudged()).length >= KEYS);
  const counted = async (): Promise<number> => (await run.results<{ n: number }>(`out.${name}`)).reduce((sum, { n }) => sum + n, 0);
  await until(async () => (await counted()) >= KEYS);
  await speak(name, 1); // one more round, for k0: nothing of the first comes again
  await until(async () => (await nudged()).length > KEYS);
  const ids = Array.from({ length: KEYS }, (_, n) => `k${n}`);
  expect((await nudged()).toSorted()).toEqual([...ids, 'k0'].toSorted());
  expect(await counted()).toBe(KEYS + 1);
  await run.endPods();
});

/** Longer than anybody here waits. */
const BEHIND_MS = 10 * 60_000;

test('timers and windows go on behind a worker whose clock was minutes ahead, though that of the next is behind', async () => {
  const name = 'apart';
  await new Feed(nats.admin, `in.${name}`).open();
  const run = new Operated(nats.admin, nats.server.url, name);
  await run.declare(job(name));
  run.startPod('w1', undefined, undefined, BEHIND_MS / 2);
  await run.allRun();
  await speak(name, KEYS);
  const isTaken = (): boolean => [0, 1, 2].reduce((sum, p) => sum + (run.figures.get(`nudges/${p}`)?.counters.eventsIn ?? 0), 0) === KEYS;
  await until(() => Promise.resolve(isTaken()));
  await run.pods.get('w1')?.end('SIGKILL');
  const before = await run.headers();
  run.startPod('w2', undefined, undefined, -BEHIND_MS / 2);
  const nudged = async (): Promise<readonly string[]> => (await run.results<{ id: string }>(`nudged.${name}`)).map(({ id }) => id);
  await until(async () => (await nudged()).length >= KEYS);
  await speak(name, KEYS); // those of another window, which closes too
  const counted = async (): Promise<number> => (await run.results<{ n: number }>(`out.${name}`)).reduce((sum, { n }) => sum + n, 0);
  await until(async () => (await counted()) >= 2 * KEYS && (await nudged()).length >= 2 * KEYS);
  expect(await counted()).toBe(2 * KEYS);
  const ids = Array.from({ length: KEYS }, (_, n) => `k${n}`);
  expect((await nudged()).toSorted()).toEqual([...ids, ...ids].toSorted());
  const clocks = Object.entries(await run.headers()).map(([task, { clock }]) => (clock?.ms ?? NaN) - (before[task]?.clock?.ms ?? 0));
  expect(Math.min(...clocks)).toBeGreaterThanOrEqual(0);
  expect(clocks).toHaveLength(Object.keys(before).length);
  await run.endPods();
});

const TICK_MS = 500;
const LATE_MS = 3_000;
const PAUSE_MS = 2 * LATE_MS;
/** `gapMs`: ticks are apart by TICK_MS, or by more than this. */
const POLICIES = [
  { stage: 'caught-up', missed: 'catchUp', gapMs: Infinity },
  { stage: 'fired-once', missed: 'fireOnce', gapMs: TICK_MS + LATE_MS },
  { stage: 'skipped', missed: 'skip', gapMs: TICK_MS + LATE_MS + TICK_MS },
] as const;

/** From the first event of its key on it tells the time of each tick, by each policy. */
const tickers = (name: string): string =>
  jobText(
    name,
    `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.${name}] }, schema: { n: int, id: string } }
  stages:${POLICIES.map(
    ({ stage, missed }) => `
    - name: ${stage}
      from: rows
      keyBy: event.id
      processingTime: { missed: ${missed}, missedAfter: ${LATE_MS}ms }
      machine:
        eventType: "'go'"
        initial: off
        states:
          off: { on: { go: on } }
          on: { on: { go: on }, after: { ${TICK_MS}ms: { target: on, reenter: true, actions: [{ emit: { output: tick, value: { id: key, at: timeMs } } }] } } }`,
  ).join('')}
  sinks:${POLICIES.map(
    ({ stage }) => `
    - { name: ${stage}-out, from: ${stage}.tick, nats: { subject: out.${name}-${stage} } }`,
  ).join('')}`,
  );

test('D2 timers that nobody was there for come as the policy says, each once, while workers die and the job is scaled', async () => {
  const name = 'missed';
  await new Feed(nats.admin, `in.${name}`).open();
  const run = new Operated(nats.admin, nats.server.url, name);
  await run.declare(tickers(name));
  run.startPod('w1');
  await run.allRun();
  await speak(name, KEYS);
  /** Times of the ticks of each key, in the order in which they came. */
  const ticks = async (stage: string): Promise<readonly (readonly number[])[]> => {
    const found = await run.results<{ readonly id: string; readonly at: number }>(`out.${name}-${stage}`);
    return [...Map.groupBy(found, ({ id }) => id).values()].map((of) => of.map(({ at }) => at));
  };
  const each = (more: number, sinceMs: number): Promise<unknown> =>
    Promise.all(
      POLICIES.map(({ stage }) =>
        until(async () => (await ticks(stage)).filter((of) => of.filter((at) => at > sinceMs).length >= more).length === KEYS),
      ),
    );
  await each(3, 0);
  await run.pods.get('w1')?.end('SIGKILL');
  await sleep(PAUSE_MS);
  const backMs = Date.now();
  run.startPod('w2', 'commit-acknowledged:3:kill');
  run.startPod('w3');
  await run.pods.get('w2')?.exited;
  run.startPod('w4');
  await each(4, backMs + TICK_MS);
  await run.endPods();
  for (const { stage, gapMs } of POLICIES) {
    for (const of of await ticks(stage)) {
      const apart = of.slice(1).map((at, i) => at - (of[i] as number));
      const gaps = apart.filter((ms) => ms !== TICK_MS);
      expect(gaps.length > 0, `${stage}: ${apart.join()}`).toBe(gapMs < Infinity);
      expect(Math.min(gapMs, ...gaps), `${stage}: ${apart.join()}`).toBe(gapMs);
    }
  }
});
