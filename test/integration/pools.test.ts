// A stage moves from pool to pool while events flow: real worker processes on a real nats-server.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { openBus } from '../../runtime/adapters/nats/directory.ts';
import { endPods } from '../../runtime/pod/pod-harness.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import { jobText } from '../support/job-run.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';
import { Feed, Operated, until } from '../support/operated-job.ts';

const NAME = 'moving';
const IDENTITY = `ns_${NAME}`;
const KEYS = 7;
let server: TestServer;
let admin: NatsConnection;

beforeAll(async () => {
  server = await startTestServer();
  admin = await connectNats({ url: server.url, name: 'test' });
});
afterAll(async () => {
  await endPods();
  await admin.close();
  await server.stop();
});

const inPool = (pools: string): string =>
  jobText(
    NAME,
    `
  partitions: 4
  sources:
    - { name: rows, nats: { subjects: [in.${NAME}] }, schema: { n: int, id: string, at: timestamp } }
  stages:
    - { name: sums, from: rows, keyBy: event.id, aggregate: { times: { count: {} }, last: { max: event.n } } }
  sinks:
    - { name: out, from: sums, nats: { subject: out.${NAME} } }
${pools}`,
  );

test('it is handed over once a move, the other stages go on untouched, and every event counts once', async () => {
  const feed = new Feed(admin, `in.${NAME}`);
  await feed.open();
  const job = new Operated(admin, server.url, IDENTITY);
  /** Of `sums`, by the reports that came last. */
  const owners = new Map<string, readonly string[]>();
  openBus(admin, IDENTITY).subscribe('report', (value) => {
    const { worker, tasks } = value as WorkerReport;
    owners.set(
      worker,
      tasks.flatMap(({ task, stage, state }) => (stage === 'sums' && state === 'running' ? [task] : [])),
    );
  });
  const takenIn = (): number =>
    [...job.figures.values()].reduce((sum, { stage, counters }) => sum + (stage === 'sums' ? counters.eventsIn : 0), 0);
  const isWith = (worker: string) => (): Promise<boolean> => Promise.resolve(owners.get(worker)?.length === 4);

  await job.declare(inPool('  pools: [{ name: heavy, stages: [sums] }]\n'), { workers: 2 });
  job.startPod('d-0');
  job.startPod('h-0', undefined, 'heavy');
  await job.allRun();
  feed.start(300, KEYS);
  await until(isWith('h-0'));

  // To a pool that has no worker yet: the one before goes on until there is one.
  await job.declare(inPool('  pools: [{ name: other, stages: [sums] }]\n'));
  const before = takenIn();
  await until(() => Promise.resolve(takenIn() > before + 300));
  expect(await isWith('h-0')()).toBe(true);
  job.startPod('o-0', undefined, 'other');
  await until(isWith('o-0'));

  // To the default pool.
  await job.declare(inPool(''));
  await until(isWith('d-0'));
  const sent = await feed.stop();

  type Sum = { readonly id: string; readonly times: number; readonly last: number };
  const wanted = Array.from({ length: KEYS }, (_, k) => Math.ceil((sent - k) / KEYS));
  const seen = async (): Promise<readonly number[]> => {
    const results = await job.results<Sum>(`out.${NAME}`);
    return wanted.map((_, k) => results.findLast(({ id }) => id === `k${k}`)?.times ?? 0);
  };
  await until(async () => (await seen()).join() === wanted.join());
  expect(await job.epochs()).toMatchObject({ rows: '1', sums: '3', out: '1' });
  expect(await job.failure()).toBeNull();
  await job.endPods();
});
