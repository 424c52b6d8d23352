// A source and a sink whose streams lie in the account of the namespace, reached from the job's account by imports alone, on a real server.

import { rm } from 'node:fs/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importedAs, importsOf } from '../../runtime/adapters/nats/imported-subjects.ts';
import { callApi, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsReader } from '../../runtime/adapters/nats/nats-reader.ts';
import { PinnedConsumer } from '../../runtime/adapters/nats/pinned-consumer.ts';
import { stockCalls, stockConfig } from '../../runtime/adapters/nats/stock-consumer.ts';
import { publishFenced } from '../../runtime/connectors/nats/fenced-publish.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { workerCredentials } from './nats-keys.ts';

const identity = 'ns_job';
/** Consumers that were made for it. */
const places = ['in.many', 'in.few'].map((subject) => ({ stream: 'IN', consumer: `for-${subject.slice('in.'.length)}`, subject }));
const asked = [...places.flatMap(stockCalls).map((call) => `$JS.API.${call}`), '$JS.API.STREAM.INFO.IN', 'out.one'];
const EVENTS = 20_000;

let server: KeyedServer;
let namespace: Link;
let worker: Link;

beforeAll(async () => {
  server = await startKeyedServer({ durability: 'process' });
  namespace = Link.of(await server.operator('ns'));
  for (const [name, subjects] of [
    ['IN', ['in.>']],
    ['OUT', ['out.one']],
  ] as const)
    expect(await callApi(namespace, `STREAM.CREATE.${name}`, { name, subjects, allow_atomic: true })).toMatchObject({ kind: 'ok' });
  for (const place of places) {
    const body = { stream_name: 'IN', config: stockConfig(place) };
    expect(await callApi(namespace, `CONSUMER.CREATE.IN.${place.consumer}.${place.subject}`, body)).toMatchObject({ kind: 'ok' });
  }
  worker = Link.importing(await connected());
  await server.accounts.setImports(identity, importsOf(asked));
});
afterAll(() => server.stop());

async function connected(): Promise<NatsConnection> {
  const rights = { publish: asked.map(importedAs), subscribe: ['_INBOX.ns_job.>'] };
  const text = await workerCredentials((await server.account(identity)).seed, identity, rights);
  const connection = await server.connect(text, { inboxPrefix: '_INBOX.ns_job' });
  if (typeof connection === 'string') throw new Error(connection);
  return connection;
}

async function lastOf(stream: string): Promise<number> {
  const info = await callApi<StreamInfo>(namespace, `STREAM.INFO.${stream}`);
  if (info.kind !== 'ok') throw new Error(JSON.stringify(info));
  return info.value.state.last_seq;
}

/** All messages of `subject` behind `after`, up to `last`: their texts. Fails when one is missing. */
async function read(
  subject: string,
  { after, last }: { readonly after: number; readonly last: number },
  onRead: (count: number) => void = () => undefined,
) {
  const place = places.find((one) => one.subject === subject)!;
  const way = new PinnedConsumer(worker, place, { storedSequence: after });
  const reader = new NatsReader(worker, 'IN', { fromSequence: after + 1 }, { way });
  const texts: string[] = [];
  let slowestMs = 0;
  for (let at = after; at < last;) {
    const beganMs = performance.now();
    const records = await reader.next({ bytesMax: 64 * 1024, waitMs: 10_000 });
    slowestMs = Math.max(slowestMs, performance.now() - beganMs);
    if (records.length === 0) throw new Error(`nothing comes behind ${at}`);
    for (const { sequence, subject: of, bytes } of records) {
      expect([sequence, of]).toEqual([at + 1, subject]);
      texts.push(Buffer.from(bytes).toString());
      at = sequence;
    }
    onRead(texts.length);
  }
  await reader.close();
  return { texts, slowestMs };
}

async function write(link: Link, subject: string, texts: readonly string[]): Promise<void> {
  let expected = 0;
  for (let at = 0; at < texts.length; at += 1_000) {
    const messages = texts.slice(at, at + 1_000).map((text) => ({ data: Buffer.from(text), headers: {} }));
    const result = await publishFenced(messages, { link, subject, expected, atomic: true, batchId: () => `${subject}-${at}` });
    expect(result).toMatchObject({ stored: messages.length, end: null });
    expected = result.lastSequence;
  }
}

const numbered = Array.from({ length: EVENTS }, (_, at) => String(at));

test('a source reads each message once, in order, while what its account imports changes again and again', async () => {
  const after = await lastOf('IN');
  await write(namespace, 'in.many', numbered);
  let changes = 0;
  const { texts } = await read('in.many', { after, last: after + EVENTS }, (count) => {
    if (count > changes * 1_000) void server.accounts.setImports(identity, importsOf([...asked, `more.${changes++}`]));
  });
  expect(texts).toEqual(numbered);
  expect(changes).toBeGreaterThan(5);
  await server.accounts.setImports(identity, importsOf(asked));
});

test('an empty message, which would end what the server passes on of a pull, comes with a header and ends nothing', async () => {
  let fastestMs = Infinity;
  for (let tries = 0; tries < 8 && fastestMs >= 2_500; tries++) {
    const after = await lastOf('IN');
    for (const text of ['a', '', 'b', '', '', 'c']) await namespace.request('in.few', text, { timeoutMs: 60_000 });
    const { texts, slowestMs } = await read('in.few', { after, last: after + 6 });
    expect(texts).toEqual(['a', '', 'b', '', '', 'c']);
    fastestMs = Math.min(fastestMs, slowestMs);
  }
  expect(fastestMs).toBeLessThan(2_500); // silence is noticed after 3 s, each time; a machine that stalls does not do so each time
});

test('a sink writes batches that are stored as a whole, and is refused where it was overtaken', async () => {
  await write(worker, 'out.one', numbered.slice(0, 3_000));
  expect(await lastOf('OUT')).toBe(3_000);
  const late = { link: worker, subject: 'out.one', expected: 2_000, atomic: true, batchId: () => 'late' };
  for (const count of [1, 20])
    expect(
      await publishFenced(
        Array.from({ length: count }, () => ({ data: Buffer.from('x'), headers: {} })),
        late,
      ),
    ).toMatchObject({
      stored: 0,
      end: { kind: 'refused' },
    });
  expect(await lastOf('OUT')).toBe(3_000);
});

test.each([
  { fact: 'starts again knows what is imported', lost: false },
  { fact: 'has lost its accounts is told what is imported', lost: true },
])('a server that $fact', async ({ lost }) => {
  await server.kill();
  if (lost) await rm(server.accountsFolder, { recursive: true, force: true });
  await server.start();
  const answered = async (): Promise<string> => (await callApi(worker, 'STREAM.INFO.IN', null, 1_000)).kind;
  await expect.poll(answered, { timeout: 90_000 }).toBe('ok');
});

test('an operator that starts anew leaves imports as they are, until it says others', async () => {
  const second = await server.secondAccounts();
  await second.register({ kind: 'job', identity });
  expect(await callApi(worker, 'STREAM.INFO.IN')).toMatchObject({ kind: 'ok' });
  await second.setImports(identity, importsOf(['out.one']));
  await expect.poll(async () => (await callApi(worker, 'STREAM.INFO.IN', null, 1_000)).kind).toBe('absent');
  await second.setImports(identity, importsOf(asked));
  await expect.poll(async () => (await callApi(worker, 'STREAM.INFO.IN', null, 1_000)).kind).toBe('ok');
});
