// A source whose splits are read by consumers that were made for them: where it begins and ends, on a real server.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/nats.ts';
import type { SourceSpec } from '../../../crds/stream-job/sources.ts';
import { callApi } from '../../adapters/nats/jetstream-api.ts';
import { Link } from '../../adapters/nats/link.ts';
import { connectNats } from '../../adapters/nats/nats-connection.ts';
import { stockConfig, stockOfSource, type StockPlace } from '../../adapters/nats/stock-consumer.ts';
import { systemClock } from '../../adapters/node/clock.ts';
import type { SourceConnector, SourcePosition, SourceRead, SourceReader } from '../source.ts';
import { makeNatsSource } from './nats-source.ts';

let server: TestServer;
let connection: NatsConnection;
let link: Link;
let streams = 0;

beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
  link = Link.of(connection);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

async function must(call: string, body: object | null = null): Promise<void> {
  const answer = await callApi(link, call, body);
  if (answer.kind !== 'ok') throw new Error(`${call}: ${JSON.stringify(answer)}`);
}

/** Of the subjects `<stream>.a` and `<stream>.b` of a stream of its own. */
async function source(
  nats: Partial<NonNullable<SourceSpec['nats']>>,
): Promise<{ readonly connector: SourceConnector; readonly name: string; readonly places: readonly StockPlace[] }> {
  const name = `Q${streams++}`;
  await must(`STREAM.CREATE.${name}`, { name, subjects: [`${name}.>`], storage: 'file' });
  const subjects = [`${name}.a`, `${name}.b`];
  const spec = {
    name: 'in',
    maxEventBytes: 1_000,
    schema: undefined,
    nats: { subjects, stream: name, startFrom: 'earliest' as const, bounded: true, format: 'json' as const, ...nats },
  };
  const stock = { identity: 'ns_job', runId: 'r1' };
  const places = stockOfSource(stock, spec);
  for (const place of places)
    await must(`CONSUMER.CREATE.${name}.${place.consumer}.${place.subject}`, { stream_name: name, config: stockConfig(place) });
  return { name, places, connector: await makeNatsSource(spec, { link, clock: systemClock, stock }) };
}

async function publish(subject: string, values: readonly number[]): Promise<void> {
  for (const n of values) await link.request(subject, JSON.stringify({ n }), { timeoutMs: 60_000 });
}

const LIMITS = { eventsMax: 7, bytesMax: 10_000, waitMs: 300 };

const numbersOf = (read: SourceRead): number[] => read.values.map((value) => (value as { n: number }).n);

async function drain(reader: SourceReader): Promise<readonly number[]> {
  const values: number[] = [];
  for (;;) {
    const read = await reader.read(LIMITS);
    values.push(...numbersOf(read));
    reader.stored?.(read.position);
    if (read.done) break;
  }
  await reader.close();
  return values;
}

/** The next `count` events: a read gives what has come, which may be fewer than there are. */
async function next(reader: SourceReader, count: number): Promise<readonly number[]> {
  const values: number[] = [];
  while (values.length < count) values.push(...numbersOf(await reader.read({ ...LIMITS, eventsMax: count - values.length })));
  return values;
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

test('a bounded split ends behind its last message, wherever in the stream that lies, and one without messages ends', async () => {
  const { connector, name } = await source({});
  await publish(`${name}.a`, numbers(0, 50));
  await publish(`${name}.c`, numbers(0, 20));
  const first = await connector.open(0, null);
  const begun = await first.read(LIMITS); // from here on its end is fixed
  await publish(`${name}.a`, numbers(100, 110));
  expect([...numbersOf(begun), ...(await drain(first))]).toEqual(numbers(0, 50));
  const second = await connector.open(1, null);
  expect(await drain(second)).toEqual([]);
});

test('a bounded split whose messages are removed ends', async () => {
  const { connector, name } = await source({});
  await publish(`${name}.a`, numbers(0, 30));
  const reader = await connector.open(0, null);
  let begun = await reader.read(LIMITS);
  while (begun.values.length === 0) begun = await reader.read(LIMITS);
  await reader.close();
  await must(`STREAM.PURGE.${name}`);
  await publish(`${name}.a`, [99]);
  expect(begun.done).toBe(false);
  expect(numbersOf(begun)[0]).toBe(0);
  expect(await drain(await connector.open(0, begun.position))).toEqual([]);
});

test('a reader that is opened at any position goes on behind it, others having read further meanwhile', async () => {
  const { connector, name } = await source({});
  await publish(`${name}.a`, numbers(0, 40));
  const places: { readonly position: SourcePosition | null; readonly from: number }[] = [{ position: null, from: 0 }];
  const reader = await connector.open(0, null);
  for (let from = 0; ;) {
    const read = await reader.read(LIMITS);
    from += read.values.length;
    places.push({ position: read.position, from });
    if (read.done) break;
  }
  for (const { position, from } of places) expect(await drain(await connector.open(0, position))).toEqual(numbers(from, 40));
  await reader.close();
});

test('latest is told to be stored, and nothing is read before it is; who finds it stored goes on from there', async () => {
  const { connector, name } = await source({ startFrom: 'latest', bounded: false });
  await publish(`${name}.a`, numbers(0, 5));
  const reader = await connector.open(0, null);
  const told = await reader.read(LIMITS);
  expect(told).toMatchObject({ values: [], fixes: true, done: false });
  await publish(`${name}.a`, numbers(5, 8));
  expect(await reader.read(LIMITS)).toMatchObject({ values: [] });
  const other = await connector.open(0, told.position);
  expect(await next(other, 3)).toEqual(numbers(5, 8));
  await other.close();
  reader.stored?.(told.position);
  expect(await next(reader, 3)).toEqual(numbers(5, 8));
  await reader.close();
});

test('that its consumer is missing is told until somebody has made it again, and nothing is missed meanwhile', async () => {
  const { connector, name, places } = await source({ bounded: false });
  await publish(`${name}.a`, numbers(0, 5));
  const reader = await connector.open(0, null);
  const seen: number[] = [];
  const read = async (): Promise<void> => {
    const got = await reader.read(LIMITS);
    seen.push(...numbersOf(got));
    reader.stored?.(got.position);
  };
  while (seen.length < 5) await read();
  expect(reader.stalled).toBeNull();
  const place = places[0]!;
  await must(`CONSUMER.DELETE.${name}.${place.consumer}`);
  await publish(`${name}.a`, numbers(5, 9));
  while (reader.stalled === null) await read();
  expect(reader.stalled?.code).toBe('MR2111');
  expect(reader.stalled?.data).toEqual({ stream: name, consumer: place.consumer, problem: 'consumer not found (10014)' });
  await must(`CONSUMER.CREATE.${name}.${place.consumer}.${place.subject}`, { stream_name: name, config: stockConfig(place) });
  while (seen.length < 9) await read();
  expect([seen, reader.stalled]).toEqual([numbers(0, 9), null]);
  await reader.close();
});
