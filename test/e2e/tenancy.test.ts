// What a job's workers may do in NATS, tried with the credentials that its pods really have: its own, and nothing of another job, in another
// namespace or in the same one.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeNamespace, removeNamespace, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream } from './support/load.ts';
import { adminOf, connectClusterNats, connectJobNats, secretText, type ClusterNats } from './support/nats.ts';
import { freshName, get, until } from './support/programs.ts';

const [ours, theirs] = [freshName('e2e-tenant-a'), freshName('e2e-tenant-b')];
const MINE = 'mine';

/** What a worker of `ours/mine` has: in its job's account, and where the streams of its source and sink are. */
type Way = 'nats.creds' | 'streams.creds';
const ways: readonly Way[] = ['nats.creds', 'streams.creds'];
const worker = new Map<Way, ClusterNats>();
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
  for (const way of ways) {
    const connected = await connectClusterNats(secretText(secret, way), { inboxPrefix: `_INBOX.${ours}_${MINE}` });
    worker.set(way, connected);
    void (async () => {
      for await (const status of connected.connection.status())
        if (status.type === 'error') denied.push(String((status as { error?: unknown }).error));
    })();
  }
});

afterAll(async () => {
  for (const connected of [...worker.values(), ...inside.values(), mine]) await connected.close();
  for (const space of [ours, theirs]) await removeNamespace(space);
  await own.close();
  await nats.close();
});

function as(way: Way): ClusterNats {
  const found = worker.get(way);
  if (found === undefined) throw new Error(way);
  return found;
}

/** With one of the job's credentials: does the server say no? */
async function isRefused(way: Way, act: (as: ClusterNats['connection']) => void): Promise<boolean> {
  const before = denied.length;
  act(as(way).connection);
  await as(way).connection.flush();
  for (let tries = 0; tries < 20 && denied.length === before; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  return denied.length > before;
}

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

  test.each(ways)('is denied each verb of JetStream on each stream, with %s', async (way) => {
    const allowed: string[] = [];
    for (const stream of [...lanes, `load-${other.job}`, `out-${other.job}`]) {
      for (const verb of verbs) {
        const calls = [`$JS.API.${verb}.${stream}`, ...(verb.startsWith('CONSUMER') ? [`$JS.API.${verb}.${stream}.someone`] : [])];
        for (const call of calls) if (!(await isRefused(way, (to) => to.publish(call)))) allowed.push(call);
      }
    }
    expect(allowed).toEqual([]);
  });

  test.each(ways)('is denied each subject, with %s, and its streams hold what they held', async (way) => {
    const before = await ends();
    const allowed: string[] = [];
    for (const subject of [...subjects, `load.${other.job}`, `out.${other.job}`, '$SYS.REQ.SERVER.PING'])
      if (!(await isRefused(way, (to) => to.publish(subject, 'x')))) allowed.push(subject);
    expect(allowed).toEqual([]);
    expect(await ends()).toEqual(before);
  });

  test.each(ways)('cannot overhear what goes there, with %s', async (way) => {
    const allowed: string[] = [];
    const heard = ['>', 'mr.>', `mr.${identity}.>`, `_INBOX.${identity}.>`, '_INBOX.>', `$KV.MR_${identity}.>`, `out.${other.job}`];
    for (const subject of [...heard, '$JS.EVENT.>'])
      if (!(await isRefused(way, (to) => void to.subscribe(subject, { callback: () => undefined })))) allowed.push(subject);
    expect(allowed).toEqual([]);
  });

  // Allowed, and answered: to wherever it says, in the account in which it was asked.
  test.each([
    { way: 'nats.creds', asked: `$JS.API.STREAM.INFO.MR_${ours}_${MINE}_seen`, stays: (): ClusterNats => mine },
    { way: 'streams.creds', asked: `$JS.API.STREAM.INFO.load-${MINE}`, stays: (): ClusterNats => own },
  ] as const)('cannot have an answer sent there: it stays where it was asked for, with $way', async ({ way, asked, stays }) => {
    const before = await ends();
    const heard = { there: 0, here: new Set<string>() };
    for (const subject of subjects) {
      stays().connection.subscribe(subject, { callback: () => void heard.here.add(subject) });
      // Its own workers report and beat.
      if (!/report|KV/.test(subject)) there().connection.subscribe(subject, { callback: () => void heard.there++ });
    }
    await Promise.all([stays().connection.flush(), there().connection.flush()]);
    for (const subject of subjects) as(way).connection.publish(asked, '', { reply: subject });
    await until('the answers are there', 20_000, async () => (heard.here.size === subjects.length ? true : null));
    await there().connection.flush();
    expect(heard.there).toBe(0);
    expect(await ends()).toEqual(before);
  });

  test('does not see what it lives of, even with all rights of its own job and namespace', async () => {
    for (const admin of [mine, own])
      for (const lane of lanes) await expect(admin.jsm.streams.info(lane), lane).rejects.toThrow(/not found/);
  });
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
