// Accounts on a real server that keeps them in a folder.

import { rm } from 'node:fs/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { startOtherVersion } from '../../test/operator/support/old-server.ts';
import { Accounts } from './accounts.ts';
import { accountNamed, startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { accountOf } from './nats-keys.ts';

let server: KeyedServer;
/** As the operator, by namespace. */
const operators = new Map<string, NatsConnection>();
beforeAll(async () => {
  server = await startKeyedServer({ durability: 'process' });
  for (const namespace of ['shop', 'bank']) {
    const connection = await server.operator(namespace);
    operators.set(namespace, connection);
    for (const job of [`${namespace}_a`, `${namespace}_b`])
      await made(connection, { name: `MR_${job}_rows`, subjects: [`mr.${job}.rows.*`], storage: 'file' });
  }
});
afterAll(() => server.stop());

function operator(namespace: string): NatsConnection {
  const connection = operators.get(namespace);
  if (connection === undefined) throw new Error(namespace);
  return connection;
}

async function made(connection: NatsConnection, config: Readonly<Record<string, unknown>>): Promise<void> {
  expect(await callApi(Link.of(connection), `STREAM.CREATE.${String(config['name'])}`, config)).toMatchObject({ kind: 'ok' });
}

async function messagesIn(namespace: string, stream: string): Promise<number> {
  const answer = await callApi<StreamInfo>(Link.of(operator(namespace)), `STREAM.INFO.${stream}`);
  if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
  return answer.value.state.messages;
}

test('what is in another namespace does not exist, even with all rights', async () => {
  const link = Link.of(operator('bank'));
  expect(await callApi(link, 'STREAM.INFO.MR_shop_a_rows')).toMatchObject({ kind: 'error', error: { code: 404 } });
  const names = await callApi<{ streams: string[] }>(link, 'STREAM.NAMES', {});
  expect(names).toMatchObject({ kind: 'ok', value: { streams: ['MR_bank_a_rows', 'MR_bank_b_rows'] } });
  // The same subjects again: they are others.
  await made(operator('bank'), { name: 'MR_shop_a_rows', subjects: ['mr.shop_a.rows.*'], storage: 'file' });
  operator('bank').publish('mr.shop_a.rows.0', 'x');
  await expect.poll(() => messagesIn('bank', 'MR_shop_a_rows')).toBe(1);
  expect(await messagesIn('shop', 'MR_shop_a_rows')).toBe(0);
});

test('an operator that starts anew leaves accounts as they are', async () => {
  const told: string[] = [];
  const system = await server.connect(server.keys['sys.creds']);
  if (typeof system === 'string') throw new Error(system);
  system.subscribe('$SYS.REQ.CLAIMS.UPDATE', { callback: (_, { data }) => void told.push(Buffer.from(data).toString()) });
  await system.flush();
  const accounts = new Accounts({ clock: systemClock, onTrouble: (reason) => told.push(reason) });
  const address = { url: server.url, name: 'second', credentials: `${server.accountsFolder}-second.creds` };
  const parts = { keys: () => Promise.resolve(server.keys), secret: 'keys', address, onConnected: () => undefined };
  const connection = await accounts.start(parts);
  expect(await accounts.register(accountNamed('shop'))).toEqual(accountOf(server.keys['operator.seed'], accountNamed('shop')));
  expect(told).toEqual([]);
  // Asked for by many at once: told once.
  await Promise.all(Array.from({ length: 5 }, () => accounts.register(accountNamed('new_job'))));
  await expect.poll(() => told.length).toBe(1);
  await connection.close();
});

test('a server that is too old is waited for, and who asks is told its version', async () => {
  const other = await startOtherVersion(server);
  other.greetsAs('2.14.9');
  const told: string[] = [];
  const accounts = new Accounts({ clock: systemClock, onTrouble: (reason) => told.push(reason) });
  const address = { url: other.url, name: 'patient', credentials: `${server.accountsFolder}-patient.creds` };
  const parts = { keys: () => Promise.resolve(server.keys), secret: 'keys', address, onConnected: (version: string) => told.push(version) };
  const connected = accounts.start(parts);
  await expect.poll(() => told[0], { timeout: 90_000 }).toContain(`the NATS server at ${other.url} is 2.14.9; Millrace needs`);
  await expect(accounts.register(accountNamed('shop'))).rejects.toMatchObject({ code: 'MR1004', data: { version: '2.14.9' } });
  other.greetsAs(null);
  const connection = await connected;
  expect(told.at(-1)).toBe(connection.info?.version);
  expect(await accounts.register(accountNamed('shop'))).toEqual(accountOf(server.keys['operator.seed'], accountNamed('shop')));
  await connection.close();
  await other.stop();
});

test('a server that has lost its accounts is told of them again, and has their streams', async () => {
  const before = await messagesIn('bank', 'MR_bank_b_rows');
  await server.kill();
  await rm(server.accountsFolder, { recursive: true, force: true });
  await server.start();
  await expect.poll(() => messagesIn('bank', 'MR_bank_b_rows').catch(() => -1), { timeout: 90_000 }).toBe(before);
  await expect.poll(() => messagesIn('shop', 'MR_shop_b_rows').catch(() => -1), { timeout: 90_000 }).toBe(0);
  await expect.poll(() => server.troubles).toContain('a server had lost the account bank: it was told again');
});

test('accounts outlive a restart of the server', async () => {
  await server.kill();
  await server.start();
  await expect.poll(() => messagesIn('shop', 'MR_shop_b_rows').catch(() => -1), { timeout: 90_000 }).toBe(0);
});

test('a server that keeps no accounts is named as such', async () => {
  const old = await startKeyedServer({ durability: 'process', keeps: 'nowhere' });
  try {
    await expect(old.account('shop')).rejects.toThrow('NATS keeps no accounts: its configuration needs `resolver: { type: full, … }`');
  } finally {
    await old.stop();
  }
});
