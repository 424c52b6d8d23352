// What a job's workers may do in NATS, tried with the credentials that its pods really have: its own, and nothing of another job.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeNamespace, removeNamespace, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream } from './support/load.ts';
import { adminOf, connectClusterNats, secretText, type ClusterNats } from './support/nats.ts';
import { freshName, get, until } from './support/programs.ts';

const [ours, theirs] = [freshName('e2e-tenant-a'), freshName('e2e-tenant-b')];
/** Of the one namespace and the other, with all rights. */
let own: ClusterNats;
let nats: ClusterNats;
let tenant: ClusterNats;
const denied: string[] = [];

beforeAll(async () => {
  for (const space of [ours, theirs]) await makeNamespace(space);
  own = await connectClusterNats(await adminOf(ours));
  nats = await connectClusterNats(await adminOf(theirs));
  await makeLoadStream(own, 'mine');
  await makeLoadStream(nats, 'yours');
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
  await own.close();
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

test('what is in another namespace does not exist, even with all rights of the own one', async () => {
  const names: string[] = [];
  for await (const { config } of own.jsm.streams.list()) names.push(config.name);
  expect(names).toContain(`MR_${ours}_mine_seen`);
  expect(names.filter((name) => name.includes(theirs) || name.endsWith('-yours'))).toEqual([]);
  for (const lane of [...lanes, 'load-yours', 'out-yours']) await expect(own.jsm.streams.info(lane), lane).rejects.toThrow(/not found/);
});

test('an answer that is sent to a journal of another namespace does not leave its own', async () => {
  const target = `mr.${other}.seen.0`;
  const stream = `MR_${other}_seen`;
  const heard = { own: 0, theirs: 0 };
  own.connection.subscribe(target, { callback: () => void heard.own++ });
  nats.connection.subscribe(target, { callback: () => void heard.theirs++ });
  await Promise.all([own.connection.flush(), nats.connection.flush()]);
  const before = await nats.jsm.streams.info(stream);
  // Allowed, and answered: to wherever it says.
  tenant.connection.publish(`$JS.API.STREAM.INFO.MR_${ours}_mine_seen`, '', { reply: target });
  await until('the answer is there', 20_000, async () => (heard.own > 0 ? true : null));
  await nats.connection.flush();
  const after = await nats.jsm.streams.info(stream);
  expect(heard.theirs).toBe(0);
  expect([after.state.messages, after.state.last_seq]).toEqual([before.state.messages, before.state.last_seq]);
});

test("the Secret for applications is the namespace's own", async () => {
  const secret = await get<{ data: Record<string, string> }>('secret', ours, 'millrace-nats-app');
  if (secret === null) throw new Error('the operator makes it where there is a StreamJob');
  const app = await connectClusterNats(secretText(secret, 'nats.creds'));
  try {
    expect((await app.jsm.streams.info('load-mine')).config.subjects).toEqual(['load.mine']);
    await expect(app.jsm.streams.info('load-yours')).rejects.toThrow(/not found/);
    expect(await app.js.publish('load.mine', JSON.stringify({ key: 'k', n: 0 }))).toMatchObject({ stream: 'load-mine' });
  } finally {
    await app.close();
  }
});
