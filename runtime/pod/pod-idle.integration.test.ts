// What a worker costs that has nothing to do, and how fast it is there: the program of the image, as the image runs it.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundlePrograms } from '../../images/bundle.ts';
import { jobText, readSubject } from '../../test/support/job-run.ts';
import { operatorsServer } from '../../test/support/operators-server.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { prepareJob, startPod, startTenantServer, writeRecord } from './pod-harness.ts';

const nats = operatorsServer(startTenantServer);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-pod-idle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const IDLE_MIB_MAX = 90;

test(`idle, a worker holds at most ${IDLE_MIB_MAX} MiB; how soon its first event came is told`, async () => {
  const [bundle] = await bundlePrograms([{ entry: 'runtime/pod/main.ts', file: 'worker.mjs' }]);
  const main = join(folder, 'worker.mjs');
  await writeFile(main, bundle!.text);
  await callApi(Link.of(nats.admin), 'STREAM.CREATE.IN', { name: 'IN', subjects: ['in.idle'], retention: 'limits' });
  const identity = 'ns_idle';
  const spec = `
  partitions: 4
  sources: [{ name: events, nats: { subjects: [in.idle] }, schema: { k: string } }]
  stages: [{ name: counts, from: events, keyBy: { k: event.k }, aggregate: { count: { count: {} } } }]
  sinks: [{ name: out, from: counts, nats: { subject: out.idle } }]
`;
  await writeRecord(await prepareJob(nats.admin, jobText('idle', spec), { identity }), { identity });
  nats.admin.publish('in.idle', '{"k":"a"}');
  await nats.admin.flush();
  const startMs = performance.now();
  // One arena: what threads freed would stay with each of them.
  const pod = startPod({ natsUrl: nats.server.url, job: identity, worker: 'w-1', main, environment: { MALLOC_ARENA_MAX: '1' } });
  while ((await readSubject(nats.server.url, 'out.idle', 'out_idle')).length === 0) await sleep(20);
  console.log(`the first result came ${Math.round(performance.now() - startMs)} ms after the start (to be within 3000)`);
  await sleep(35_000);
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pod.child.pid}/status`, 'utf8'))!;
  expect(Number(kib) / 1024).toBeLessThanOrEqual(IDLE_MIB_MAX);
  expect(await pod.end()).toMatchObject({ code: 0 });
});
