// A job is paused, kept as a savepoint, deleted, and goes on under another name: exactly the results of one that was never
// interrupted, on a real server, by what an operator uses.

import { afterEach, expect, test } from 'vitest';
import { copyBlobs } from '../../runtime/adapters/nats/copy-blobs.ts';
import { ensureJobStreams, removeJob } from '../../runtime/adapters/nats/job-streams.ts';
import { NatsBlobStore } from '../../runtime/adapters/nats/nats-blob-store.ts';
import { prepareJob } from '../../runtime/pod/pod-harness.ts';
import { compareForUpgrade } from '../../runtime/plan/compatibility.ts';
import { putBytes } from '../../runtime/journal/blob-bytes.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { SavepointManifest, SavepointTask } from '../../runtime/worker/job-record.ts';
import { isQuiet } from '../../runtime/worker/quiescence.ts';
import { imagesOf, makeManifest, manifestBlob, partKeys } from '../../runtime/worker/savepoint.ts';
import { jobText } from '../support/job-run.ts';
import { Feed, Operated, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const nats = operatorsServer();
const feeds: Feed[] = [];
afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.stop()));
});

/** `scale`: what the other declaration does otherwise. */
const declared = (name: string, scale: number): string =>
  jobText(
    name,
    `
  partitions: 3
  sources:
    - { name: rows, nats: { subjects: [in.sp] }, schema: { n: int, id: string, at: timestamp }, eventTime: { at: event.at, maxOutOfOrder: 50ms } }
  stages:
    - { name: scaled, from: rows, map: { n: event.n, id: event.id, at: event.at, scale: '${scale}' } }
    - { name: windows, from: scaled, keyBy: event.id, window: { tumbling: { size: 1s } }, aggregate: { times: { count: {} }, sum: { sum: event.n } } }
    - { name: sums, from: scaled, keyBy: event.id, partitions: 2, aggregate: { times: { count: {} }, sum: { sum: event.n } } }
    - name: hubs
      from: scaled
      keyBy: event.id
      machine:
        eventType: "'row'"
        initial: open
        states:
          open:
            on:
              row: { actions: [{ sendTo: { key: "'hub' + string(event.n % 5)", type: pass, data: { n: event.n, left: "2" } } }] }
              pass:
                - { guard: event.left > 0, actions: [{ sendTo: { key: "'hub' + string(event.left)", type: pass, data: { n: event.n, left: event.left - 1 } } }] }
                - { actions: [{ emit: { output: got, value: { n: event.n } } }] }
  sinks:
    - { name: out, from: scaled, nats: { subject: out.sp.scaled } }
    - { name: out-got, from: hubs.got, nats: { subject: out.sp.got } }
    - { name: out-windows, from: windows, nats: { subject: out.sp.windows } }
    - { name: out-sums, from: sums, nats: { subject: out.sp.sums } }
`,
  );

type Scaled = { readonly n: number; readonly scale: number };
type Window = { readonly id: string; readonly windowStartMs: number; readonly times: number; readonly sum: number };

/** As the operator does it: pause, wait until nothing is under way, ask, wait for all parts, write the manifest. */
async function takeSavepoint(job: Operated, id: string): Promise<SavepointManifest> {
  const { directory, plan } = job.current!;
  await directory.put('pause', { id: `pause-${id}`, reason: `savepoint ${id}` });
  await until(() => Promise.resolve(isQuiet(plan, job.figures, `pause-${id}`)));
  await directory.put('savepoint', { id });
  const keys = partKeys(id, plan);
  const parts = new Map<string, SavepointTask>();
  await until(async () => {
    for (const key of keys) {
      const part = parts.has(key) ? null : await directory.get(key);
      if (part !== null) parts.set(key, part.value as SavepointTask);
    }
    return parts.size === keys.length;
  });
  const manifest = makeManifest(id, job.identity, job.record!, [...parts.values()]);
  await putBytes(NatsBlobStore.attach(nats.admin, job.identity), manifestBlob(id), Buffer.from(JSON.stringify(manifest)));
  return manifest;
}

test('savepoint, delete, restore under another name and declaration: no result lost, none doubled, and none that a run without it would not give', async () => {
  const feed = new Feed(nats.admin, 'in.sp');
  feeds.push(feed);
  await feed.open();
  const first = new Operated(nats.admin, nats.server.url, 'ns_first');
  await first.declare(declared('first', 1), { workers: 2 });
  first.startPod('w-0');
  first.startPod('w-1');
  feed.start(300);
  await until(async () => (await first.results('out.sp.scaled')).length > 600);
  const manifest = await takeSavepoint(first, 'sp-1');
  const atSavepoint = (await first.results('out.sp.scaled')).length;
  const sentAtSavepoint = feed.sent;
  await until(() => Promise.resolve(feed.sent > sentAtSavepoint + 300)); // the world goes on
  expect((await first.results('out.sp.scaled')).length).toBe(atSavepoint);

  // Another store keeps it; of the job nothing stays but what its sinks wrote.
  const kept = await NatsBlobStore.open(nats.admin, 'ns_kept');
  const images = imagesOf(manifest);
  await copyBlobs(NatsBlobStore.attach(nats.admin, first.identity), kept, images);
  await first.endPods();
  await removeJob(nats.admin, first.identity);

  const second = new Operated(nats.admin, nats.server.url, 'ns_second');
  const { plan } = await prepareJob(nats.admin, declared('second', 2), { identity: second.identity });
  expect(compareForUpgrade(manifest.plan as PhysicalPlan, plan).incompatible).toEqual([]);
  await ensureJobStreams(nats.admin, plan, { replicas: 1, laneBytesMax: 1024 * 1024 * 1024 });
  const store = NatsBlobStore.attach(nats.admin, second.identity);
  await copyBlobs(kept, store, images);
  await putBytes(store, manifestBlob('sp-1'), Buffer.from(JSON.stringify(manifest)));
  await second.declare(declared('second', 2), { workers: 2, restore: 'sp-1' });
  second.startPod('w-2');
  second.startPod('w-3');
  await until(async () => (await second.results('out.sp.scaled')).length > atSavepoint + 600);
  const count = await feed.stop();
  await until(async () => (await second.results('out.sp.scaled')).length >= count);

  expect(await second.failure()).toBeNull();
  const scaled = await second.results<Scaled>('out.sp.scaled');
  expect(scaled.map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, n) => n));
  expect(scaled.map(({ scale }) => scale)).toEqual(scaled.map((_, place) => (place < atSavepoint ? 1 : 2)));
  await expectSums(second, count);
  await expectWindows(second, count);
  await expectSent(second, count);
  const counters = (await second.headers())['rows/0']!.counters;
  expect(counters.eventsIn).toBe(count); // counts go on, too
  await second.endPods();
});

const keyOf = (n: number): string => `k${n % 7}`;
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

/** What actors sent each other was taken in before the savepoint, or after it: each event has gone its way once. */
async function expectSent(job: Operated, count: number): Promise<void> {
  const found = async (): Promise<number[]> => (await job.results<{ n: number }>('out.sp.got')).map(({ n }) => n).toSorted((a, b) => a - b);
  await expect.poll(found, { timeout: 60_000, interval: 300 }).toEqual(numbers(count));
}

async function expectSums(job: Operated, count: number): Promise<void> {
  const expected = Object.fromEntries(
    [...Map.groupBy(numbers(count), keyOf)].map(([id, list]) => [id, [list.length, list.reduce((sum, n) => sum + n, 0)]]),
  );
  const last = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries(
      (await job.results<{ id: string; times: number; sum: number }>('out.sp.sums')).map(({ id, times, sum }) => [id, [times, sum]]),
    );
  await expect.poll(last, { timeout: 90_000, interval: 300 }).toEqual(expected);
}

/** Every window that event time has passed, once and with all of its events, those of before the savepoint too. */
async function expectWindows(job: Operated, count: number): Promise<void> {
  const windowOf = (n: number): string => `${keyOf(n)}@${Math.floor((n * 10) / 1_000) * 1_000}`;
  const passed = Math.floor(((count - 1) * 10 - 50) / 1_000) * 1_000;
  const expected = [...Map.groupBy(numbers(count), windowOf)]
    .filter(([name]) => Number(name.split('@')[1]) < passed)
    .map(([name, list]) => `${name} ${list.length} ${list.reduce((sum, n) => sum + n, 0)}`);
  const found = async (): Promise<string[]> =>
    (await job.results<Window>('out.sp.windows'))
      .map(({ id, windowStartMs, times, sum }) => `${id}@${windowStartMs} ${times} ${sum}`)
      .toSorted();
  await expect.poll(found, { timeout: 90_000, interval: 300 }).toEqual(expected.toSorted());
}

test('a job whose savepoint was left behind by its own run is refused: its results would come a second time', async () => {
  const feed = new Feed(nats.admin, 'in.left');
  feeds.push(feed);
  await feed.open();
  const text = (name: string): string =>
    jobText(
      name,
      `
  sources:
    - { name: rows, nats: { subjects: [in.left] }, schema: { n: int } }
  sinks:
    - { name: out, from: rows, nats: { subject: out.left } }
`,
    );
  const first = new Operated(nats.admin, nats.server.url, 'ns_left');
  await first.declare(text('left'));
  first.startPod('w-0');
  feed.start(100);
  await until(async () => (await first.results('out.left')).length > 50);
  const manifest = await takeSavepoint(first, 'sp-2');
  const atSavepoint = (await first.results('out.left')).length;
  await first.current!.directory.delete('pause');
  await until(async () => (await first.results('out.left')).length > atSavepoint); // it goes on, and so do its results
  await first.endPods();
  const second = new Operated(nats.admin, nats.server.url, 'ns_late');
  await prepareJob(nats.admin, text('late'), { identity: second.identity });
  const store = NatsBlobStore.attach(nats.admin, second.identity);
  await copyBlobs(NatsBlobStore.attach(nats.admin, first.identity), store, imagesOf(manifest));
  await putBytes(store, manifestBlob('sp-2'), Buffer.from(JSON.stringify(manifest)));
  await second.declare(text('late'), { restore: 'sp-2' });
  second.startPod('w-1');
  await until(async () => (await second.failure()) !== null);
  expect(await second.failure()).toMatchObject({ code: 'MR4002', task: 'out/0' });
  expect(JSON.stringify(await second.failure())).toMatch(/job ns_left has written out\.left after its savepoint was taken/);
  await second.endPods();
});
