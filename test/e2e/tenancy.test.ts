// What a job's workers may do in NATS, tried with the credentials that its pods really have: its own, and nothing of another job, in another
// namespace or in the same one.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importedAs } from '../../runtime/adapters/nats/imported-subjects.ts';
import { GENERAL_CALLS, callsOn } from '../support/jetstream-calls.ts';
import { makeNamespace, removeNamespace, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream } from './support/load.ts';
import { adminOf, connectClusterNats, connectJobNats, secretText, type ClusterNats } from './support/nats.ts';
import { get } from './support/objects.ts';
import { freshName, until } from './support/programs.ts';

const [ours, theirs] = [freshName('e2e-tenant-a'), freshName('e2e-tenant-b')];
const MINE = 'mine';

/** A worker of `ours/mine`. */
let worker: ClusterNats;
const denied: string[] = [];
/** With all rights: in the account of `ours/mine`, and of the namespaces. */
let mine: ClusterNats;
let own: ClusterNats;
let nats: ClusterNats;

/** Jobs that must not be touched. `neighbour`: in the same namespace, so its source and sink are in the account that both use. */
const others = [
  { fact: 'of another namespace', space: theirs, job: 'yours' },
  { fact: 'of the same namespace', space: ours, job: 'neighbour' },
] as const;
type Other = (typeof others)[number];
/** With all rights, in the accounts of those. */
const inside = new Map<Other, ClusterNats>();

beforeAll(async () => {
  for (const space of [ours, theirs]) await makeNamespace(space);
  own = await connectClusterNats(await adminOf(ours));
  nats = await connectClusterNats(await adminOf(theirs));
  await makeLoadStream(own, MINE);
  await makeLoadStream(own, 'neighbour');
  await makeLoadStream(nats, 'yours');
  await applyLoadJob(ours, MINE);
  for (const { space, job } of others) await applyLoadJob(space, job);
  for (const { space, job } of [{ space: ours, job: MINE }, ...others]) await untilReady(space, job);
  mine = await connectJobNats(ours, MINE);
  for (const other of others) inside.set(other, await connectJobNats(other.space, other.job));
  const secret = await get<{ data: Record<string, string> }>('secret', ours, `${MINE}-nats`);
  if (secret === null) throw new Error('the job has a Secret with its credentials');
  expect(Object.keys(secret.data)).toEqual(['nats.creds']);
  worker = await connectClusterNats(secretText(secret, 'nats.creds'), { inboxPrefix: `_INBOX.${ours}_${MINE}` });
  void (async () => {
    for await (const status of worker.connection.status())
      if (status.type === 'error') denied.push(String((status as { error?: unknown }).error));
  })();
});

afterAll(async () => {
  for (const connected of [worker, ...inside.values(), mine]) await connected.close();
  for (const space of [ours, theirs]) await removeNamespace(space);
  await own.close();
  await nats.close();
});

/** With the job's credentials: does the server say no? */
async function isRefused(act: (as: ClusterNats['connection']) => void): Promise<boolean> {
  const before = denied.length;
  act(worker.connection);
  await worker.connection.flush();
  for (let tries = 0; tries < 500 && denied.length === before; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  return denied.length > before;
}

describe.each(others)('a worker, of a job $fact,', (other) => {
  const identity = `${other.space}_${other.job}`;
  const lanes = [
    ...['load', 'seen', 'sinks', 'dead', 'redrive', 'blobs'].map((lane) => `MR_${identity}_${lane}`),
    `KV_MR_${identity}`,
    `${identity}_dead-letters`,
  ];
  const subjects = [
    `mr.${identity}.seen.0`,
    `mr.${identity}.blob.code`,
    `mr.${identity}.redrive.letter`,
    `mr.${identity}.bus.report`,
    `$KV.MR_${identity}.job`,
    `$KV.MR_${identity}.failure`,
    `${identity}.dead-letters`,
  ];
  const there = (): ClusterNats => inside.get(other) as ClusterNats;
  /** Last sequences of what it lives of; while nothing is sent to it, nothing moves. */
  const ends = async (): Promise<Readonly<Record<string, number>>> => {
    const found: Record<string, number> = {};
    for await (const { config, state } of there().jsm.streams.list())
      if (!config.name.startsWith('KV_')) found[config.name] = state.last_seq;
    return found;
  };

  test('is denied each verb of JetStream on each stream, in its account and by import', async () => {
    const allowed: string[] = [];
    const streams = [...lanes, `load-${other.job}`, `out-${other.job}`];
    for (const call of [...streams.flatMap((stream) => callsOn(stream, `mr.${identity}.seen.0`)), ...GENERAL_CALLS])
      for (const each of [call, importedAs(call)]) if (!(await isRefused((to) => to.publish(each)))) allowed.push(each);
    expect(allowed).toEqual([]);
  });

  test('is denied each subject, and its streams hold what they held', async () => {
    const before = await ends();
    const allowed: string[] = [];
    const all = [...subjects, `load.${other.job}`, `out.${other.job}`, '$SYS.REQ.SERVER.PING'];
    for (const subject of [...all, ...all.map(importedAs)]) if (!(await isRefused((to) => to.publish(subject, 'x')))) allowed.push(subject);
    expect(allowed).toEqual([]);
    expect(await ends()).toEqual(before);
  });

  test('cannot overhear what goes there', async () => {
    const allowed: string[] = [];
    const heard = ['>', 'mr.>', `mr.${identity}.>`, `_INBOX.${identity}.>`, '_INBOX.>', `$KV.MR_${identity}.>`, `out.${other.job}`];
    for (const subject of [...heard, '$JS.EVENT.>'])
      if (!(await isRefused((to) => void to.subscribe(subject, { callback: () => undefined })))) allowed.push(subject);
    expect(allowed).toEqual([]);
  });

  // Allowed, and answered: to wherever it says, in the account of its job.
  test.each([
    { fact: 'of its own account', asked: `$JS.API.STREAM.INFO.MR_${ours}_${MINE}_seen` },
    { fact: 'of that of its namespace', asked: importedAs(`$JS.API.STREAM.INFO.load-${MINE}`) },
  ] as const)('cannot have an answer $fact sent there: it stays in its account', async ({ asked }) => {
    const streams = [`load.${other.job}`, `out.${other.job}`];
    const targets = [...subjects, ...streams, ...streams.map(importedAs)];
    const inNamespace = other.space === ours ? own : nats;
    const fed = async (): Promise<readonly number[]> =>
      Promise.all(streams.map(async (subject) => (await inNamespace.jsm.streams.info(subject.replace('.', '-'))).state.last_seq));
    const [before, fedBefore] = [await ends(), await fed()];
    const heard = { there: 0, here: new Set<string>() };
    for (const subject of targets) {
      mine.connection.subscribe(subject, { callback: () => void heard.here.add(subject) });
      // Its own workers report and beat.
      if (!/report|KV/.test(subject)) there().connection.subscribe(subject, { callback: () => void heard.there++ });
    }
    await Promise.all([mine.connection.flush(), there().connection.flush()]);
    for (const subject of targets) worker.connection.publish(asked, '', { reply: subject });
    await until('the answers are there', 150_000, async () => (heard.here.size === targets.length ? true : null));
    await there().connection.flush();
    expect(heard.there).toBe(0);
    expect(await ends()).toEqual(before);
    expect(await fed()).toEqual(fedBefore);
  });

  test('does not see what it lives of, even with all rights of its own job and namespace', async () => {
    for (const admin of [mine, own])
      for (const lane of lanes) await expect(admin.jsm.streams.info(lane), lane).rejects.toThrow(/not found/);
  });
});

test('a worker makes no consumer of a stream of its namespace, not even of what it reads, and reaches that of no other job', async () => {
  const consumers = async (stream: string): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { name } of own.jsm.consumers.list(stream)) found.push(name);
    return found;
  };
  // The operator asks by consumers of its own, which live for a second.
  await expect.poll(() => consumers(`load-${MINE}`)).toEqual([expect.stringMatching(`^MR_${ours}_${MINE}_[0-9a-f]{24}$`)]);
  const before = (await consumers(`load-${MINE}`)).filter((name) => name.startsWith('MR_'));
  const calls = [
    ...['', '.x', `.x.load.${MINE}`].map((end) => `$JS.API.CONSUMER.CREATE.load-${MINE}${end}`),
    `$JS.API.CONSUMER.DURABLE.CREATE.load-${MINE}.x`,
    ...['DELETE', 'PAUSE', 'LEADER.STEPDOWN'].map((verb) => `$JS.API.CONSUMER.${verb}.load-${MINE}.${before[0]}`),
  ];
  for (const consumer of [...(await consumers('load-neighbour')), ...before])
    calls.push(...['INFO', 'MSG.NEXT', 'RESET', 'UNPIN'].map((verb) => `$JS.API.CONSUMER.${verb}.load-neighbour.${consumer}`));
  const allowed: string[] = [];
  for (const call of [...calls, ...calls.map(importedAs)]) if (!(await isRefused((to) => to.publish(call, '{}')))) allowed.push(call);
  expect(allowed).toEqual([]);
  await expect.poll(() => consumers(`load-${MINE}`)).toEqual(before);
});

test('in the account of its job is what it lives of, in that of its namespace what it reads and writes', async () => {
  const names = async ({ jsm }: ClusterNats): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { config } of jsm.streams.list()) found.push(config.name);
    return found.sort();
  };
  expect(await names(own)).toEqual(['load-mine', 'load-neighbour', 'out-mine', 'out-neighbour']);
  expect(await names(mine)).toEqual(
    expect.arrayContaining([`KV_MR_${ours}_mine`, `MR_${ours}_mine_blobs`, `MR_${ours}_mine_seen`, `${ours}_mine_dead-letters`]),
  );
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
