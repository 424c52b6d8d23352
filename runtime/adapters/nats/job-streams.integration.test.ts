// What a job has in NATS: made, grown by another plan, removed without touching a neighbour; blobs from one job to another.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobText } from '../../../test/support/job-run.ts';
import { startTestServer, type TestServer } from '../../../test/support/nats.ts';
import { readStreamJob } from '../../plan/check.ts';
import type { PhysicalPlan } from '../../plan/physical-plan.ts';
import { planJob } from '../../plan/plan.ts';
import { copyBlobs } from './copy-blobs.ts';
import { findDirectory } from './directory.ts';
import { ensureJobStreams, jobStreams, removeJob } from './job-streams.ts';
import { callApi, type StreamInfo } from './jetstream-api.ts';
import { Link } from './link.ts';
import { getBytes, putBytes } from '../../journal/blob-bytes.ts';
import { NatsBlobStore } from './nats-blob-store.ts';
import { connectNats } from './nats-connection.ts';
import { NatsJournal } from './nats-journal.ts';

let server: TestServer;
let connection: NatsConnection;
beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

const OPTIONS = { replicas: 1, laneBytesMax: 64 * 1024 * 1024 };

function plan(identity: string, sinks: readonly string[]): PhysicalPlan {
  const text = jobText(
    'a',
    `
  sources: [{ name: rows, nats: { subjects: [in.a] }, schema: { k: string } }]
  sinks:
${sinks.map((name) => `    - { name: ${name}, from: rows, nats: { subject: out.${name} } }`).join('\n')}
`,
  );
  return planJob(readStreamJob(text, { file: 'a.yaml', parameters: {} }), {}, { identity, deadLetterFile: false });
}

async function configOf(stream: string): Promise<StreamInfo['config'] | null> {
  const answer = await callApi<StreamInfo>(Link.of(connection), `STREAM.INFO.${stream}`);
  return answer.kind === 'ok' ? answer.value.config : null;
}

test('a plan with other sinks adds subjects to the shared lane; what went stays, with its records', async () => {
  const first = plan('grow', ['one', 'two']);
  await ensureJobStreams(connection, first, OPTIONS);
  await ensureJobStreams(connection, first, OPTIONS);
  const journal = new NatsJournal(Link.of(connection));
  expect(await journal.append('MR_grow_sinks', 'mr.grow.one.0', 0, Buffer.from('x'))).toMatchObject({ kind: 'stored' });
  await ensureJobStreams(connection, plan('grow', ['two', 'three']), { ...OPTIONS, laneBytesMax: 32 * 1024 * 1024 });
  const config = await configOf('MR_grow_sinks');
  expect([...config!.subjects].sort()).toEqual(['mr.grow.one.*', 'mr.grow.three.*', 'mr.grow.two.*']);
  expect(config!.max_bytes).toBe(32 * 1024 * 1024);
  expect((await journal.last('MR_grow_sinks', 'mr.grow.one.0'))?.sequence).toBe(1);
});

test('a stream of that name with subjects of something else is no lane, and is left as it is', async () => {
  const config = { ...(await configOf('MR_grow_sinks'))!, name: 'MR_foreign_sinks', subjects: ['orders.*'] };
  expect(await callApi(Link.of(connection), 'STREAM.CREATE.MR_foreign_sinks', config)).toMatchObject({ kind: 'ok' });
  await expect(ensureJobStreams(connection, plan('foreign', ['one']), OPTIONS)).rejects.toMatchObject({ code: 'MR2105' });
  expect((await configOf('MR_foreign_sinks'))!.subjects).toEqual(['orders.*']);
});

test('MR1012 a stream that is larger than the room of the server is refused with its number, and none is made', async () => {
  const tooLarge = { stream: 'MR_vast_one', subjects: ['mr.vast.one.*'], bytesMax: 2 ** 52 };
  await expect(new NatsJournal(Link.of(connection)).ensureLane(tooLarge)).rejects.toMatchObject({
    code: 'MR1012',
    data: { of: 'MR_vast_one', problem: expect.stringMatching(/\(10047\)$/) },
  });
  expect(await jobStreams(connection, 'vast')).toEqual([]);
});

test('removing a job removes all of it, stages of earlier plans too, and nothing of a job whose name begins alike', async () => {
  for (const identity of ['shop', 'shop_a', 'shop_ab', 'shop_a-b']) await ensureJobStreams(connection, plan(identity, ['one']), OPTIONS);
  const old = new NatsJournal(Link.of(connection));
  await old.ensureLane({ stream: 'MR_shop_a_gone', subjects: ['mr.shop_a.gone.*'], bytesMax: 1024 * 1024 });
  expect(await jobStreams(connection, 'shop_a')).toEqual(
    expect.arrayContaining(['MR_shop_a_rows', 'MR_shop_a_sinks', 'MR_shop_a_dead', 'MR_shop_a_blobs', 'MR_shop_a_gone']),
  );
  await removeJob(connection, 'shop_a');
  expect(await jobStreams(connection, 'shop_a')).toEqual([]);
  expect(await findDirectory(connection, 'shop_a')).toBeNull();
  await removeJob(connection, 'shop');
  for (const other of ['shop_ab', 'shop_a-b']) {
    expect(await jobStreams(connection, other)).toHaveLength(5);
    expect(await findDirectory(connection, other)).not.toBeNull();
  }
  await removeJob(connection, 'shop_a'); // again: nothing to do
});

test('blobs are copied whole, and one that is not there whole is told', async () => {
  const [from, to] = [await NatsBlobStore.open(connection, 'from'), await NatsBlobStore.open(connection, 'to')];
  const bytes = Buffer.alloc(3_000_000, 7);
  const blobs = [
    { name: 'large', sha256: await putBytes(from, 'large', bytes) },
    { name: 'empty', sha256: await putBytes(from, 'empty', new Uint8Array()) },
  ];
  await copyBlobs(from, to, blobs);
  expect(Buffer.from((await getBytes(to, 'large', blobs[0]!.sha256))!).equals(bytes)).toBe(true);
  expect((await getBytes(to, 'empty', blobs[1]!.sha256))?.length).toBe(0);
  await expect(copyBlobs(from, to, [{ name: 'large', sha256: '0'.repeat(64) }])).rejects.toMatchObject({ code: 'MR2106' });
});
