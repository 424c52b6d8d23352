// The operator's connections by job and namespace, on a real server with accounts.

import { writeFile } from 'node:fs/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import { Accounts } from './accounts.ts';
import { DurabilityLook } from './durability.ts';
import { JobNats } from './job-nats.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { roleCredentials } from './nats-keys.ts';
import { TenantNats } from './tenant-nats.ts';
import { WorkerReports } from './worker-reports.ts';

const HOUR_MS = 3_600_000;
const JOBS = 200;

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
  nats = tenants(server.accounts, clock);
  nats.onChange((identity) => told.push(identity));
});
afterAll(async () => {
  await Promise.all(opened.map((connection) => connection.close()));
  await server.stop();
});

function tenants(accounts: Accounts, clock: Clock): TenantNats {
  return new TenantNats({
    accounts,
    connect: async ({ id, seed }) => {
      const credentials = `${server.accountsFolder}-${id}.creds`;
      await writeFile(credentials, (await roleCredentials(seed, 'admin')).text);
      const connection = await connectNats({ url: server.url, name: 'operator', credentials });
      opened.push(connection);
      return connection;
    },
    open: (job) => {
      const reports = new WorkerReports(clock);
      reports.listen(job.connections.job);
      const durability = new DurabilityLook({ kind: 'none' }, clock);
      return new JobNats({ ...job, reports, replicas: 1, durability, clock, random: systemRandom });
    },
    clock,
    onTrouble: (identity, reason) => console.log(`${identity}: ${reason}`),
  });
}

test('each job is asked in an account of its own, and jobs of a namespace share the connection to its streams', async () => {
  const answers = await Promise.all(['shop_a', 'shop_b', 'bank_a'].map((identity) => nats.observe(identity)));
  expect(answers.map(({ kind }) => kind)).toEqual(['present', 'present', 'present']);
  expect(opened).toHaveLength(5);
});

test('who says in one account that another job has failed is not heard', async () => {
  for (const job of ['bank_a', 'shop_a']) {
    const connection = await server.operator(job);
    // Connections of the operator hear in the order of publishing: what comes last tells that all was heard.
    for (const identity of ['shop_a', 'shop_b', 'bank_a']) connection.publish(`$KV.MR_${identity}.failure`, '{}');
    connection.publish(`$KV.MR_${job}.completed`, '{}');
    const heard = told.length + 2;
    await expect.poll(() => told.length).toBeGreaterThanOrEqual(heard);
  }
  expect(told).toEqual(['bank_a', 'bank_a', 'shop_a', 'shop_a']);
});

test('credentials for people are made once, and are those of their namespace or job', async () => {
  const shop = { namespace: 'shop', job: null };
  const app = await nats.userCredentials(shop, 'app');
  expect(await nats.userCredentials(shop, 'app')).toEqual(app);
  const others = [
    await nats.userCredentials(shop, 'admin'),
    await nats.userCredentials({ namespace: 'bank', job: null }, 'app'),
    await nats.userCredentials({ namespace: 'shop', job: 'a' }, 'app'),
    await nats.userCredentials({ namespace: 'shop', job: 'a' }, 'admin'),
  ];
  expect(new Set([app, ...others].map((credentials) => credentials?.hash)).size).toBe(5);
});

test('a connection that nobody has asked over for long is closed, and made again when somebody does', async () => {
  const before = [...opened];
  laterMs += HOUR_MS;
  // Somebody else's turn.
  expect(await nats.observe('late_a')).toMatchObject({ kind: 'present' });
  await expect.poll(() => before.filter((connection) => !connection.isClosed())).toEqual([]);
  expect(await nats.observe('shop_a')).toMatchObject({ kind: 'present' });
  expect(opened).toHaveLength(before.length + 4);
});

test.each([
  { fact: 'hundreds of jobs at once are answered, their accounts being made' },
  { fact: 'and again by an operator that starts anew and finds them' },
])('$fact', async () => {
  const troubles: string[] = [];
  const accounts = new Accounts({ clock: systemClock, onTrouble: (reason) => troubles.push(reason) });
  const address = { url: server.url, name: 'another', credentials: `${server.accountsFolder}-another.creds` };
  const parts = { keys: () => Promise.resolve(server.keys), secret: 'keys', address, onConnected: () => undefined };
  const system = await accounts.start(parts);
  const many = tenants(accounts, systemClock);
  const [beganMs, before] = [performance.now(), process.memoryUsage().rss];
  const unanswered = async (): Promise<number> => {
    const answers = await Promise.all(Array.from({ length: JOBS }, (_, at) => many.observe(`crowd_job-${at}`)));
    return answers.filter(({ kind }) => kind !== 'present').length;
  };
  await expect.poll(unanswered, { timeout: 60_000 }).toBe(0);
  const mib = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
  console.log(`${JOBS} jobs answered in ${Math.round(performance.now() - beganMs)} ms, ${mib} MiB more`);
  expect(troubles.filter((reason) => reason.includes('had lost'))).toEqual([]);
  await system?.close();
});
