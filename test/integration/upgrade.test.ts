// A job that is declared anew while pods run it, on a real server: what changed changes, what did not goes on, and nothing is lost
// or doubled, whatever dies meanwhile.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { FAILPOINTS } from '../../runtime/adapters/node/failpoint.ts';
import { endPods } from '../../runtime/pod/pod-harness.ts';
import { jobText } from '../support/job-run.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';
import { Feed, Operated, sleep, until } from '../support/operated-job.ts';

let server: TestServer;
let admin: NatsConnection;
beforeAll(async () => {
  server = await startTestServer();
  admin = await connectNats({ url: server.url, name: 'operator' });
});
const feeds: Feed[] = [];
afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.stop()));
  await endPods();
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

type Declared = { readonly v?: number; readonly w?: number; readonly copy?: boolean; readonly sums?: boolean };

/** `v` is stamped on each event in the stage of the source, `w` on each running total in a keyed stage. */
function declared(name: string, { v = 1, w = 1, copy = false, sums = true }: Declared): string {
  return jobText(
    name,
    `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.${name}] }, schema: { n: int, id: string, at: timestamp }, eventTime: { at: event.at } }
  stages:
    - { name: stamped, from: rows, map: { n: event.n, id: event.id, at: event.at, v: '${v}' } }
    - name: totals
      from: stamped
      keyBy: event.id
      machine:
        context: { total: 0 }
        initial: adding
        eventType: "'add'"
        states:
          adding:
            on:
              add:
                actions:
                  - assign: { total: context.total + event.n }
                  - emit: { output: total, value: { id: key, n: event.n, total: context.total, w: '${w}' } }
${sums ? '    - { name: sums, from: stamped, keyBy: event.id, partitions: 3, aggregate: { times: { count: {} }, sum: { sum: event.n } } }\n' : ''}  sinks:
    - { name: out, from: stamped, nats: { subject: out.${name}.stamped } }
    - { name: out-totals, from: totals.total, nats: { subject: out.${name}.totals } }
${sums ? `    - { name: out-sums, from: sums, nats: { subject: out.${name}.sums } }\n` : ''}${copy ? `    - { name: copy, from: stamped, nats: { subject: out.${name}.copy } }\n` : ''}`,
  );
}

type Stamped = { readonly n: number; readonly id: string; readonly v: number };
type Total = { readonly id: string; readonly n: number; readonly total: number; readonly w: number };

async function begin(name: string, pods: number): Promise<{ job: Operated; feed: Feed }> {
  const feed = new Feed(admin, `in.${name}`);
  feeds.push(feed);
  await feed.open();
  const job = new Operated(admin, server.url, `ns_${name}`);
  await job.declare(declared(name, {}), { workers: pods });
  for (let place = 0; place < pods; place++) job.startPod(`w-${place}`);
  await job.allRun();
  return { job, feed };
}

/** Resolves when events with stamp `v`, and totals with stamp `w`, have come out. */
async function changedOver(job: Operated, name: string, { v = 1, w = 1 }: Declared): Promise<void> {
  await until(async () => (await job.results<Stamped>(`out.${name}.stamped`)).some((event) => event.v === v));
  await until(async () => (await job.results<Total>(`out.${name}.totals`)).some((total) => total.w === w));
}

/** All events came out, in order, each once; the stamp changed over without going back. */
async function expectStamped(job: Operated, name: string, count: number): Promise<readonly Stamped[]> {
  await expect
    .poll(async () => (await job.results(`out.${name}.stamped`)).length, { timeout: 60_000, interval: 500 })
    .toBeGreaterThanOrEqual(count);
  expect(await job.failure()).toBeNull();
  const stamped = await job.results<Stamped>(`out.${name}.stamped`);
  expect(stamped.map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, n) => n));
  expect(stamped.map(({ v }) => v)).toEqual(stamped.map(({ v }) => v).toSorted((a, b) => a - b));
  return stamped;
}

/** Running totals per key, exact and each once; the stamp of their stage never goes back within a key. */
async function expectTotals(job: Operated, name: string, count: number): Promise<readonly Total[]> {
  await expect
    .poll(async () => (await job.results(`out.${name}.totals`)).length, { timeout: 60_000, interval: 500 })
    .toBeGreaterThanOrEqual(count);
  const totals = await job.results<Total>(`out.${name}.totals`);
  expect(totals.length).toBe(count);
  for (const [, list] of Map.groupBy(totals, ({ id }) => id)) {
    let [sum, w] = [0, 1];
    for (const total of list) {
      sum += total.n;
      expect(total.total).toBe(sum);
      expect(total.w).toBeGreaterThanOrEqual(w);
      w = total.w;
    }
  }
  return totals;
}

async function expectSums(job: Operated, name: string, count: number, keys = 7): Promise<void> {
  const last = async (): Promise<number> => {
    const byKey = Map.groupBy(await job.results<{ id: string; times: number }>(`out.${name}.sums`), ({ id }) => id);
    return [...byKey.values()].reduce((sum, list) => sum + Math.max(...list.map(({ times }) => times)), 0);
  };
  await expect.poll(last, { timeout: 60_000, interval: 500 }).toBe(count);
  const byKey = Map.groupBy(await job.results<{ id: string; sum: number }>(`out.${name}.sums`), ({ id }) => id);
  for (let key = 0; key < keys; key++) {
    const expected = Array.from({ length: count }, (_, n) => n).filter((n) => n % keys === key);
    expect(byKey.get(`k${key}`)?.at(-1)?.sum).toBe(expected.reduce((sum, n) => sum + n, 0));
  }
}

test('a map changes in one stage while events flow: its rule changes over once, only its tasks begin anew, no pod restarts', async () => {
  const { job, feed } = await begin('map', 2);
  feed.start(500);
  await changedOver(job, 'map', {});
  const before = await job.epochs();
  await job.declare(declared('map', { v: 2 }));
  await changedOver(job, 'map', { v: 2 });
  await job.declare(declared('map', { v: 2, w: 2 }));
  await changedOver(job, 'map', { v: 2, w: 2 });
  const count = await feed.stop();
  await expectStamped(job, 'map', count);
  await expectTotals(job, 'map', count);
  await expectSums(job, 'map', count);
  expect(await job.epochs()).toEqual({ ...before, rows: '2', totals: '2' });
  expect([...job.pods.values()].map(({ child }) => child.exitCode)).toEqual([null, null]);
  await job.endPods();
});

test('a sink is added and a stage is removed while events flow: the others keep their epochs and their results', async () => {
  const { job, feed } = await begin('topology', 2);
  feed.start(500);
  await changedOver(job, 'topology', {});
  const before = await job.epochs();
  await job.declare(declared('topology', { v: 2, copy: true }));
  await changedOver(job, 'topology', { v: 2 });
  await until(async () => (await job.results('out.topology.copy')).length > 0);
  await job.declare(declared('topology', { v: 3, copy: true, sums: false }));
  await changedOver(job, 'topology', { v: 3 });
  await job.allRun();
  const count = await feed.stop();
  const stamped = await expectStamped(job, 'topology', count);
  await expectTotals(job, 'topology', count);
  const given = stamped.filter(({ v }) => v >= 2);
  await expect.poll(async () => (await job.results('out.topology.copy')).length, { timeout: 90_000 }).toBe(given.length);
  expect((await job.results<Stamped>('out.topology.copy')).map(({ n }) => n)).toEqual(given.map(({ n }) => n));
  const { sums: _gone, 'out-sums': _sink, ...stay } = before;
  expect(await job.epochs()).toEqual({ ...stay, rows: '3', copy: '1', 'dead-letters-subject': '3' });
  await job.endPods();
});

/** Where a pod dies, and at which time it comes there: when it begins, and when it takes a revision over. */
const DEATHS = [
  'claim-send:2',
  'claimed:1',
  'claimed:5',
  'restored:2',
  'stepped:20',
  'commit-send:9',
  'commit-acknowledged:15',
  'sink-apply:1',
  'sink-applied:2',
];

test('pods are killed at each step of the protocol while the job is declared anew: nothing is lost, nothing doubled', async () => {
  expect(DEATHS.map((death) => death.split(':')[0]).every((name) => (FAILPOINTS as readonly (string | undefined)[]).includes(name))).toBe(
    true,
  );
  const { job, feed } = await begin('kills', 1);
  feed.start(300);
  let deaths = 0;
  let revision = 1;
  // One pod stays; the other one dies again and again, each time at another place.
  for (const death of DEATHS) {
    const pod = job.startPod(`w-${death.replace(':', '-')}`, `${death}:kill`);
    await until(() => Promise.resolve(pod.child.signalCode !== null || pod.lines.some(({ msg }) => msg === 'started')));
    revision++;
    await job.declare(declared('kills', { v: revision, w: Math.ceil(revision / 2), copy: revision % 2 === 0 }));
    await Promise.race([pod.exited, sleep(10_000)]);
    if (pod.child.signalCode !== null) deaths++;
    else await pod.end('SIGKILL');
    job.pods.delete(`w-${death.replace(':', '-')}`);
  }
  await changedOver(job, 'kills', { v: revision, w: Math.ceil(revision / 2) });
  const count = await feed.stop();
  await expectStamped(job, 'kills', count);
  await expectTotals(job, 'kills', count);
  await expectSums(job, 'kills', count);
  expect(deaths).toBeGreaterThanOrEqual(DEATHS.length / 2); // one that owns no sink does not die applying
  await job.endPods();
});

test('a pod that stands still past its lease while the job is declared anew does no harm when it wakes up with the old revision', async () => {
  const { job, feed } = await begin('zombie', 2);
  feed.start(400);
  await changedOver(job, 'zombie', {});
  const zombie = job.pods.get('w-1')!;
  zombie.child.kill('SIGSTOP');
  await job.declare(declared('zombie', { v: 2, w: 2, copy: true }));
  await changedOver(job, 'zombie', { v: 2, w: 2 }); // its tasks were taken over
  zombie.child.kill('SIGCONT');
  await until(() => Promise.resolve(zombie.lines.some(({ msg }) => String(msg).startsWith('revision 2:'))));
  const count = await feed.stop();
  await expectStamped(job, 'zombie', count);
  await expectTotals(job, 'zombie', count);
  await expectSums(job, 'zombie', count);
  await job.endPods();
});

test('under load a pod drains before it would be killed, and the next one goes on', async () => {
  const { job, feed } = await begin('drain', 1);
  feed.start(1_000);
  await changedOver(job, 'drain', {});
  const { code, ms } = await job.pods.get('w-0')!.end();
  job.pods.delete('w-0');
  expect(code).toBe(0);
  console.log(`drained under load in ${Math.round(ms)} ms`);
  expect(ms).toBeLessThan(25_000);
  job.startPod('w-1');
  const before = (await job.results('out.drain.stamped')).length;
  await until(async () => (await job.results('out.drain.stamped')).length > before);
  const count = await feed.stop();
  await expectStamped(job, 'drain', count);
  await expectTotals(job, 'drain', count);
  await job.endPods();
});

test('a pod drains before it would be killed though the server has gone, and nothing of what it had in flight is lost or doubled', async () => {
  const own = await startTestServer();
  let connection = await connectNats({ url: own.url, name: 'operator' });
  try {
    const feed = new Feed(connection, 'in.gone');
    await feed.open();
    const job = new Operated(connection, own.url, 'ns_gone');
    await job.declare(declared('gone', {}));
    const pod = job.startPod('w-0');
    await job.allRun();
    feed.start(1_000);
    await until(async () => (await job.results('out.gone.stamped')).length > 500);
    const count = await feed.stop();
    await connection.close();
    await own.kill();
    await sleep(300);
    expect((await pod.end()).ms).toBeLessThan(25_000);
    await own.restart();
    connection = await connectNats({ url: own.url, name: 'operator' });
    const again = new Operated(connection, own.url, 'ns_gone');
    again.startPod('w-1');
    await until(async () => (await again.results('out.gone.stamped')).length >= count);
    expect((await again.results<Stamped>('out.gone.stamped')).map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, n) => n));
    await again.endPods();
  } finally {
    await connection.close();
    await own.stop();
  }
});
