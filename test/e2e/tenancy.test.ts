// What a job's workers may do in NATS, tried with the credentials that its pods really have: its own, and nothing of another job.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeNamespace, removeNamespace, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream } from './support/load.ts';
import { connectClusterNats, credentialsOf, secretText, type ClusterNats } from './support/nats.ts';
import { freshName, get } from './support/programs.ts';

const [ours, theirs] = [freshName('e2e-tenant-a'), freshName('e2e-tenant-b')];
let nats: ClusterNats;
let tenant: ClusterNats;
const denied: string[] = [];

beforeAll(async () => {
  nats = await connectClusterNats(await credentialsOf('operator.creds'));
  for (const space of [ours, theirs]) await makeNamespace(space);
  for (const name of ['mine', 'yours']) await makeLoadStream(nats, name);
  await applyLoadJob(ours, 'mine');
  await applyLoadJob(theirs, 'yours');
  await untilReady(ours, 'mine');
  await untilReady(theirs, 'yours');
  const secret = await get<{ data: Record<string, string> }>('secret', ours, 'mine-nats');
  if (secret === null) throw new Error('the job has a Secret with its credentials');
  tenant = await connectClusterNats(secretText(secret, 'nats.creds'), { inboxPrefix: `_INBOX.${ours}_mine` });
  void (async () => {
    for await (const status of tenant.connection.status())
      if (status.type === 'error') denied.push(String((status as { error?: unknown }).error));
  })();
});

afterAll(async () => {
  await tenant.close();
  for (const space of [ours, theirs]) await removeNamespace(space);
  await nats.close();
});

/** Published with the job's credentials: does the server say no? */
async function isDenied(subject: string, body = ''): Promise<boolean> {
  const before = denied.length;
  tenant.connection.publish(subject, body);
  await tenant.connection.flush();
  for (let tries = 0; tries < 20 && denied.length === before; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  return denied.length > before;
}

const other = `${theirs}_yours`;
const lanes = [`MR_${other}_load`, `MR_${other}_seen`, `MR_${other}_sinks`, `MR_${other}_dead`, `MR_${other}_blobs`, `KV_MR_${other}`];
const verbs = [
  ...[
    'CREATE',
    'UPDATE',
    'NAMES',
    'LIST',
    'INFO',
    'DELETE',
    'PURGE',
    'SNAPSHOT',
    'RESTORE',
    'MSG.GET',
    'MSG.DELETE',
    'LEADER.STEPDOWN',
  ].map((verb) => `STREAM.${verb}`),
  ...['CREATE', 'DURABLE.CREATE', 'NAMES', 'LIST', 'INFO', 'DELETE', 'MSG.NEXT', 'PAUSE', 'UNPIN'].map((verb) => `CONSUMER.${verb}`),
  'DIRECT.GET',
];

test('each verb of JetStream on each stream of another job is denied', async () => {
  const allowed: string[] = [];
  for (const lane of lanes) {
    for (const verb of verbs) {
      const subject = `$JS.API.${verb}.${lane}`;
      if (!(await isDenied(subject))) allowed.push(subject);
      if (verb.startsWith('CONSUMER') && !(await isDenied(`${subject}.someone`))) allowed.push(`${subject}.someone`);
    }
  }
  expect(allowed).toEqual([]);
});

test('each subject of another job is denied, and its streams hold what they held', async () => {
  const count = async (): Promise<number> => (await nats.jsm.streams.info(`MR_${other}_seen`)).state.messages;
  const before = await count();
  const subjects = [
    `mr.${other}.seen.0`,
    `mr.${other}.blob.code`,
    `mr.${other}.bus.report`,
    `$KV.MR_${other}.job`,
    `$KV.MR_${other}.failure`,
    'load.yours',
    'out.yours',
    '$SYS.REQ.SERVER.PING',
  ];
  const allowed: string[] = [];
  for (const subject of subjects) if (!(await isDenied(subject, 'x'))) allowed.push(subject);
  expect(allowed).toEqual([]);
  expect(await count()).toBe(before);
});

test('what goes to another job cannot be overheard', async () => {
  const allowed: string[] = [];
  for (const subject of ['>', 'mr.>', `mr.${other}.>`, `_INBOX.${other}.>`, '_INBOX.>', `$KV.MR_${other}.>`, 'out.yours', '$JS.EVENT.>']) {
    const before = denied.length;
    tenant.connection.subscribe(subject, { callback: () => undefined });
    await tenant.connection.flush();
    for (let tries = 0; tries < 20 && denied.length === before; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    if (denied.length === before) allowed.push(subject);
  }
  expect(allowed).toEqual([]);
});
