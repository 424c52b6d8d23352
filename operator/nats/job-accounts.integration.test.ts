// Two jobs of one namespace on a real server: what harmful code in a worker of the one can do to the other, with the credentials that such
// a worker has. The server checks neither where an answer is to go nor where a consumer delivers: only accounts end that.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callApi, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import type { JobConnections } from '../../runtime/adapters/nats/job-connections.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { inboxPrefix, type WorkerPermissions } from '../../runtime/adapters/nats/worker-permissions.ts';
import { deadLettersSubject, redriveSubject } from '../../runtime/plan/plan-names.ts';
import { prepareJob, writeRecord } from '../../runtime/pod/pod-harness.ts';
import { jobText } from '../../test/support/job-run.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { signedCredentials } from './nats-keys.ts';

const [mine, other] = ['ns_mine', 'ns_other'];

let server: KeyedServer;
let rights: WorkerPermissions;
/** A worker of `mine`. */
let worker: JobConnections;
/** As the operator: in the account of `mine`, and of the namespace. */
let own: JobConnections;
/** As the operator, in the account of `other`. */
let others: NatsConnection;

const text = (name: string): string =>
  jobText(
    name,
    `
  partitions: 1
  sources: [{ name: orders, nats: { subjects: [in.${name}] }, schema: { key: string } }]
  stages: [{ name: counts, from: orders, keyBy: { key: event.key }, aggregate: { n: { count: {} } } }]
  sinks: [{ name: out, from: counts, nats: { subject: out.${name} } }]
`,
  );

/** All that `other` lives of, by subject. */
const targets = [
  `mr.${other}.counts.0`,
  `mr.${other}.orders.0`,
  `mr.${other}.sinks.0`,
  `mr.${other}.blob.code`,
  `mr.${other}.bus.report`,
  redriveSubject(other, 'letter'),
  deadLettersSubject(other),
  `$KV.MR_${other}.job`,
  `$KV.MR_${other}.assignment`,
  `${inboxPrefix(other)}.x`,
];

beforeAll(async () => {
  server = await startKeyedServer({ durability: 'process' });
  own = await server.connections(mine);
  const theirs = await server.connections(other);
  others = theirs.job;
  for (const name of ['mine', 'other']) await made(own.streams, { name: `IN_${name}`, subjects: [`in.${name}`], retention: 'limits' });
  const prepared = await prepareJob(own, text('mine'), { identity: mine });
  rights = prepared.permissions;
  await writeRecord(prepared, { identity: mine });
  await writeRecord(await prepareJob(theirs, text('other'), { identity: other }), { identity: other });
  own.streams.publish('in.mine', '{"key":"forged"}');
  const seeds = { job: (await server.account(mine)).seed, streams: (await server.account('ns')).seed };
  const credentials = await signedCredentials(seeds, mine, rights);
  worker = { job: await connected(credentials.text), streams: await connected(credentials.streams!) };
});
afterAll(() => server.stop());

async function connected(credentials: string): Promise<NatsConnection> {
  const connection = await server.connect(credentials, { inboxPrefix: inboxPrefix(mine) });
  if (typeof connection === 'string') throw new Error(connection);
  return connection;
}

async function made(connection: NatsConnection, config: Readonly<Record<string, unknown>>): Promise<void> {
  expect(await callApi(Link.of(connection), `STREAM.CREATE.${String(config['name'])}`, config)).toMatchObject({ kind: 'ok' });
}

/** Last sequence of each stream of an account. */
async function ends(connection: NatsConnection): Promise<Readonly<Record<string, number>>> {
  const answer = await callApi<{ streams: readonly StreamInfo[] }>(Link.of(connection), 'STREAM.LIST', {});
  if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
  return Object.fromEntries(answer.value.streams.map(({ config, state }) => [config.name, state.last_seq]));
}

/** Subjects of `of` on which something came, from now on. */
async function heard(connection: NatsConnection, of: readonly string[]): Promise<{ readonly subjects: Set<string>; end(): void }> {
  const subjects = new Set<string>();
  const subscriptions = of.map((subject) => connection.subscribe(subject, { callback: () => void subjects.add(subject) }));
  await connection.flush();
  return { subjects, end: () => subscriptions.forEach((subscription) => subscription.unsubscribe()) };
}

/** Every request that its rights allow, with its answer for the target; and a consumer of a stream that delivers there by itself. */
async function play(connection: NatsConnection, allowed: readonly string[], target: string): Promise<void> {
  for (const subject of allowed) connection.publish(subject.replaceAll('*', 'x').replace(/>$/, 'x'), '', { reply: target });
  for (const subject of allowed.filter((one) => one.startsWith('$JS.API.CONSUMER.CREATE.'))) {
    const [, , , , stream, , ...filter] = subject.split('.');
    const name = `push-${Math.random().toString(36).slice(2)}`;
    const config = {
      name,
      deliver_subject: target,
      ack_policy: 'none',
      ...(filter.length > 0 ? { filter_subject: filter.join('.') } : {}),
    };
    await callApi(Link.of(connection), subject.slice('$JS.API.'.length).replace('*', name), { stream_name: stream, config });
  }
  await connection.flush();
}

describe.each(['job', 'streams'] as const)('with every right that it has in the account of its %s', (account) => {
  test.each(targets)('a worker sends nothing to %s of another job', async (target) => {
    const before = await ends(others);
    // That it is sent is seen where it stays.
    const [stays, arrives] = [await heard(own[account], [target]), await heard(others, [target])];
    await play(worker[account], rights[account]!.publish, target);
    await expect.poll(() => [...stays.subjects]).toEqual([target]);
    await others.flush();
    expect([...arrives.subjects]).toEqual([]);
    expect(await ends(others)).toEqual(before);
    stays.end();
    arrives.end();
  });
});

test('what was said to arrive nowhere arrives when it is sent in the account of the other job', async () => {
  const arrives = await heard(others, targets);
  for (const target of targets.filter((one) => !one.startsWith('$KV.'))) others.publish(target, 'x');
  await expect.poll(() => arrives.subjects.size).toBe(targets.length - 2);
  arrives.end();
});

// Not what we want, but what is: should the server learn to check it, these tests tell (docs/adr/0025).
describe('in the account of its namespace, where the streams of sources and sinks are, a worker can have sent to the source of another job', () => {
  test.each([
    ['an answer', '$JS.API.STREAM.INFO.IN_mine', null],
    [
      'its own input, by a consumer that delivers by itself',
      '$JS.API.CONSUMER.CREATE.IN_mine.push.in.mine',
      { stream_name: 'IN_mine', config: { name: 'push', deliver_subject: 'in.other', ack_policy: 'none', filter_subject: 'in.mine' } },
    ],
  ])('%s', async (_what, subject, body) => {
    const before = (await ends(own.streams))['IN_other'] ?? 0;
    const reply = body === null ? 'in.other' : `${inboxPrefix(mine)}.answer`;
    worker.streams.publish(subject, body === null ? '' : JSON.stringify(body), { reply });
    await expect.poll(async () => (await ends(own.streams))['IN_other'] ?? 0).toBeGreaterThan(before);
  });
});

test.each(['STREAM.PURGE.IN_other', 'STREAM.DELETE.IN_other', 'STREAM.MSG.DELETE.IN_other'])(
  'in that account, too, an answer that is sent to %s is no request',
  async (call) => {
    const before = (await ends(own.streams))['IN_other'] ?? 0;
    // Its first message is there to be removed; answers come in the order of their questions.
    for (const reply of ['in.other', `$JS.API.${call}`, 'in.other']) worker.streams.publish('$JS.API.STREAM.INFO.IN_mine', '', { reply });
    await expect.poll(async () => (await ends(own.streams))['IN_other']).toBe(before + 2);
    const found = await callApi<StreamInfo>(Link.of(own.streams), 'STREAM.INFO.IN_other');
    expect(found).toMatchObject({ kind: 'ok', value: { state: { messages: before + 2, first_seq: 1 } } });
  },
);
