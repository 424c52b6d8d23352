// A savepoint that is asked for while a job takes its bootstrap in waits for it, and so does not stop it: on a real server, by what the
// operator does. What goes on from it has all of the bootstrap, once.

import { afterEach, expect, test } from 'vitest';
import { advanceSavepoint, PauseWatch, prepareRestore } from '../../operator/nats/savepoints.ts';
import { WorkerReports } from '../../operator/nats/worker-reports.ts';
import type { SavepointProgress } from '../../operator/reconcile/nats-side.ts';
import { removeJob, ensureJobStreams } from '../../runtime/adapters/nats/job-streams.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { prepareJob } from '../../runtime/pod/pod-harness.ts';
import { jobText } from '../support/job-run.ts';
import { eventOf, Feed, Operated, sleep, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const OLD_EVENTS = 240;
const KEYS = 7;

const nats = operatorsServer();
const feeds: Feed[] = [];
afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.stop()));
});

const schema = 'schema: { n: int, id: string, at: timestamp }, eventTime: { at: event.at, maxOutOfOrder: 50ms }';
const declared = (name: string): string =>
  jobText(
    name,
    `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.live] }, ${schema} }
    - { name: old-rows, nats: { subjects: [in.old], bounded: true }, ${schema} }
  stages:
    - { name: old, from: old-rows, rateLimit: { perSecond: 60, burst: 1 } }
    - name: sums
      from: rows
      bootstrap: [old]
      keyBy: event.id
      aggregate: { times: { count: {} }, sum: { sum: event.n } }
  sinks:
    - { name: out, from: rows, nats: { subject: out.${name}.live } }
    - { name: out-sums, from: sums, nats: { subject: out.${name}.sums } }
`,
  );

test('C7 a savepoint that is asked for in the middle of a bootstrap waits, the job goes on, and what begins from it has each event once', async () => {
  const [old, live] = [new Feed(nats.admin, 'in.old'), new Feed(nats.admin, 'in.live')];
  feeds.push(live);
  await old.open();
  await live.open();
  for (let n = 0; n < OLD_EVENTS; n++) nats.admin.publish('in.old', JSON.stringify(eventOf(n, KEYS)));
  await nats.admin.flush();
  const reports = new WorkerReports(systemClock);
  reports.listen(nats.admin);
  const first = new Operated(nats.admin, nats.server.url, 'ns_first');
  await first.declare(declared('first'), { workers: 2 });
  first.startPod('w-0');
  first.startPod('w-1');
  live.start(200);
  const parts = {
    identity: first.identity,
    connection: nats.admin,
    savepoints: nats.admin,
    reports,
    replicas: 1 as const,
    clock: systemClock,
  };
  // Operators take turns, and their clocks are ten minutes apart.
  const operators = [-5, 5].map((aheadMinutes) => {
    const nowMs = (): number => systemClock.nowMs() + aheadMinutes * 60_000;
    return { ...parts, clock: { ...systemClock, nowMs }, pauses: new PauseWatch() };
  });
  const seen: SavepointProgress[] = [];
  let resultsMeanwhile = 0;
  for (; seen.at(-1)?.kind !== 'done'; await sleep(100)) {
    const progress = await advanceSavepoint(operators[seen.length % 2]!, 'ns_kept');
    if (progress.kind === 'waiting') {
      expect(await first.current!.directory.get('pause')).toBeNull();
      resultsMeanwhile = (await first.results('out.first.live')).length;
    }
    expect(progress.kind).not.toBe('failed');
    seen.push(progress);
  }
  const waited = seen.flatMap((progress) => (progress.kind === 'waiting' ? [progress.message] : []));
  expect(waited).toContain(
    'the bootstrap of sums is taken in, old-rows/0 has not come to its end; the job goes on, and the savepoint is taken behind it',
  );
  expect(resultsMeanwhile).toBeGreaterThan(0);

  await first.endPods();
  await removeJob(nats.admin, first.identity);
  const second = new Operated(nats.admin, nats.server.url, 'ns_second');
  const { plan } = await prepareJob(nats.admin, declared('second'), { identity: second.identity });
  await ensureJobStreams(nats.admin, plan, { replicas: 1, laneBytesMax: 1024 * 1024 * 1024 });
  await prepareRestore({ identity: second.identity, connection: nats.admin }, nats.admin, 'ns_kept');
  await second.declare(declared('second'), { workers: 2, restore: 'kept' });
  second.startPod('w-2');
  second.startPod('w-3');
  const sentBefore = live.sent;
  await until(() => Promise.resolve(live.sent > sentBefore + 200));
  const count = await live.stop();
  const live2 = async (): Promise<readonly number[]> => (await second.results<{ n: number }>('out.second.live')).map(({ n }) => n);
  await until(async () => (await live2()).at(-1) === count - 1);
  const [behind = 0] = await live2();
  expect(await live2()).toEqual(Array.from({ length: count - behind }, (_, i) => behind + i));

  const all = [OLD_EVENTS, count].flatMap((length) => Array.from({ length }, (_, n) => eventOf(n, KEYS)));
  const groups = [...Map.groupBy(all, ({ id }) => id)];
  const expected = Object.fromEntries(groups.map(([id, list]) => [id, [list.length, list.reduce((sum, { n }) => sum + n, 0)]]));
  const last = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries((await second.results<Sums>('out.second.sums')).map(({ id, times, sum }) => [id, [times, sum]]));
  await expect.poll(last, { timeout: 60_000, interval: 300 }).toEqual(expected);
  expect(await second.failure()).toBeNull();
  await second.endPods();
});

type Sums = { readonly id: string; readonly times: number; readonly sum: number };
