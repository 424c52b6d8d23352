import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/nats.ts';
import type { SourceSpec } from '../../../crds/stream-job/sources.ts';
import { callApi, type StreamInfo } from '../../adapters/nats/jetstream-api.ts';
import { Link } from '../../adapters/nats/link.ts';
import { connectNats } from '../../adapters/nats/nats-connection.ts';
import { systemClock } from '../../adapters/node/clock.ts';
import { BadDeclaration } from '../../base/issues.ts';
import type { SourceConnector, SourcePosition, SourceRead } from '../source.ts';
import { makeNatsSource } from './nats-source.ts';

let server: TestServer;
let connection: NatsConnection;
let link: Link;
beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
  link = Link.of(connection);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

let streams = 0;

/** A stream of its own for a test, with subjects `s<n>.>`. Returns the prefix. */
async function stream(config: object = {}): Promise<string> {
  const name = `S${streams++}`;
  const answer = await callApi<StreamInfo>(link, `STREAM.CREATE.${name}`, {
    name,
    subjects: [`${name}.>`],
    retention: 'limits',
    storage: 'file',
    ...config,
  });
  expect(answer.kind).toBe('ok');
  return name;
}

async function publish(subject: string, bodies: readonly (string | Uint8Array)[]): Promise<void> {
  for (const body of bodies) expect((await link.request(subject, body, { timeoutMs: 60_000 })).kind).toBe('message');
}

type Wish = Partial<NonNullable<SourceSpec['nats']>> & {
  readonly subjects: string[];
  readonly schema?: SourceSpec['schema'];
  readonly maxEventBytes?: number;
};

function source({ schema, maxEventBytes, ...nats }: Wish): Promise<SourceConnector> {
  return makeNatsSource(
    { name: 'in', schema, maxEventBytes: maxEventBytes ?? 1000, nats: { startFrom: 'earliest', bounded: true, format: 'json', ...nats } },
    { link, clock: systemClock },
  );
}

type All = { readonly values: unknown[]; readonly letters: string[]; readonly reads: SourceRead[] };

/** Reads until the end, or until `enough` events of an unbounded split are there. */
async function readAll(
  connector: SourceConnector,
  options: {
    readonly split?: number;
    readonly position?: SourcePosition | null;
    readonly eventsMax?: number;
    readonly enough?: number;
  } = {},
): Promise<All> {
  const reader = await connector.open(options.split ?? 0, options.position ?? null);
  const all: All = { values: [], letters: [], reads: [] };
  for (let turns = 0; turns < 10_000; turns++) {
    const read = await reader.read({ eventsMax: options.eventsMax ?? 1000, bytesMax: 1_000_000, waitMs: 100 });
    all.values.push(...read.values);
    all.letters.push(...read.deadLetters.map(({ code, place, issues }) => `${code} ${place}: ${issues.join('; ')}`));
    all.reads.push(read);
    if (read.done || all.values.length >= (options.enough ?? Infinity)) break;
  }
  await reader.close();
  return all;
}

const events = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, i) => `{"n":${from + i}}`);
const values = (count: number, from = 0): readonly unknown[] => Array.from({ length: count }, (_, i) => ({ n: from + i }));

test('each subject is a split; a bounded one ends at the message that was last when the run began', async () => {
  const name = await stream();
  await publish(`${name}.a`, events(30));
  await publish(`${name}.b.x`, events(5, 100));
  const connector = await source({ subjects: [`${name}.a`, `${name}.b.>`, `${name}.none`] });
  expect(connector.splitCount).toBe(3);
  const first = await readAll(connector, { eventsMax: 7, enough: 7 });
  await publish(`${name}.a`, events(10, 30));
  const rest = await readAll(connector, { position: first.reads.at(-1)!.position });
  expect([...first.values, ...rest.values]).toEqual(values(30));
  expect((await readAll(connector, { split: 1 })).values).toEqual(values(5, 100));
  const none = await readAll(connector, { split: 2 });
  expect([none.values, none.reads.length, none.reads[0]!.done, none.reads[0]!.progress]).toEqual([[], 1, true, 1]);
});

test('a reader opened at any position goes on with the next event, none lost, none twice', async () => {
  const name = await stream();
  await publish(
    `${name}.a`,
    events(20).map((event, i) => (i % 6 === 4 ? 'bad' : event)),
  );
  const connector = await source({ subjects: [`${name}.*`] });
  const whole = await readAll(connector, { eventsMax: 3 });
  expect(whole.letters.length).toBe(3);
  for (const [index, { position }] of whole.reads.entries()) {
    const rest = await readAll(connector, { position });
    expect(rest.values).toEqual(whole.reads.slice(index + 1).flatMap((read) => read.values));
    expect(rest.letters.length).toBe(whole.reads.slice(index + 1).flatMap((read) => read.deadLetters).length);
  }
  const progress = whole.reads.map((read) => Number(read.progress));
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(whole.reads[0]!.ingestMs).toBeGreaterThan(Date.now() - 60_000);
});

test('lines of a message are events; a position may lie between them', async () => {
  const name = await stream();
  await publish(`${name}.a`, [`${events(5).join('\n')}\n`, `{"n":5}\r\n\n{"n":6}`, 'bad\n{"n":7}', '', events(2, 8).join('\n')]);
  const connector = await source({ subjects: [`${name}.a`], format: 'ndjson' });
  const whole = await readAll(connector, { eventsMax: 2 });
  expect(whole.values).toEqual(values(10));
  expect(whole.letters).toEqual([expect.stringMatching(/^MR3001 seq 3 line 1: not JSON/)]);
  expect(Math.max(...whole.reads.map(({ values: some, deadLetters }) => some.length + deadLetters.length))).toBe(2);
  for (const [index, { position }] of whole.reads.entries()) {
    const rest = await readAll(connector, { position });
    expect(rest.values).toEqual(whole.reads.slice(index + 1).flatMap((read) => read.values));
  }
});

test('a whole number beyond 2^53 is exact on whichever line of a message it stands', async () => {
  const name = await stream();
  const [small, large] = ['{"n":1}', '{"n":9007199254740993}'];
  await publish(`${name}.a`, [`${small}\n${large}`, `${large}\n${small}`, `${small}\n${large}\n{"n":"é"}`, small]);
  const connector = await source({ subjects: [`${name}.a`], format: 'ndjson' });
  const [one, exact] = [{ n: 1 }, { n: 9007199254740993n }];
  expect((await readAll(connector, {})).values).toEqual([one, exact, exact, one, one, exact, { n: 'é' }, one]);
});

describe('what can be wrong with a message becomes a dead letter', () => {
  test.each<{ fact: string; body: string | Uint8Array; letter: RegExp | string; event: unknown }>([
    { fact: 'no JSON', body: '{"n":', letter: /^MR3001 seq 1: not JSON: /, event: '{"n":' },
    { fact: 'an empty message', body: '', letter: /^MR3001 seq 1: not JSON: /, event: '' },
    {
      fact: 'bytes that are not UTF-8',
      body: Buffer.from([0x22, 0xff, 0x22]),
      letter: 'MR3001 seq 1: invalid UTF-8 at byte 1: ff 22',
      event: '"\ufffd"',
    },
    {
      fact: 'a giant message',
      body: `{"n":"${'x'.repeat(5000)}"}`,
      letter: 'MR3004 seq 1: 5008 bytes, at most 1000 are allowed',
      event: `{"n":"${'x'.repeat(1018)}`,
    },
    {
      fact: 'a field of the wrong type',
      body: '{"n":"7"}',
      letter: 'MR3001 seq 1: n: found "7", expected a whole number',
      event: { n: '7' },
    },
    { fact: 'no object', body: '7', letter: 'MR3001 seq 1: found 7, expected an object with the declared fields', event: 7 },
  ])('$fact', async ({ body, letter, event }) => {
    const name = await stream();
    await publish(`${name}.a`, [body, '{"n":1}']);
    const all = await readAll(await source({ subjects: [`${name}.a`], schema: { n: 'int' } }));
    expect(all.values).toEqual(values(1, 1));
    expect(all.letters).toEqual([
      expect.stringMatching(letter instanceof RegExp ? letter : new RegExp(`^${letter.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)),
    ]);
    expect(all.reads.flatMap((read) => read.deadLetters)[0]!.event).toEqual(event);
  });
});

test('latest begins behind what is there, and a run that goes on later begins there too', async () => {
  const name = await stream();
  await publish(`${name}.a`, events(5));
  const connector = await source({ subjects: [`${name}.a`], startFrom: 'latest', bounded: false });
  const reader = await connector.open(0, null);
  const empty = await reader.read({ eventsMax: 10, bytesMax: 1000, waitMs: 20 });
  await reader.close();
  expect([empty.values, empty.done, empty.progress]).toEqual([[], false, null]);
  await publish(`${name}.a`, events(3, 5));
  expect((await readAll(connector, { position: empty.position, enough: 3 })).values).toEqual(values(3, 5));
});

describe('messages that are gone', () => {
  test('are told by a dead letter where the stream is all of one split', async () => {
    const name = await stream();
    await publish(`${name}.a`, events(10));
    const connector = await source({ subjects: [`${name}.>`] });
    const first = await readAll(connector, { eventsMax: 3, enough: 3 });
    await callApi(link, `STREAM.PURGE.${name}`, { seq: 7 });
    const rest = await readAll(connector, { position: first.reads.at(-1)!.position });
    expect(rest.values).toEqual(values(4, 6));
    expect(rest.letters).toEqual([
      `MR3001 seq 4 to 6: gone from the stream ${name} before they were read: removed by its limits, or deleted`,
    ]);
  });

  test('do not keep a bounded split from ending', async () => {
    const name = await stream();
    await publish(`${name}.a`, events(10));
    const connector = await source({ subjects: [`${name}.a`] });
    const first = await readAll(connector, { eventsMax: 3, enough: 3 });
    await callApi(link, `STREAM.PURGE.${name}`);
    await publish(`${name}.a`, events(1, 10));
    const rest = await readAll(connector, { position: first.reads.at(-1)!.position });
    expect(rest.values).toEqual([]);
    expect(rest.reads.at(-1)!.done).toBe(true);
  });
});

test('a server that dies while its messages are read: none lost, none twice', async () => {
  const name = await stream();
  const body = 'x'.repeat(200);
  const all = Array.from({ length: 30_000 }, (_, n) => ({ n, body }));
  for (let from = 0; from < all.length; from += 500) {
    await Promise.all(all.slice(from, from + 500).map((event) => link.request(`${name}.a`, JSON.stringify(event), { timeoutMs: 60_000 })));
  }
  const connector = await source({ subjects: [`${name}.a`] });
  const reader = await connector.open(0, null);
  const seen: unknown[] = [];
  let strikes = 0;
  for (;;) {
    const read = await reader.read({ eventsMax: 700, bytesMax: 100_000, waitMs: 500 });
    seen.push(...read.values.map((value) => (value as { n: number }).n));
    if (read.done) break;
    if (seen.length > (strikes + 1) * 8_000) {
      strikes++;
      await server.kill();
      await server.restart();
    }
  }
  await reader.close();
  expect(strikes).toBe(3);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.length).toBe(30_000);
});

describe('what can’t be read is told at once', () => {
  test.each<{ fact: string; make: () => Promise<Wish>; says: string }>([
    {
      fact: 'a subject of no stream',
      make: async () => ({ subjects: ['nobody.has.this'] }),
      says: 'no stream holds the subject "nobody.has.this"',
    },
    {
      fact: 'a stream that does not exist',
      make: async () => ({ subjects: ['a'], stream: 'NOT_THERE' }),
      says: 'there is no stream "NOT_THERE"',
    },
    {
      fact: 'a subject that the named stream does not hold',
      make: async () => ({ subjects: ['a'], stream: await stream() }),
      says: 'does not hold "a"',
    },
    { fact: 'a subject of several streams', make: async () => ({ subjects: ['>'] }), says: 'several streams hold ">"' },
    {
      fact: 'a stream that drops what was read',
      make: async () => ({ subjects: [`${await stream({ retention: 'workqueue' })}.a`] }),
      says: 'removes messages when they are read',
    },
  ])('$fact', async ({ make, says }) => {
    await stream();
    const error = await source(await make()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BadDeclaration);
    expect((error as Error).message).toContain(says);
  });
});
