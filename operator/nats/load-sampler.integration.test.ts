// What scaling sees of a job that worker processes run on a real server: what comes, what waits, where the time goes; and what it sees
// when they are gone.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { endPods } from '../../runtime/pod/pod-harness.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { jobText, streamOfSubject } from '../../test/support/job-run.ts';
import { startTestServer, type TestServer } from '../../test/support/nats.ts';
import { Feed, Operated, sleep, until } from '../../test/support/operated-job.ts';
import type { Sample } from '../autoscaler/sample.ts';
import { LoadSampler } from './load-sampler.ts';
import { WorkerReports } from './worker-reports.ts';

const NAME = 'sampled';
const IDENTITY = `ns_${NAME}`;
const SENT_AWAY = 40;
let server: TestServer;
let admin: NatsConnection;
let reports: WorkerReports;

beforeAll(async () => {
  server = await startTestServer();
  admin = await connectNats({ url: server.url, name: 'operator' });
  reports = new WorkerReports(systemClock);
  reports.listen(admin);
});
afterAll(async () => {
  await endPods();
  await admin.close();
  await server.stop();
});

const sampler = (): LoadSampler => new LoadSampler({ link: Link.of(admin), streams: Link.of(admin), reports, clock: systemClock });
const [taken, backlog] = [
  ({ sources }: Sample): number => sources.reduce((sum, source) => sum + source.takenEvents, 0),
  ({ sources }: Sample): number => sources.reduce((sum, source) => sum + (source.backlogEvents ?? Number.NaN), 0),
];

test('what was taken in and what waits add up to what was sent, while it runs and when nobody does', async () => {
  const feed = new Feed(admin, `in.${NAME}`);
  await feed.open();
  const job = new Operated(admin, server.url, IDENTITY);
  await job.declare(
    jobText(
      NAME,
      `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.${NAME}] }, schema: { n: int, id: string, at: timestamp }, eventTime: { at: event.at } }
  stages:
    - { name: sums, from: rows, keyBy: event.id, aggregate: { times: { count: {} } } }
  sinks:
    - { name: out, from: sums, nats: { subject: out.${NAME} } }
`,
    ),
  );
  const plan = job.current?.plan as PhysicalPlan;
  const live = sampler();
  expect((await live.sample(IDENTITY, plan, { pool: 'default', asleep: false })).missing).toMatch(/tasks report nothing/);

  job.startPod('w-0');
  await job.allRun();
  feed.start(500, 1);
  await until(async () => (await live.sample(IDENTITY, plan, { pool: 'default', asleep: false })).missing === null);
  const first = await live.sample(IDENTITY, plan, { pool: 'default', asleep: false });
  await sleep(3_000);
  const second = await live.sample(IDENTITY, plan, { pool: 'default', asleep: false });
  const sent = await feed.stop();
  expect(taken(second)).toBeGreaterThan(taken(first));
  expect(taken(second) + backlog(second)).toBeLessThanOrEqual(sent);
  const [was, is] = [first.workers[0], second.workers[0]];
  expect(is?.id).toBe('w-0');
  const passed = (of: 'busyMs' | 'blockedMs' | 'idleMs'): number => (is?.time[of] ?? 0) - (was?.time[of] ?? 0);
  expect(passed('busyMs')).toBeGreaterThan(0);
  console.log(
    `in ${passed('busyMs') + passed('blockedMs') + passed('idleMs')} ms: busy ${passed('busyMs')}, blocked ${passed('blockedMs')}`,
  );
  expect(second.tasks.map(({ task }) => task).toSorted()).toEqual(expect.arrayContaining(['out/0', 'rows/0', 'sums/0', 'sums/1']));
  // Event time before each stage that reads another, and in it.
  const times = new Map(second.times?.map(({ stage, givenMs, takenMs }) => [stage, [givenMs, takenMs] as const]));
  expect([...times.keys()].toSorted()).toEqual(['out', 'sums']);
  expect([...times.values()].flat().every((ms) => ms > 0 && ms < 10 * sent)).toBe(true);
  // All events have one key: the task that has it says so, and only that one.
  expect(second.tasks.flatMap(({ stage, heavyKey }) => (heavyKey === undefined ? [] : [{ stage, ...heavyKey }]))).toEqual([
    { stage: 'sums', key: 'k0', share: 1 },
  ]);

  await until(async () => taken(await live.sample(IDENTITY, plan, { pool: 'default', asleep: false })) === sent);
  await job.endPods();
  // Acknowledged one by one: the server counts a message when it has stored it, not when it was sent.
  for (let i = 0; i < SENT_AWAY; i++) await admin.request(`in.${NAME}`, JSON.stringify({ n: i, id: 'k', at: 0 }));
  // One that has seen it run, and one that starts anew and reads where it stood from the journal.
  for (const one of [live, sampler()]) {
    const asleep = await one.sample(IDENTITY, plan, { pool: 'default', asleep: true });
    expect({ missing: asleep.missing, taken: taken(asleep), backlog: backlog(asleep), workers: asleep.workers }).toEqual({
      missing: null,
      taken: sent,
      backlog: SENT_AWAY,
      workers: [],
    });
  }
  // Who only shows what waits is told the same, and the stream is not asked again for each of them (L4).
  const shown = sampler();
  expect(await shown.backlogs(IDENTITY, plan)).toEqual(new Map([['rows', SENT_AWAY]]));
  await admin.request(`in.${NAME}`, JSON.stringify({ n: 0, id: 'k', at: 0 }));
  expect(await shown.backlogs(IDENTITY, plan)).toEqual(new Map([['rows', SENT_AWAY]]));
  expect(await sampler().backlogs(IDENTITY, plan)).toEqual(new Map([['rows', SENT_AWAY + 1]]));
  // A stream that does not answer says nothing.
  await callApi(Link.of(admin), `STREAM.DELETE.${streamOfSubject(`in.${NAME}`)}`, null);
  expect(await sampler().backlogs(IDENTITY, plan)).toEqual(new Map([['rows', null]]));
});

test('a pool is looked at by itself: what other pools give it comes to it, also while nobody runs it', async () => {
  const name = 'pooled';
  const identity = `ns_${name}`;
  const feed = new Feed(admin, `in.${name}`);
  await feed.open();
  const job = new Operated(admin, server.url, identity);
  await job.declare(
    jobText(
      name,
      `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.${name}] }, schema: { n: int, id: string, at: timestamp } }
  stages:
    - { name: sums, from: rows, keyBy: event.id, aggregate: { times: { count: {} } } }
  sinks:
    - { name: out, from: sums, journal: {} }
  pools:
    - { name: heavy, stages: [sums] }
`,
    ),
    { workers: 2 },
  );
  const plan = job.current?.plan as PhysicalPlan;
  const live = sampler();
  const [own, heavy] = ['default', 'heavy'].map(
    (pool) => (one: LoadSampler, asleep: boolean) => one.sample(identity, plan, { pool, asleep }),
  );
  if (own === undefined || heavy === undefined) throw new Error('two pools');

  job.startPod('d-0');
  const pod = job.startPod('h-0', undefined, 'heavy');
  await job.allRun();
  feed.start(300);
  await sleep(1_000);
  const sent = await feed.stop();
  await until(async () => taken(await heavy(live, false)) === sent);
  await until(async () => (await own(live, false)).sources.some(({ stage, takenEvents }) => stage === 'rows' && takenEvents === sent));
  const [seenOwn, seenHeavy] = [await own(live, false), await heavy(live, false)];
  expect([seenOwn.missing, seenHeavy.missing]).toEqual([null, null]);
  expect([seenOwn, seenHeavy].map(({ workers }) => workers.map(({ id }) => id))).toEqual([['d-0'], ['h-0']]);
  expect(seenHeavy.sources).toEqual([{ stage: 'sums', takenEvents: sent, backlogEvents: 0 }]);
  expect(seenHeavy.tasks.map(({ task }) => task).toSorted()).toEqual(['sums/0', 'sums/1']);
  expect(seenOwn.tasks.map(({ stage }) => stage)).not.toContain('sums');
  expect(seenOwn.sources.find(({ stage }) => stage === 'rows')).toEqual({ stage: 'rows', takenEvents: sent, backlogEvents: 0 });

  await pod.end();
  for (let i = 0; i < SENT_AWAY; i++) await admin.request(`in.${name}`, JSON.stringify({ n: i, id: `k${i}`, at: 0 }));
  // What has seen it run, and what starts anew and reads where it stood from the journals. The default pool goes on.
  for (const one of [live, sampler()]) {
    await until(async () => backlog(await heavy(one, true)) === SENT_AWAY);
    expect(await heavy(one, true)).toMatchObject({
      missing: null,
      workers: [],
      sources: [{ stage: 'sums', takenEvents: sent, backlogEvents: SENT_AWAY }],
    });
    expect((await own(one, false)).missing).toBeNull();
  }
  await job.endPods();
});
