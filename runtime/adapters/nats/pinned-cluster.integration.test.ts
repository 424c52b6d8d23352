// Exact reading of a consumer that is kept by three servers, while its leader changes and others set it back.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serverConfigText } from '../../../cli/local/server-config.ts';
import { freePort } from '../../../cli/local/server-process.ts';
import { findNatsServer } from '../../../cli/setup/nats-server.mjs';
import { startSupervised } from '../../../test/support/supervised.ts';
import { seededRandom } from '../../testing/seeded-random.ts';
import { callApi } from './jetstream-api.ts';
import { Link } from './link.ts';
import { connectPatiently } from './nats-connection.ts';
import { NatsReader } from './nats-reader.ts';
import { PinnedConsumer } from './pinned-consumer.ts';
import { stockConfig } from './stock-consumer.ts';

const SERVERS = [0, 1, 2];
const MESSAGES = 5_000;
const place = { stream: 'P', consumer: 'MR_ns_job_x', subject: 'P.a' };

let folder: string;
let connection: NatsConnection;
let link: Link;
const running: Awaited<ReturnType<typeof startSupervised>>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-three-'));
  const ports = await Promise.all([...SERVERS, ...SERVERS].map(() => freePort()));
  const routes = SERVERS.map((server) => `nats://127.0.0.1:${ports[3 + server]}`).join(', ');
  for (const server of SERVERS) {
    const [port, storeFolder] = [ports[server] as number, join(folder, `store-${server}`)];
    const text = serverConfigText({ serverName: `s${server}`, port, storeFolder, durability: 'process', maxPayloadBytes: 1024 * 1024 });
    const configPath = join(folder, `${server}.conf`);
    await writeFile(configPath, `${text}cluster { name: three, listen: "127.0.0.1:${ports[3 + server]}", routes: [${routes}] }\n`);
    const logPath = join(folder, `${server}.log`);
    running.push(await startSupervised({ binary: findNatsServer().path, args: ['-c', configPath], logPath }));
  }
  const patient = { signal: AbortSignal.timeout(30_000), onWait: () => undefined };
  const made = await connectPatiently({ url: `nats://127.0.0.1:${ports[0]}`, name: 'test' }, patient);
  if (made === null) throw new Error('no server listens');
  connection = made;
  link = Link.of(connection);
});
afterAll(async () => {
  await connection.close();
  for (const server of running) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** As soon as the servers have found each other. */
async function must(call: string, body: object): Promise<void> {
  await expect.poll(async () => (await callApi(link, call, body)).kind, { timeout: 90_000, interval: 250 }).toBe('ok');
}

async function write(): Promise<void> {
  for (let n = 0; n < MESSAGES; n++) {
    for (;;) {
      const reply = await link.request('P.a', String(n), { timeoutMs: 5_000, headers: { 'Nats-Msg-Id': String(n) } });
      if (reply.kind === 'message' && !Buffer.from(reply.data).toString().includes('"error"')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (n % 3 === 0) await link.request('P.b', 'x', { timeoutMs: 5_000 });
  }
}

test('each message once, in order, for owners in turn, while leaders step down and others set the consumer back', async () => {
  await must('STREAM.CREATE.P', { name: 'P', subjects: ['P.*'], storage: 'file', num_replicas: 3 });
  await must('CONSUMER.CREATE.P.MR_ns_job_x.P.a', { stream_name: 'P', config: stockConfig(place) });
  const chance = seededRandom(7);
  const writing = write();
  const seen: number[] = [];
  let [stored, lastSequence, opened, isOver] = [0, 0, 0, false];
  const open = (): NatsReader => {
    const way = new PinnedConsumer(link, place, { storedSequence: stored });
    return new NatsReader(link, 'P', { fromSequence: lastSequence + 1 }, { way, onOpen: () => opened++ });
  };
  const disturbing = (async () => {
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 150 + chance.next() * 300));
      const drawn = chance.next();
      if (drawn < 0.35) await callApi(link, 'CONSUMER.LEADER.STEPDOWN.P.MR_ns_job_x', {});
      else if (drawn < 0.45) await callApi(link, 'STREAM.LEADER.STEPDOWN.P', {});
      else await callApi(link, 'CONSUMER.RESET.P.MR_ns_job_x', { seq: 1 + Math.floor(chance.next() * (stored + 1)) }, 1_000);
    }
  })();
  let reader = open();
  while (seen.at(-1) !== MESSAGES - 1) {
    for (const { sequence, bytes } of await reader.next({ bytesMax: 2_000, waitMs: 300 })) {
      seen.push(Number(Buffer.from(bytes).toString()));
      lastSequence = sequence;
    }
    if (chance.next() < 0.5) reader.stored((stored = lastSequence));
    if (chance.next() < 0.02) {
      await reader.close();
      reader = open();
    }
  }
  isOver = true;
  await Promise.all([writing, disturbing]);
  await reader.close();
  expect(seen).toEqual(Array.from({ length: MESSAGES }, (_, n) => n));
  expect(opened).toBeGreaterThan(10);
});
