// The operator's connections by namespace, on a real server with accounts.

import { writeFile } from 'node:fs/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { JobNats } from './job-nats.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { roleCredentials } from './nats-keys.ts';
import { TenantNats } from './tenant-nats.ts';
import { WorkerReports } from './worker-reports.ts';

const HOUR_MS = 3_600_000;

let server: KeyedServer;
let nats: TenantNats;
/** What was opened, in order. */
const opened: NatsConnection[] = [];
/** Jobs of which something was heard. */
const told: string[] = [];
/** Added to the time. */
let laterMs = 0;

beforeAll(async () => {
  server = await startKeyedServer({ durability: 'process' });
  await server.account();
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + laterMs };
  nats = new TenantNats({
    accounts: server.accounts,
    connect: async ({ id, seed }) => {
      const credentials = `${server.accountsFolder}-${id}.creds`;
      await writeFile(credentials, (await roleCredentials(seed, 'admin')).text);
      const connection = await connectNats({ url: server.url, name: 'operator', credentials });
      opened.push(connection);
      return connection;
    },
    open: (connection, { seed: accountSeed }) => {
      const reports = new WorkerReports(clock);
      reports.listen(connection);
      const login = { kind: 'signed', accountSeed } as const;
      return new JobNats({ connection, reports, login, replicas: 1, servers: { kind: 'none' }, clock, random: systemRandom });
    },
    clock,
    onTrouble: (namespace, reason) => console.log(`${namespace}: ${reason}`),
  });
  nats.onChange((identity) => told.push(identity));
});
afterAll(async () => {
  await Promise.all(opened.map((connection) => connection.close()));
  await server.stop();
});

test('each namespace is asked in an account of its own, over one connection', async () => {
  const answers = await Promise.all(['shop_a', 'shop_b', 'bank_a'].map((identity) => nats.observe(identity)));
  expect(answers.map(({ kind }) => kind)).toEqual(['present', 'present', 'present']);
  expect(opened).toHaveLength(2);
});

test('who says in one account that a job of another namespace has failed is not heard', async () => {
  for (const namespace of ['bank', 'shop']) {
    const connection = await server.operator(namespace);
    // Connections of the operator hear in the order of publishing: what comes last tells that all was heard.
    for (const identity of ['shop_a', 'bank_a', `${namespace}_last`]) connection.publish(`$KV.MR_${identity}.failure`, '{}');
    await expect.poll(() => told.at(-1)).toBe(`${namespace}_last`);
  }
  expect(told).toEqual(['bank_a', 'bank_last', 'shop_a', 'shop_last']);
});

test('credentials for people are made once, and are those of their namespace', async () => {
  const app = await nats.userCredentials('shop', 'app');
  expect(await nats.userCredentials('shop', 'app')).toEqual(app);
  const others = [await nats.userCredentials('shop', 'admin'), await nats.userCredentials('bank', 'app')];
  expect(new Set([app, ...others].map((credentials) => credentials?.hash)).size).toBe(3);
});

test('a connection that nobody has asked over for long is closed, and made again when somebody does', async () => {
  const [first] = opened;
  laterMs += HOUR_MS;
  // Somebody else's turn.
  expect(await nats.observe('late_a')).toMatchObject({ kind: 'present' });
  await expect.poll(() => first?.isClosed()).toBe(true);
  expect(await nats.observe('shop_a')).toMatchObject({ kind: 'present' });
  expect(opened).toHaveLength(4);
});
