// A consumer that the operator made for a split is removed while no operator runs: the pod's log, metrics and reports say so, once and again
// when it is over; nothing is lost, and the pod stays ready.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startKeyedServer, type KeyedServer } from '../../operator/nats/keyed-server-harness.ts';
import { workerCredentials } from '../../operator/nats/nats-keys.ts';
import { ensureStock } from '../../operator/nats/stock.ts';
import { reportIn } from '../../operator/nats/report-check.ts';
import { jobText } from '../../test/support/job-run.ts';
import { importsOf } from '../adapters/nats/imported-subjects.ts';
import { callApi, type StreamInfo } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { stockOf } from '../adapters/nats/stock-consumer.ts';
import { importingRights } from '../adapters/nats/worker-permissions.ts';
import { endPods, prepareJob, startPod, writeRecord } from './pod-harness.ts';

let folder: string;
let server: KeyedServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-stalled-'));
  server = await startKeyedServer({ durability: 'process' });
});
afterEach(endPods);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const POLL = { timeout: 90_000, interval: 100 };

test('a split whose consumer is gone says so in log, metrics and reports until it is made again, and loses nothing', async () => {
  const identity = 'ns_stalled';
  const { seed } = await server.account(identity);
  const connections = await server.connections(identity);
  const admin = Link.of(connections.streams);
  await callApi(admin, 'STREAM.CREATE.IN', { name: 'IN', subjects: ['in.stalled'], storage: 'file' });
  const owner = { identity, runId: 'run1' };
  const text = jobText(
    'stalled',
    `
  partitions: 1
  sources: [{ name: numbers, nats: { subjects: [in.stalled] }, schema: { n: int } }]
  stages: [{ name: mapped, from: numbers, map: { n: event.n } }]
  sinks: [{ name: out, from: mapped, nats: { subject: out.stalled } }]
`,
  );
  const job = await prepareJob(connections, text, owner);
  await ensureStock(admin, owner, [job.plan]);
  await writeRecord(job, owner);
  await server.accounts.setImports(identity, importsOf(job.permissions.streams));
  const credentials = join(folder, 'nats.creds');
  await writeFile(credentials, await workerCredentials(seed, identity, importingRights(job.permissions)));
  const pod = startPod({ natsUrl: server.url, job: identity, worker: 'w-1', credentials });
  const results = async (): Promise<number> => {
    const info = await callApi<StreamInfo>(admin, 'STREAM.INFO.out_stalled');
    return info.kind === 'ok' ? info.value.state.messages : -1;
  };
  const says = (part: string): readonly Record<string, unknown>[] => pod.lines.filter(({ msg }) => String(msg).includes(part));
  const stalledSplits = async (): Promise<string | undefined> => /^millrace_stage_stalled_splits\{.*$/m.exec(await pod.metrics())?.[0];
  await admin.request('in.stalled', '{"n":1}', { timeoutMs: 60_000 });
  await expect.poll(results, POLL).toBe(1);

  let told: string | undefined = '';
  connections.job.subscribe(`mr.${identity}.bus.report`, {
    callback: (_, { data }) => {
      told = reportIn(data)?.tasks.find(({ stage }) => stage === 'numbers')?.stalled;
    },
  });
  const { consumer } = stockOf(owner, job.plan)[0]!;
  await callApi(admin, `CONSUMER.DELETE.IN.${consumer}`);
  await admin.request('in.stalled', '{"n":2}', { timeoutMs: 60_000 });
  await expect.poll(() => says('reads nothing').length, POLL).toBe(1);
  expect(says('reads nothing')[0]).toMatchObject({ level: 'error', code: 'MR2111' });
  expect(says('reads nothing')[0]?.['msg']).toContain(
    `MR2111 ConsumerMissing: consumer ${consumer} of stream IN is not there: consumer not found (10014)`,
  );
  await expect.poll(stalledSplits, POLL).toMatch(/job="ns_stalled",stage="numbers"\} 1$/);
  await expect.poll(() => told, POLL).toContain('MR2111');
  expect((await pod.probe('readyz'))?.status).toBe(200);
  expect(await results()).toBe(1);

  await ensureStock(admin, owner, [job.plan]);
  await expect.poll(results, POLL).toBe(2);
  await expect.poll(() => says('numbers/0 reads again, after').length, POLL).toBe(1);
  await expect.poll(stalledSplits, POLL).toBeUndefined();
  await expect.poll(() => told, POLL).toBeUndefined();
  expect(says('reads nothing')).toHaveLength(1);
  expect(await pod.end()).toMatchObject({ code: 0 });
});
