import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/nats.ts';
import { callApi, type StoredMessage, type StreamInfo } from '../../adapters/nats/jetstream-api.ts';
import { Link } from '../../adapters/nats/link.ts';
import { connectNats } from '../../adapters/nats/nats-connection.ts';
import { NatsReader } from '../../adapters/nats/nats-reader.ts';
import { systemClock } from '../../adapters/node/clock.ts';
import { systemRandom } from '../../adapters/node/random.ts';
import { isError } from '../../base/errors.ts';
import { BadDeclaration } from '../../base/issues.ts';
import type { SinkConnector, SinkRecord, SinkState, SinkWriter } from '../sink.ts';
import { publishFenced } from './fenced-publish.ts';
import { makeNatsSink, type NatsSinkEnv } from './nats-sink.ts';
import { formatResultId, ID_HEADER } from './result-id.ts';

let server: TestServer;
let connection: NatsConnection;
let link: Link;
beforeAll(async () => {
  server = await startTestServer({ maxPayloadBytes: 1024 * 1024 });
  connection = await connectNats({ url: server.url, name: 'test' });
  link = Link.of(connection);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

type StreamWish = { readonly name: string; readonly subjects: readonly string[]; readonly retention?: string };
type Wish = { readonly subject: string; readonly stream?: string; readonly batch?: number };

function env(runId = 'run1'): NatsSinkEnv {
  return { link, job: 'job', runId, uniqueId: () => systemRandom.id(), clock: systemClock };
}

function sink({ subject, stream, batch }: Wish, runId?: string): Promise<SinkConnector> {
  return makeNatsSink({ name: 'out', from: 'x', nats: { subject, stream, batch: batch ?? 1 } }, env(runId));
}

/** Records of so many results each, as a task would commit them. */
function records(writer: SinkWriter, counts: readonly number[]): readonly SinkRecord[] {
  let before: SinkState = { results: 0 };
  let n = 0;
  return counts.map((count, index) => {
    const values = Array.from({ length: count }, () => ({ n: n++ }));
    const { payload, after, count: lines } = writer.prepare([{ values, times: values.map(() => 0), keys: null, ingestMs: 0 }], before);
    const record = { number: index + 3, payload, count: lines, before, after };
    before = after;
    return record;
  });
}

/** Texts of all messages of the subject. */
async function messages(subject: string, stream = subject.replace(/\W/g, '_')): Promise<readonly string[]> {
  const reader = new NatsReader(link, stream, { fromSequence: 1, subjects: [subject] });
  const texts: string[] = [];
  for (;;) {
    const some = await reader.next({ bytesMax: 1_000_000, waitMs: 300 });
    if (some.length === 0) break;
    texts.push(...some.map(({ bytes }) => Buffer.from(bytes).toString()));
  }
  await reader.close();
  return texts;
}

const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `{"n":${n}}`);

async function applyPatiently(writer: SinkWriter, record: SinkRecord): Promise<number> {
  for (let refusals = 0; refusals < 400; refusals++) {
    try {
      await writer.apply(record);
      return refusals;
    } catch (error) {
      if (!isError(error, 'MR4001')) throw error;
      await systemClock.sleep(25);
    }
  }
  throw new Error('never applied');
}

async function createStream(config: StreamWish): Promise<void> {
  const answer = await callApi<StreamInfo>(link, `STREAM.CREATE.${config.name}`, { retention: 'limits', storage: 'file', ...config });
  expect(answer.kind).toBe('ok');
}

test('each result is a message with an id, in a stream made for the subject', async () => {
  const writer = await (await sink({ subject: 'plain.results' })).open(0);
  for (const record of records(writer, [2, 0, 30, 2500])) await writer.apply(record);
  await writer.finish();
  expect(await messages('plain.results')).toEqual(numbers(2532));
  const last = await callApi<StoredMessage & { message: { hdrs: string } }>(link, 'STREAM.MSG.GET.plain_results', {
    last_by_subj: 'plain.results',
  });
  expect(last.kind === 'ok' && Buffer.from(last.value.message.hdrs, 'base64').toString()).toContain('Millrace-Id: run1.job.out.0.6.2499');
});

test('a record applied again, by the same owner, a new one or a zombie, changes nothing', async () => {
  const connector = await sink({ subject: 'again' });
  const zombie = await connector.open(0);
  const all = records(zombie, [3, 20, 4]);
  await zombie.apply(all[0]!);
  const owner = await connector.open(0);
  for (const record of all) await owner.apply(record);
  for (const record of all) await zombie.apply(record);
  for (const record of all) await owner.apply(record);
  expect(await messages('again')).toEqual(numbers(27));
});

test('a message of a zombie is refused by the sequence that it expects', async () => {
  const writer = await (await sink({ subject: 'fenced' })).open(0);
  const all = records(writer, [3, 3]);
  for (const record of all) await writer.apply(record);
  for (const atomic of [true, false]) {
    const late = Array.from({ length: 10 }, () => ({ data: Buffer.from('late'), headers: { [ID_HEADER]: 'x' } }));
    const result = await publishFenced(late, { link, subject: 'fenced', expected: 3, atomic, batchId: () => systemRandom.id() });
    expect(result).toMatchObject({ stored: 0, end: { kind: 'refused' } });
  }
  expect(await messages('fenced')).toEqual(numbers(6));
});

test('a record that was applied half is continued behind its last message', async () => {
  const connector = await sink({ subject: 'half' });
  const writer = await connector.open(0);
  const all = records(writer, [5, 12, 2]);
  await writer.apply(all[0]!);
  const firstLines = numbers(9)
    .slice(5)
    .map((line, index) => ({
      data: Buffer.from(line),
      headers: { [ID_HEADER]: formatResultId({ runId: 'run1', job: 'job', sink: 'out', partition: 0, record: 4, index }) },
    }));
  expect(await publishFenced(firstLines, { link, subject: 'half', expected: 5, atomic: false, batchId: () => '' })).toMatchObject({
    stored: 4,
  });
  const next = await connector.open(0);
  for (const record of all.slice(1)) await next.apply(record);
  await writer.apply(all[1]!);
  expect(await messages('half')).toEqual(numbers(19));
});

test('several owners at once write each result once', async () => {
  const connector = await sink({ subject: 'race' });
  const writers = await Promise.all([0, 1, 2].map(() => connector.open(0)));
  const all = records(writers[0]!, [5, 40, 3, 60, 7, 1, 1200, 6]);
  await Promise.all(
    writers.map(async (writer) => {
      for (const record of all) await applyPatiently(writer, record);
    }),
  );
  expect(await messages('race')).toEqual(numbers(1322));
});

test('with a batch, a message has several lines, and a half-applied record is continued behind them', async () => {
  const connector = await sink({ subject: 'lines', batch: 10 });
  const writer = await connector.open(0);
  const all = records(writer, [25, 7]);
  const text = numbers(10).join('\n');
  const id = formatResultId({ runId: 'run1', job: 'job', sink: 'out', partition: 0, record: 3, index: 0 });
  await publishFenced([{ data: Buffer.from(text), headers: { [ID_HEADER]: id } }], {
    link,
    subject: 'lines',
    expected: 0,
    atomic: false,
    batchId: () => '',
  });
  for (const record of all) await writer.apply(record);
  const found = await messages('lines');
  expect(found.map((message) => message.split('\n').length)).toEqual([10, 10, 5, 7]);
  expect(found.join('\n').split('\n')).toEqual(numbers(32));
});

test('a fresh run goes on behind the messages of the one before', async () => {
  for (const runId of ['run1', 'run2']) {
    const writer = await (await sink({ subject: 'runs' }, runId)).open(0);
    for (const record of records(writer, [3, 20])) await writer.apply(record);
  }
  expect(await messages('runs')).toEqual([...numbers(23), ...numbers(23)]);
  const old = await (await sink({ subject: 'runs' }, 'run1')).open(0);
  const error = await old.apply(records(old, [3, 20])[1]!).catch((caught: unknown) => caught);
  expect(isError(error, 'MR4002') && error.message).toContain('another run (run2) writes');
});

describe('a stream of the user’s', () => {
  test('is used as it is, without atomic batches where it has none', async () => {
    await createStream({ name: 'MINE', subjects: ['mine.>'] });
    const writer = await (await sink({ subject: 'mine.out' })).open(0);
    for (const record of records(writer, [2, 30])) await writer.apply(record);
    expect(await messages('mine.out', 'MINE')).toEqual(numbers(32));
  });

  test('whose limits removed the last message: a writer that knows goes on, a new one stops', async () => {
    await createStream({ name: 'SHORT', subjects: ['short'] });
    const connector = await sink({ subject: 'short' });
    const writer = await connector.open(0);
    const all = records(writer, [2, 3, 1]);
    await writer.apply(all[0]!);
    await callApi(link, 'STREAM.PURGE.SHORT');
    await writer.apply(all[1]!);
    expect(await messages('short', 'SHORT')).toEqual(numbers(5).slice(2));
    await callApi(link, 'STREAM.PURGE.SHORT');
    const error = await (await connector.open(0)).apply(all[2]!).catch((caught: unknown) => caught);
    expect(isError(error, 'MR4002') && error.message).toContain('is empty although 5 results');
  });

  test('with messages of someone else is a conflict; nothing is overwritten', async () => {
    await createStream({ name: 'FOREIGN', subjects: ['foreign'] });
    await connection.request('foreign', 'hello');
    const writer = await (await sink({ subject: 'foreign' })).open(0);
    const error = await writer.apply(records(writer, [1])[0]!).catch((caught: unknown) => caught);
    expect(isError(error, 'MR4002') && error.message).toContain('that this sink did not write');
    expect(await messages('foreign', 'FOREIGN')).toEqual(['hello']);
  });

  test.each<{ fact: string; stream: StreamWish; wish: Wish; says: string }>([
    {
      fact: 'that drops what was read is refused',
      stream: { name: 'WORK', subjects: ['work'], retention: 'workqueue' },
      wish: { subject: 'work' },
      says: 'removes messages when they are read',
    },
    {
      fact: 'that holds the subject under another name is refused',
      stream: { name: 'OTHER', subjects: ['other'] },
      wish: { subject: 'other', stream: 'NAMED' },
      says: 'belongs to the stream "OTHER"',
    },
    {
      fact: 'that lacks the subject is not changed',
      stream: { name: 'LACKS', subjects: ['lacks'] },
      wish: { subject: 'lacking', stream: 'LACKS' },
      says: 'does not hold "lacking"',
    },
  ])('$fact', async ({ stream, wish, says }) => {
    await createStream(stream);
    const error = await sink(wish).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BadDeclaration);
    expect((error as Error).message).toContain(says);
  });
});

test('sinks that name one stream share it, also when they make it at the same time', async () => {
  const subjects = ['shared.a', 'shared.b', 'shared.c'];
  const connectors = await Promise.all(subjects.map((subject) => sink({ subject, stream: 'SHARED' })));
  for (const [index, connector] of connectors.entries()) {
    const writer = await connector.open(0);
    for (const record of records(writer, [2])) await applyPatiently(writer, record);
    expect(await messages(subjects[index]!, 'SHARED')).toEqual(numbers(2));
  }
});

test('a result larger than a message may be fails by itself', async () => {
  const writer = await (await sink({ subject: 'large' })).open(0);
  const values = [{ a: 1 }, { a: 'é'.repeat(600_000) }, { a: 2 }];
  const { payload, count, failed } = writer.prepare([{ values, times: [1, 2, 3], keys: null, ingestMs: 0 }], { results: 0 });
  expect([count, Buffer.from(payload).toString()]).toEqual([2, '{"a":1}\n{"a":2}\n']);
  expect(failed).toMatchObject([{ timeMs: 2, problem: 'the result has 1200008 bytes, more than a message may have (1047552)' }]);
});

test('a server that dies again and again in the middle: every result once, in order', async () => {
  const connector = await sink({ subject: 'stormy' });
  let writer = await connector.open(0);
  const all = records(
    writer,
    Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 1500 : 1 + (i % 20))),
  );
  let done = false;
  const storm = (async () => {
    for (let strikes = 0; strikes < 4 && !done; strikes++) {
      await systemClock.sleep(150 + strikes * 70);
      await server.kill();
      await server.restart();
    }
  })();
  let refusals = 0;
  for (const [index, record] of all.entries()) {
    refusals += await applyPatiently(writer, record);
    if (index % 10 === 9) writer = await connector.open(0).catch(() => writer); // another owner
    if (index % 7 === 0) await systemClock.sleep(30);
  }
  done = true;
  await storm;
  await applyPatiently(writer, all.at(-1)!);
  const total = all.reduce((sum, { count }) => sum + count, 0);
  expect(await messages('stormy')).toEqual(numbers(total));
  expect(refusals).toBeGreaterThan(0);
});
