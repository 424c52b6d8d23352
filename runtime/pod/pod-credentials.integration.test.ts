// Credentials that change while the pod runs, and what its account imports of that of its namespace, on a server that trusts what the
// operator's keys sign.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { accountNamed, startKeyedServer, type KeyedServer } from '../../operator/nats/keyed-server-harness.ts';
import { ensureStock } from '../../operator/nats/stock.ts';
import { accountOf, makeNatsKeys, workerCredentials } from '../../operator/nats/nats-keys.ts';
import { jobText } from '../../test/support/job-run.ts';
import { replaceFile } from '../../test/support/replaced-file.ts';
import { callApi, type StreamInfo } from '../adapters/nats/jetstream-api.ts';
import { importsOf } from '../adapters/nats/imported-subjects.ts';
import type { JobConnections } from '../adapters/nats/job-connections.ts';
import { Link } from '../adapters/nats/link.ts';
import { importingRights } from '../adapters/nats/worker-permissions.ts';
import { endPods, prepareJob, startPod, writeRecord, type PodProcess } from './pod-harness.ts';

let folder: string;
let server: KeyedServer;
let seed: string;
let connections: JobConnections;
let admin: NatsConnection;

const identity = 'ns_rights';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-credentials-'));
  server = await startKeyedServer({ durability: 'process' });
  seed = (await server.account(identity)).seed;
  connections = await server.connections(identity);
  admin = connections.streams;
});
afterEach(endPods);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const text = (factor: number, more = ''): string =>
  jobText(
    'rights',
    `
  partitions: 1
  sources: [{ name: numbers, nats: { subjects: [in.rights] }, schema: { n: int } }]
  stages: [{ name: mapped, from: numbers, map: { n: event.n * ${factor} } }${more}]
  sinks: [{ name: out, from: mapped, nats: { subject: out.rights } }]
`,
  );

const says = (pod: PodProcess, part: string): Promise<void> =>
  expect.poll(() => pod.lines.some(({ msg }) => String(msg).includes(part)), { timeout: 120_000 }).toBe(true);
const results = async (): Promise<number> => {
  const info = await callApi<StreamInfo>(Link.of(admin), 'STREAM.INFO.out_rights');
  return info.kind === 'ok' ? info.value.state.messages : -1;
};

test('a pod whose credentials are wrong, then too few, then right, runs; a revision that needs more rights waits for them', async () => {
  await callApi(Link.of(admin), 'STREAM.CREATE.IN', { name: 'IN', subjects: ['in.rights'], storage: 'file', retention: 'limits' });
  const owner = { identity, runId: 'run1' };
  const first = await prepareJob(connections, text(1), owner);
  await ensureStock(Link.of(admin), owner, [first.plan]);
  await writeRecord(first, owner);
  const path = join(folder, 'nats.creds');
  const stranger = accountOf((await makeNatsKeys())['operator.seed'], accountNamed(identity));
  const rights = importingRights(first.permissions);
  await replaceFile(path, await workerCredentials(stranger.seed, identity, rights));
  const pod = startPod({ natsUrl: server.url, job: identity, worker: 'w-1', credentials: path });
  await says(pod, 'MR1003');

  const few = rights.publish.filter((subject) => !subject.includes('_sinks'));
  await replaceFile(path, await workerCredentials(seed, identity, { ...rights, publish: few }));
  await says(pod, `MR_${identity}_sinks: no answer in time; it is being made, or these credentials do not reach it yet`);

  await replaceFile(path, await workerCredentials(seed, identity, rights));
  await says(pod, 'IN: JetStream does not answer (no responders); it is being made, or these credentials do not reach it yet');
  await server.accounts.setImports(identity, importsOf(first.permissions.streams));
  admin.publish('in.rights', '{"n":1}');
  await expect.poll(results, { timeout: 120_000 }).toBe(1);

  const more = ', { name: counts, from: numbers, keyBy: { n: event.n }, aggregate: { count: { count: {} } } }';
  const second = await prepareJob(connections, text(2, more), { ...owner, before: first.plan });
  await writeRecord(second, { ...owner, revision: 2 });
  await says(pod, 'revision 2 waits for streams');
  admin.publish('in.rights', '{"n":2}');
  await expect.poll(results, { timeout: 120_000 }).toBe(2); // the old revision goes on meanwhile
  await replaceFile(path, await workerCredentials(seed, identity, importingRights(second.permissions)));
  await says(pod, 'runs revision 2');
  await expect.poll(async () => (await pod.probe('readyz'))?.status, { timeout: 120_000 }).toBe(200);
  admin.publish('in.rights', '{"n":3}');
  await expect.poll(results, { timeout: 120_000 }).toBe(3);

  // Refused, it says so, and not at each try; with the right ones it goes on by itself, and reads what came meanwhile.
  await replaceFile(path, await workerCredentials(stranger.seed, identity, rights));
  await says(pod, 'Authorization Violation; tries again with the credentials that are there by then');
  await expect
    .poll(async () => (await pod.probe('readyz'))?.body, { timeout: 120_000 })
    .toMatchObject({ why: 'NATS refuses the credentials (Authorization Violation)' });
  admin.publish('in.rights', '{"n":4}');
  await admin.flush();
  await replaceFile(path, await workerCredentials(seed, identity, importingRights(second.permissions)));
  await expect.poll(results, { timeout: 120_000 }).toBe(4);
  await expect.poll(async () => (await pod.probe('readyz'))?.status, { timeout: 120_000 }).toBe(200);
  expect(await pod.end()).toMatchObject({ code: 0 });
});
