// How many requests it takes to know the consumers of a stream, on a real server, and that none is taken for gone that only was not listed.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { stockConfig, stockOf } from '../../runtime/adapters/nats/stock-consumer.ts';
import { planOfSpec } from '../../runtime/testing/plan-of.ts';
import { startTestServer, type TestServer } from '../../test/support/nats.ts';
import { changedStock, ensureStock } from './stock.ts';
import { StockLook } from './stock-look.ts';

const OTHERS = 300;
const FRESH_MS = 5_000;

let server: TestServer;
let connection: NatsConnection;
let link: Link;
const asked: string[] = [];
beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
  link = Link.of(connection);
  connection.subscribe('$JS.API.CONSUMER.>', { callback: (_, { subject }) => void asked.push(subject.split('.')[3] ?? '') });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

async function must(call: string, body: object | null = null): Promise<void> {
  const answer = await callApi(link, call, body);
  if (answer.kind !== 'ok') throw new Error(`${call}: ${JSON.stringify(answer)}`);
}

/** What was asked since the last call, by verb. */
function since(): Readonly<Record<string, number>> {
  const counts = Object.fromEntries([...Map.groupBy(asked, (verb) => verb)].map(([verb, all]) => [verb, all.length]));
  asked.length = 0;
  return counts;
}

/** A job of so many splits that are all of one stream. */
function jobOf(name: string, stream: string, splits: number) {
  const subjects = Array.from({ length: splits }, (_, split) => `${stream}.${name}.${split}`);
  const plan = planOfSpec({
    sources: [{ name: 'in', nats: { subjects, stream }, schema: { n: 'int' } }],
    sinks: [{ name: 'out', from: 'in', nats: { subject: 'out' } }],
  });
  return { plan, owner: { identity: `ns_${name}`, runId: 'r1' } };
}

function lookOf() {
  let nowMs = 0;
  const look = StockLook.of(new Link(connection), { monotonicMs: () => nowMs });
  const changed = ({ plan, owner }: ReturnType<typeof jobOf>): Promise<readonly string[]> => changedStock({ link, look }, owner, plan);
  return { changed, grow: (ms: number) => (nowMs += ms) };
}

test('one request tells of all splits of all jobs that read the stream, until it is old', async () => {
  await must('STREAM.CREATE.few', { name: 'few', subjects: ['few.>'], storage: 'memory' });
  const jobs = ['a', 'b', 'c'].map((name) => jobOf(name, 'few', 10));
  for (const { plan, owner } of jobs) await ensureStock(link, owner, [plan]);
  const { changed, grow } = lookOf();
  since();
  for (let round = 0; round < 3; round++) for (const job of jobs) expect(await changed(job)).toEqual([]);
  expect(since()).toEqual({ LIST: 1 });
  const [first] = stockOf(jobs[1]!.owner, jobs[1]!.plan);
  await must(`CONSUMER.DELETE.few.${first!.consumer}`);
  grow(FRESH_MS);
  expect(await changed(jobs[0]!)).toEqual([]);
  expect(await changed(jobs[1]!)).toEqual([`consumer ${first!.consumer} of stream few was gone`]);
});

test('one that was only not listed, as others have many in its stream, is asked for, and then believed for a while', async () => {
  await must('STREAM.CREATE.many', { name: 'many', subjects: ['many.>'], storage: 'memory' });
  for (let other = 0; other < OTHERS; other++)
    await must(`CONSUMER.CREATE.many.A${other}`, { stream_name: 'many', config: { name: `A${other}`, durable_name: `A${other}` } });
  const [few, more] = [jobOf('few', 'many', 3), jobOf('more', 'many', 40)];
  for (const { plan, owner } of [few, more]) await ensureStock(link, owner, [plan]);
  const { changed, grow } = lookOf();
  since();
  for (let round = 0; round < 3; round++) expect(await changed(few)).toEqual([]);
  expect(since()).toEqual({ LIST: 1, INFO: 3 });
  await changed(more);
  expect(since()).toEqual({ INFO: 40 });
  grow(FRESH_MS);
  for (let round = 0; round < 3; round++) for (const job of [few, more]) expect(await changed(job)).toEqual([]);
  expect(since()).toEqual({ LIST: 2 }); // pages are read where so many are looked for
});

test('one that was changed is told, and not any more once it was mended, though the list still shows it', async () => {
  await must('STREAM.CREATE.changing', { name: 'changing', subjects: ['changing.>'], storage: 'memory' });
  const job = jobOf('changed', 'changing', 1);
  const [place] = stockOf(job.owner, job.plan);
  const config = { ...stockConfig(place!), headers_only: true };
  const call = `CONSUMER.CREATE.changing.${place!.consumer}.${place!.subject}`;
  await must(call, { stream_name: 'changing', config });
  const { changed } = lookOf();
  expect(await changed(job)).toEqual([`consumer ${place!.consumer} of stream changing had another headers_only`]);
  await ensureStock(link, job.owner, [job.plan]);
  expect(await changed(job)).toEqual([]);
});
