// The keys on a real server that trusts nothing else.

import { decode, encodeAccount, parseCreds, type Account } from '@nats-io/jwt';
import { fromPublic, fromSeed } from '@nats-io/nkeys';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDirectory } from '../../runtime/adapters/nats/directory.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { accountNamed, startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import {
  accountOf,
  accountToken,
  makeNatsKeys,
  rightsHash,
  roleCredentials,
  saysTheSame,
  userCredentials,
  workerCredentials,
  type NatsKeys,
} from './nats-keys.ts';

const ANSWER_MS = 400;

let server: KeyedServer;
let keys: NatsKeys;
let seed: string;
let operator: NatsConnection;
let app: NatsConnection;

beforeAll(async () => {
  server = await startKeyedServer({ durability: 'process' });
  keys = server.keys;
  seed = (await server.account('team')).seed;
  operator = await server.operator('team');
  app = await taken((await roleCredentials(seed, 'app')).text);
  for (const connection of [operator, app]) void countRefusals(connection);
  await openDirectory(operator, 'team_other');
  await callApi(Link.of(operator), 'STREAM.CREATE.MR_team_other_rows', { name: 'MR_team_other_rows', subjects: ['mr.team_other.rows.*'] });
});
afterAll(() => server.stop());

async function taken(credentials: string, inboxPrefix?: string): Promise<NatsConnection> {
  const connection = await server.connect(credentials, inboxPrefix === undefined ? {} : { inboxPrefix });
  if (typeof connection === 'string') throw new Error(connection);
  return connection;
}

/** Whether the server takes a request: what it does not, nobody answers. */
async function answered(connection: NatsConnection, call: string, body: object | null = null): Promise<boolean> {
  return (await callApi(Link.of(connection), call, body, ANSWER_MS)).kind !== 'absent';
}

const refusals = new WeakMap<NatsConnection, number>();

async function countRefusals(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) if (type === 'error') refusals.set(connection, (refusals.get(connection) ?? 0) + 1);
}

/** Whether the server takes a message. */
async function publishes(connection: NatsConnection, subject: string): Promise<boolean> {
  const before = refusals.get(connection);
  connection.publish(subject, '');
  await connection.flush(); // the refusal comes before its answer, and is told a turn later
  await new Promise((resolve) => setImmediate(resolve));
  return refusals.get(connection) === before;
}

/** What arrives at `subject` when the operator publishes to `published`. */
async function hears(connection: NatsConnection, subject: string, published: string): Promise<boolean> {
  let heard = false;
  const subscription = connection.subscribe(subject, { callback: (error) => void (heard ||= error === null) });
  await connection.flush();
  operator.publish(published, 'x');
  await operator.flush();
  await connection.flush();
  subscription.unsubscribe();
  return heard;
}

describe('tokens', () => {
  test('a user is signed by its account and does not expire', async () => {
    const { uc } = await parseCreds(Buffer.from((await roleCredentials(seed, 'app')).text));
    expect(uc.iss).toBe(accountOf(keys['operator.seed'], accountNamed('team')).id);
    expect(uc.exp).toBeUndefined();
  });

  test('the account of a namespace is always the same one, and that of no other namespace or operator', async () => {
    const own = accountOf(keys['operator.seed'], accountNamed('team'));
    expect(accountOf(keys['operator.seed'], accountNamed('team'))).toEqual(own);
    expect(fromSeed(Buffer.from(own.seed)).getPublicKey()).toBe(own.id);
    expect(own.id).toMatch(/^A[A-Z2-7]{55}$/);
    const others = [
      accountOf(keys['operator.seed'], accountNamed('team-b')),
      accountOf((await makeNatsKeys())['operator.seed'], accountNamed('team')),
      ...['team_a', 'team_b', 'team_team'].map((identity) => accountOf(keys['operator.seed'], { kind: 'job', identity })),
      accountOf(keys['operator.seed'], { kind: 'savepoints', namespace: 'team' }),
    ];
    expect(new Set([own, ...others].map(({ id }) => id)).size).toBe(7);
  });

  test('tokens of an account say the same whenever they are made, and those of two accounts do not', async () => {
    const token = await accountToken(keys['operator.seed'], accountNamed('team'));
    expect(decode(token)).toMatchObject({ name: 'team', sub: accountOf(keys['operator.seed'], accountNamed('team')).id });
    const dated = await encodeAccount('team', fromPublic(decode(token).sub), decode<Account>(token).nats, {
      signer: fromSeed(Buffer.from(keys['operator.seed'])),
      nbf: 1,
    });
    expect(dated).not.toBe(token);
    expect(saysTheSame(token, dated)).toBe(true);
    expect(saysTheSame(token, await accountToken(keys['operator.seed'], accountNamed('team-b')))).toBe(false);
    expect(saysTheSame(token, 'no token')).toBe(false);
  });

  test('rights and signer make the hash, nothing else does', () => {
    const rights = { publish: ['a'], subscribe: ['b'] };
    expect(rightsHash(seed, 'ns_job', rights)).toBe(rightsHash(seed, 'ns_job', { ...rights }));
    expect(rightsHash(seed, 'ns_job', { ...rights, publish: ['c'] })).not.toBe(rightsHash(seed, 'ns_job', rights));
    expect(rightsHash(seed, 'ns_other', rights)).not.toBe(rightsHash(seed, 'ns_job', rights));
  });
});

describe('who may connect', () => {
  test('the operator, with all rights of the account', async () => expect(await answered(operator, 'STREAM.NAMES')).toBe(true));

  test('nobody without credentials', async () => expect(await server.connect(undefined)).toMatch(/authorization/i));

  test('nobody whom another account signed', async () => {
    const stranger = accountOf((await makeNatsKeys())['operator.seed'], accountNamed('team'));
    expect(await server.connect((await roleCredentials(stranger.seed, 'admin')).text)).toMatch(/authorization/i);
  });

  test('who asks servers how they are, in an account that has no streams', async () => {
    const system = await taken(keys['sys.creds']);
    const reply = await system.request('$SYS.REQ.SERVER.PING.VARZ', '', { timeout: 2_000 });
    expect(reply.json()).toMatchObject({ data: { jetstream: { config: { sync_interval: 120_000_000_000 } } } });
    expect(await answered(system, 'INFO')).toBe(false);
  });
});

test('the user of a job does what is listed, and nothing else', async () => {
  const rights = { publish: ['mr.team_job.>', '$JS.API.STREAM.INFO.KV_MR_team_job'], subscribe: ['_INBOX.team_job.>'] };
  await openDirectory(operator, 'team_job');
  const job = await taken(await workerCredentials(seed, 'team_job', rights), '_INBOX.team_job');
  expect(await answered(job, 'STREAM.INFO.KV_MR_team_job')).toBe(true);
  expect(await answered(job, 'STREAM.INFO.KV_MR_team_other')).toBe(false);
  expect(await answered(job, 'STREAM.NAMES')).toBe(false);
  expect(await hears(job, 'mr.team_other.>', 'mr.team_other.bus.report')).toBe(false);
});

describe('an application', () => {
  test('makes streams, writes and reads them', async () => {
    expect(await answered(app, 'STREAM.CREATE.FLIGHTS', { name: 'FLIGHTS', subjects: ['flights.>'] })).toBe(true);
    expect(await hears(app, 'flights.in', 'flights.in')).toBe(true);
    expect(
      await answered(app, 'CONSUMER.CREATE.FLIGHTS.mine', { stream_name: 'FLIGHTS', config: { name: 'mine', ack_policy: 'none' } }),
    ).toBe(true);
    expect(await answered(app, 'STREAM.MSG.GET.FLIGHTS', { seq: 1 })).toBe(true);
  });

  test.each([
    'mr.team_other.rows.0',
    '$KV.MR_team_other.job',
    '_INBOX.team_other.abc.1',
    '$JS.API.STREAM.DELETE.MR_team_other_rows',
    '$JS.API.STREAM.UPDATE.MR_team_other_rows',
    '$JS.API.STREAM.PURGE.MR_team_other_rows',
    '$JS.API.STREAM.RESTORE.MR_team_other_rows',
    '$JS.API.STREAM.SNAPSHOT.MR_team_other_rows',
    '$JS.API.STREAM.MSG.DELETE.KV_MR_team_other',
    '$JS.API.STREAM.LEADER.STEPDOWN.MR_team_other_rows',
    '$JS.API.STREAM.PEER.REMOVE.MR_team_other_rows',
    '$JS.API.STREAM.PEER.EVACUATE.MR_team_other_rows',
    '$JS.API.STREAM.CANCEL_MOVE.MR_team_other_rows',
    '$JS.API.CONSUMER.NAMES.MR_team_other_rows',
    '$JS.API.CONSUMER.LIST.MR_team_other_rows',
    '$JS.API.CONSUMER.LEADER.STEPDOWN.MR_team_other_rows.c',
    '$JS.API.CONSUMER.PEER.REMOVE.MR_team_other_rows.c',
  ])('may not publish %s, the operator may', async (subject) => {
    expect(await publishes(app, subject)).toBe(false);
    expect(await publishes(operator, subject)).toBe(true);
  });

  test.each(['flights.in', '_INBOX.abc.1', '$JS.API.STREAM.CREATE.MINE', '$JS.API.STREAM.INFO.MINE', '$JS.ACK.FLIGHTS.mine.1.1.1.1.0'])(
    'may publish %s',
    async (subject) => expect(await publishes(app, subject)).toBe(true),
  );

  test.each([
    ['mr.>', 'mr.team_other.bus.report'],
    ['>', 'mr.team_other.bus.report'],
    ['$KV.>', '$KV.MR_team_other.job'],
    ['_INBOX.>', '_INBOX.team_other.abc.1'],
    ['$JS.API.>', '$JS.API.CONSUMER.MSG.NEXT.MR_team_other_rows.secret'],
  ])('listening to %s does not hear %s', async (subject, published) => {
    expect(await hears(operator, subject, published)).toBe(true);
    expect(await hears(app, subject, published)).toBe(false);
  });
});

test('credentials may be made for any rights', async () => {
  const text = await userCredentials(seed, 'reader', { pub: { allow: [] }, sub: { allow: ['flights.>'] } });
  expect((await parseCreds(Buffer.from(text))).uc.nats).toMatchObject({ sub: { allow: ['flights.>'] } });
});
