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
