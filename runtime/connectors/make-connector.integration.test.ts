import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { startTestServer, type TestServer } from '../../test/support/nats.ts';
import { linksOf } from '../adapters/nats/job-connections.ts';
import { connectNats } from '../adapters/nats/nats-connection.ts';
import { systemClock } from '../adapters/node/clock.ts';
import { systemRandom } from '../adapters/node/random.ts';
import { loadTables, makeSinkConnector, makeSourceConnector, type ConnectorEnv } from './make-connector.ts';

let server: TestServer;
let connection: NatsConnection;
let folder: string;
let env: ConnectorEnv;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-connect-'));
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
  const links = linksOf(connection, { importsStreams: false });
  env = { job: 'job', runId: 'run1', baseDir: folder, outDir: join(folder, 'out'), links, clock: systemClock, random: systemRandom };
});
afterAll(async () => {
  await connection.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test('what a job declares is read from a file, written to a subject, read from there, and written to a file', async () => {
  await writeFile(join(folder, 'in.csv'), 'n,t\n1,a\nx,b\n3,"c, d"\n');
  const { spec } = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'job' },
    spec: {
      sources: [
        { name: 'rows', file: { path: 'in.csv', format: 'csv' }, schema: { n: 'int' } },
        { name: 'messages', nats: { subjects: ['out.results'], bounded: true, format: 'ndjson' }, schema: { n: 'int', t: 'string' } },
      ],
      sinks: [
        { name: 'subject', from: 'rows', nats: { subject: 'out.results', batch: 2 } },
        { name: 'file', from: 'messages', file: { path: 'out.ndjson' } },
      ],
    },
  });
  const wayOf = async (place: number): Promise<number> => {
    const sink = await makeSinkConnector(spec.sinks[place]!, env);
    const source = await makeSourceConnector(spec.sources[place]!, env);
    const [reader, writer] = [await source.open(0, null), await sink.open(0)];
    let [before, letters, number, done] = [sink.initial, 0, 1, false];
    while (!done) {
      const read = await reader.read({ eventsMax: 100, bytesMax: 10_000, waitMs: 200 });
      const { payload, count, after } = writer.prepare(
        [{ values: read.values, times: read.values.map(() => 0), keys: null, ingestMs: read.ingestMs }],
        before,
      );
      await writer.apply({ number: number++, payload, count, before, after });
      [before, letters, done] = [after, letters + read.deadLetters.length, read.done];
    }
    await writer.finish();
    await Promise.all([reader.close(), writer.close()]);
    return letters;
  };
  expect([await wayOf(0), await wayOf(1)]).toEqual([1, 0]);
  expect(await readFile(join(folder, 'out', 'out.ndjson'), 'utf8')).toBe('{"n":1,"t":"a"}\n{"n":3,"t":"c, d"}\n');
});

test('side inputs are loaded whole; rows that are no rows, or have no key, are named by their lines', async () => {
  await writeFile(join(folder, 'weather.csv'), 'origin,hour,temp\nEWR,2013-01-01T10:00:00Z,39.2\nJFK,never,1\nNA,2013-01-01T10:00:00Z,2\n');
  const file = { path: 'weather.csv', format: 'csv', compression: 'auto', nulls: ['NA'] } as const;
  const tables = await loadTables(
    [
      {
        name: 'weather',
        file: { ...file, nulls: [...file.nulls] },
        schema: { hour: 'timestamp', temp: 'double' },
        key: 'row.origin',
        at: 'row.hour',
        validFor: '1h',
      },
    ],
    env,
  );
  const { table, issues } = tables.get('weather')!;
  expect(issues).toEqual([expect.stringMatching(/^line 3: hour: found "never"/), expect.stringMatching(/^line 4: .*null/)]);
  expect(table.rowCount).toBe(1);
  expect(table.lookup('EWR', Date.UTC(2013, 0, 1, 10, 59))).toEqual({ origin: 'EWR', hour: Date.UTC(2013, 0, 1, 10), temp: 39.2 });
  expect(table.lookup('EWR', Date.UTC(2013, 0, 1, 11))).toBeNull();
});
