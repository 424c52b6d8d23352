// State larger than the heap of its worker: values lie on disk while their window is open, over a kill too, and all come out of it.

import { createHash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { jobText, readSubject } from '../../test/support/job-run.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { connectNats } from '../adapters/nats/nats-connection.ts';
import { endPods, prepareJob, startPod, startTenantServer, writeRecord, type PodProcess, type TenantServer } from './pod-harness.ts';

const KEYS = 48_000;
const CHARACTERS = 2_048;
const HEAP_MB = 80;
const MEMORY_BYTES = 8 * 2 ** 20;
const HOUR_MS = 3_600_000;

let server: TenantServer;
let admin: NatsConnection;
beforeAll(async () => {
  server = await startTenantServer();
  admin = await connectNats({ url: server.url, name: 'operator' });
});
afterEach(endPods);
afterAll(async () => {
  await admin.close();
  await server.stop();
});

/** A text that no other key has, and that is not kept anywhere here. */
function textOf(n: number): string {
  return createHash('sha256')
    .update(String(n))
    .digest('hex')
    .repeat(CHARACTERS / 64);
}

async function valueOf(pod: PodProcess, name: string): Promise<number> {
  const lines = (await pod.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
}

test(`C3 ${KEYS} open windows of ${CHARACTERS} characters in a worker with a heap of ${HEAP_MB} MB, which is killed once`, async () => {
  const identity = 'ns_large';
  await callApi(Link.of(admin), 'STREAM.CREATE.IN_large', { name: 'IN_large', subjects: ['in.large'], storage: 'file' });
  const text = jobText(
    'large',
    `
  state: { memory: '${MEMORY_BYTES}', disk: 1Gi }
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.large], stream: IN_large }, schema: { key: string, text: string, at: timestamp }, eventTime: { at: event.at } }
  stages:
    - { name: hourly, from: rows, keyBy: { name: event.key }, window: { tumbling: { size: 1h } }, aggregate: { n: { count: {} }, text: { last: event.text } } }
    - { name: hashed, from: hourly, map: { name: event.name, n: event.n, begins: 'event.text.substring(0, 64)', characters: size(event.text) } }
  sinks:
    - { name: out, from: hashed, nats: { subject: out.large } }
`,
  );
  const operated = await prepareJob(admin, text, { identity });
  const natsUrl = await server.allow('job-large', operated.permissions);
  await writeRecord(operated, { identity });
  const start = (worker: string): PodProcess => startPod({ natsUrl, job: identity, worker, flags: [`--max-old-space-size=${HEAP_MB}`] });
  const first = start('w-1');
  await expect.poll(async () => (await first.probe('readyz'))?.status, { timeout: 20_000 }).toBe(200);

  const publish = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) {
      admin.publish('in.large', JSON.stringify({ key: `k${n}`, text: textOf(n), at: 1 }));
      if (n % 100 === 0) await admin.flush();
    }
    await admin.flush();
  };
  await publish(0, KEYS / 2);
  const taken = (pod: PodProcess): Promise<number> => valueOf(pod, 'millrace_stage_input_events_total');
  await expect.poll(() => taken(first), { timeout: 60_000 }).toBeGreaterThan(KEYS / 4);
  await first.end('SIGKILL');

  const second = start('w-2');
  await publish(KEYS / 2, KEYS);
  const onDisk = (): Promise<number> => valueOf(second, 'millrace_worker_state_disk_bytes');
  await expect.poll(onDisk, { timeout: 60_000 }).toBeGreaterThan(KEYS * CHARACTERS - 2 * MEMORY_BYTES);
  expect(await valueOf(second, 'millrace_worker_state_memory_bytes')).toBeLessThan(2 * MEMORY_BYTES);
  console.log(
    `${Math.round((await onDisk()) / 1e6)} MB of values on disk; resident ${Math.round((await valueOf(second, 'millrace_worker_memory_bytes')) / 1e6)} MB`,
  );

  admin.publish('in.large', JSON.stringify({ key: 'last', text: '', at: 2 * HOUR_MS }));
  const results = async (): Promise<readonly Result[]> => (await readSubject(server.url, 'out.large')) as Result[];
  await expect.poll(async () => (await results()).length, { timeout: 60_000, interval: 2_000 }).toBe(KEYS);
  const found = new Map((await results()).map(({ name, ...rest }) => [name, rest]));
  const expected = new Map(
    Array.from({ length: KEYS }, (_key, n) => [`k${n}`, { n: 1, begins: textOf(n).slice(0, 64), characters: CHARACTERS }]),
  );
  expect(found).toEqual(expected);
}, 240_000);

type Result = { readonly name: string; readonly n: number; readonly begins: string; readonly characters: number };
