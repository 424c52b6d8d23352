// Two jobs of one namespace on a real server: what harmful code in a worker of the one can do to the other, with the credentials that such
// a worker has. The server checks neither where an answer is to go nor where a consumer delivers: only accounts end that, what one
// imports of another, and that nobody who is not trusted makes a consumer there.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callApi, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import type { JobConnections } from '../../runtime/adapters/nats/job-connections.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { importedAs, importsOf } from '../../runtime/adapters/nats/imported-subjects.ts';
import { importingRights, inboxPrefix, type SubjectRights } from '../../runtime/adapters/nats/worker-permissions.ts';
import { STOCK_GROUP, stockOf, type StockPlace } from '../../runtime/adapters/nats/stock-consumer.ts';
import { deadLettersSubject, redriveSubject } from '../../runtime/plan/plan-names.ts';
import { prepareJob, writeRecord } from '../../runtime/pod/pod-harness.ts';
import { jobText } from '../../test/support/job-run.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { signedCredentials } from './nats-keys.ts';
import { ensureStock } from './stock.ts';

const [mine, other] = ['ns_mine', 'ns_other'];

let server: KeyedServer;
let rights: SubjectRights;
/** What the one and the other read by. */
let [readsBy, othersReadBy]: StockPlace[] = [];
/** A worker of `mine`. */
let worker: NatsConnection;
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
  rights = importingRights(prepared.permissions);
  await server.accounts.setImports(mine, importsOf(prepared.permissions.streams));
  const preparedOther = await prepareJob(theirs, text('other'), { identity: other });
  const stock = [];
  for (const { identity, runId, plan } of [prepared, preparedOther]) {
    await ensureStock(Link.of(own.streams), { identity, runId }, [plan]);
    stock.push(...stockOf({ identity, runId }, plan));
  }
  [readsBy, othersReadBy] = stock;
  await writeRecord(prepared, { identity: mine });
  await writeRecord(preparedOther, { identity: other });
  own.streams.publish('in.mine', '{"key":"forged"}');
  worker = await connected((await signedCredentials((await server.account(mine)).seed, mine, rights)).text);
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

/** Every request that its rights allow, with its answer for the target; and a consumer of each stream that it may read and that lies in
 *  its own account, which delivers there by itself. */
async function play(target: string): Promise<void> {
  for (const subject of rights.publish) worker.publish(subject.replaceAll('*', 'x').replace(/>$/, 'x'), '', { reply: target });
  for (const subject of rights.publish.filter((one) => one.startsWith('$JS.API.CONSUMER.CREATE.'))) {
    const [, , , , stream] = subject.split('.');
    const name = `push-${Math.random().toString(36).slice(2)}`;
    const config = { name, deliver_subject: target, ack_policy: 'none' };
    await callApi(Link.of(worker), subject.slice('$JS.API.'.length).replace('*', name), { stream_name: stream, config });
  }
  await worker.flush();
}

test.each(targets)('with every right that it has, a worker sends nothing to %s of another job', async (target) => {
  const before = await ends(others);
  // That it is sent is seen where it stays.
  const [stays, arrives] = [await heard(own.job, [target]), await heard(others, [target])];
  await play(target);
  await expect.poll(() => [...stays.subjects]).toEqual([target]);
  await others.flush();
  expect([...arrives.subjects]).toEqual([]);
  expect(await ends(others)).toEqual(before);
  stays.end();
  arrives.end();
});

test('what was said to arrive nowhere arrives when it is sent in the account of the other job', async () => {
  const arrives = await heard(others, targets);
  for (const target of targets.filter((one) => !one.startsWith('$KV.'))) others.publish(target, 'x');
  await expect.poll(() => arrives.subjects.size).toBe(targets.length - 2);
  arrives.end();
});

describe('in the account of their namespace, where the streams of its jobs and applications are,', () => {
  /** What another job reads, and what it writes; a subject of applications; requests that would remove what is there. */
  const shared = [
    'in.other',
    'out.other',
    'app.orders',
    ...['PURGE', 'DELETE', 'MSG.DELETE'].map((verb) => `$JS.API.STREAM.${verb}.IN_other`),
    '$JS.API.CONSUMER.CREATE.IN_other.x.in.other',
  ];

  test.each(shared.flatMap((subject) => [subject, importedAs(subject)]))('it has nothing sent to %s', async (target) => {
    const before = await ends(own.streams);
    const arrives = await heard(own.streams, shared);
    const stays = await heard(own.job, [target]);
    await play(target);
    await expect.poll(() => [...stays.subjects]).toEqual([target]);
    await own.streams.flush();
    expect([...arrives.subjects]).toEqual([]);
    expect(await ends(own.streams)).toMatchObject({ IN_other: before['IN_other'], out_other: before['out_other'] });
    stays.end();
    arrives.end();
  });

  test('it acknowledges nothing that another consumer has delivered: the server takes no such reply', async () => {
    const refused: string[] = [];
    void (async () => {
      for await (const status of worker.status()) if (status.type === 'error') refused.push(status.error.message);
    })();
    const reply = '$JS.ACK.IN_other.app.1.1.1.1.0';
    Link.importing(worker).publish('$JS.API.STREAM.INFO.IN_mine', '', { reply });
    await expect.poll(() => refused.join()).toContain(reply);
  });

  test('it has what its source and sink need: answers, deliveries, acknowledgements', async () => {
    const link = Link.importing(worker);
    expect(await callApi(link, 'STREAM.INFO.IN_mine')).toMatchObject({ kind: 'ok' });
    expect(await callApi(link, 'STREAM.INFO.IN_other')).toMatchObject({ kind: 'absent' });
    const before = (await ends(own.streams))['out_mine'] ?? 0;
    const headers = { 'Nats-Expected-Last-Subject-Sequence': String(before), 'Nats-Msg-Id': 'one', traceparent: 'kept' };
    expect(await link.request('out.mine', '{}', { timeoutMs: 60_000, headers })).toMatchObject({ kind: 'message' });
    const again = await link.request('out.mine', '{}', { timeoutMs: 60_000, headers: { ...headers, 'Nats-Msg-Id': 'two' } });
    expect(again.kind === 'message' && Buffer.from(again.data).toString()).toContain('wrong last sequence');
    const stored = await callApi<{ message: { hdrs: string } }>(link, 'STREAM.MSG.GET.out_mine', { last_by_subj: 'out.mine' });
    const kept = stored.kind === 'ok' ? Buffer.from(stored.value.message.hdrs, 'base64').toString() : '';
    expect(kept).toContain('traceparent: kept');
    expect(kept).not.toContain('Nats-Request-Info'); // how the server tells who asks
  });

  /** In the account of the namespace, by import: is it answered? */
  async function isAnswered(call: string, body: object | string): Promise<boolean> {
    const reply = await Link.importing(worker).request(`$JS.API.${call}`, typeof body === 'string' ? body : JSON.stringify(body), {
      timeoutMs: 300,
    });
    return reply.kind === 'message';
  }

  test.each(['in.other', 'out.other'])(
    'it makes no consumer of its own input that delivers by itself to %s of another job, whichever way it asks',
    async (target) => {
      const stream = target === 'in.other' ? 'IN_other' : 'out_other';
      const before = (await ends(own.streams))[stream] ?? 0;
      const { consumer } = readsBy!;
      for (const name of ['x', consumer]) {
        const config = { name, durable_name: name, deliver_subject: target, ack_policy: 'none', filter_subject: 'in.mine' };
        for (const action of [undefined, 'create', 'update'])
          for (const call of [
            'CONSUMER.CREATE.IN_mine',
            `CONSUMER.CREATE.IN_mine.${name}`,
            `CONSUMER.CREATE.IN_mine.${name}.in.mine`,
            `CONSUMER.DURABLE.CREATE.IN_mine.${name}`,
          ])
            expect(await isAnswered(call, { stream_name: 'IN_mine', config, action })).toBe(false);
        // What it may ask of its consumer takes no such word.
        for (const verb of ['RESET', 'UNPIN', 'INFO', 'MSG.NEXT'])
          await isAnswered(`CONSUMER.${verb}.IN_mine.${consumer}`, { config, deliver_subject: target, group: STOCK_GROUP });
      }
      own.streams.publish('in.mine', '{"key":"more"}');
      await own.streams.flush();
      expect((await ends(own.streams))[stream]).toBe(before);
    },
  );

  test('it asks its own consumer what a reader needs, and nothing of that of another job', async () => {
    const asked = async (stream: string, consumer: string): Promise<readonly string[]> => {
      const answered: string[] = [];
      for (const verb of ['INFO', 'RESET', 'UNPIN', 'MSG.NEXT', 'DELETE', 'PAUSE', 'LEADER.STEPDOWN'])
        if (await isAnswered(`CONSUMER.${verb}.${stream}.${consumer}`, { group: STOCK_GROUP, seq: 1, batch: 1, expires: 200_000_000 }))
          answered.push(verb);
      return answered;
    };
    expect(await asked('IN_mine', readsBy!.consumer)).toEqual(['INFO', 'RESET', 'UNPIN', 'MSG.NEXT']);
    for (const [stream, consumer] of [
      ['IN_other', othersReadBy!.consumer],
      ['IN_mine', othersReadBy!.consumer],
      ['IN_other', readsBy!.consumer],
    ] as const)
      expect(await asked(stream, consumer)).toEqual([]);
  });
});
