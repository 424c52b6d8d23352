// Code of a TypeScript job: bundled as `millrace deploy` does it, run by a pod from the sources and by one that is itself a bundle.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { bundlePrograms } from '../../images/bundle.ts';
import { readSubject } from '../../test/support/job-run.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { putBytes } from '../journal/blob-bytes.ts';
import { NatsBlobStore } from '../adapters/nats/nats-blob-store.ts';
import { connectNats } from '../adapters/nats/nats-connection.ts';
import { readJobValue } from '../job/job-value.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { endPods, prepareJob, startPod, startTenantServer, writeRecord, type TenantServer } from './pod-harness.ts';

const run = promisify(execFile);
let server: TenantServer;
let admin: NatsConnection;
let folder: string;
const mains: Record<string, string> = { sources: fileURLToPath(new URL('./main.ts', import.meta.url)) };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-pod-code-'));
  server = await startTenantServer();
  admin = await connectNats({ url: server.url, name: 'operator' });
  const [bundle] = await bundlePrograms([{ entry: 'runtime/pod/main.ts', file: 'worker.mjs' }]);
  mains['bundle'] = join(folder, 'worker.mjs');
  await writeFile(mains['bundle'], bundle!.text);
});
afterEach(endPods);
afterAll(async () => {
  await admin.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** `times`: what its function multiplies by; it changes the code, nothing else. */
const moduleText = (name: string, times: number): string => `
import { job, nats } from 'millrace';
import { emit, setup } from 'xstate';

type DoorEvent = { readonly type: 'open' | 'close'; readonly door: string };
const door = setup({ types: { events: {} as DoorEvent, emitted: {} as { readonly type: 'shut'; readonly times: number } } }).createMachine({
  initial: 'closed',
  states: { closed: { on: { open: 'opened' } }, opened: { on: { close: { target: 'closed', actions: emit({ type: 'shut', times: ${times} }) } } } },
});

export const declared = job('${name}', (j) => {
  const events = j.source('events', nats({ subjects: ['in.${name}'], schema: { door: 'string', type: 'string', n: 'int' } }));
  events.map((event) => ({ n: event.n * ${times} })).as('times').toNats('out.${name}.n');
  events.map((event) => ({ type: event.type as 'open' | 'close', door: event.door })).as('moves').keyBy('door').machine(door).as('doors').output('shut').toNats('out.${name}.shut');
});
`;

type Deployed = { readonly job: StreamJob; readonly bytes: Buffer; readonly sha256: string };

/** As `millrace deploy` packs it, by a real Node: what goes through the test runner's loader has other texts. */
async function deploy(text: string): Promise<Deployed> {
  const file = join(folder, 'job.ts');
  await writeFile(file, text);
  const packer = fileURLToPath(new URL('../../cli/deploy/module-package.ts', import.meta.url));
  const script = `
    const { packModule } = await import(${JSON.stringify(packer)});
    console.log(JSON.stringify(await packModule({ file: ${JSON.stringify(file)}, name: 'declared', values: {} })));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { maxBuffer: 16 * 1024 * 1024 });
  const { spec, configMaps, code } = JSON.parse(stdout) as {
    spec: object;
    configMaps: [{ data?: Record<string, string>; binaryData?: Record<string, string> }];
    code: { key: string; sha256: string; configMap: string };
  };
  const { data, binaryData } = configMaps[0];
  const bytes = data === undefined ? Buffer.from(binaryData![code.key]!, 'base64') : Buffer.from(data[code.key]!);
  const value = { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'declared' }, spec: { ...spec, code } };
  return { job: readJobValue(value, {}, 'declared'), bytes, sha256: code.sha256 };
}

async function makeInput(name: string): Promise<void> {
  const config = { name: `IN_${name}`, subjects: [`in.${name}`], storage: 'file', retention: 'limits' };
  expect(await callApi(Link.of(admin), `STREAM.CREATE.IN_${name}`, config)).toMatchObject({ kind: 'ok' });
}

function move(name: string, type: 'open' | 'close', n: number): void {
  admin.publish(`in.${name}`, JSON.stringify({ door: 'front', type, n }));
}

const subjectOf = (name: string, end: string): Promise<unknown[]> => readSubject(server.url, `out.${name}.${end}`, `out_${name}_${end}`);

test.each(['sources', 'bundle'])('functions and machines of a bundle run in a pod that is started from %s', async (kind) => {
  const [name, identity] = [kind, `ns_${kind}`];
  await makeInput(name);
  const { job, bytes, sha256 } = await deploy(moduleText(name, 3));
  const prepared = await prepareJob(admin, job, { identity });
  const blob = `code.${sha256}`;
  expect(await putBytes(NatsBlobStore.attach(admin, identity), blob, bytes)).toBe(sha256);
  const natsUrl = await server.allow(`job-${name}`, prepared.permissions);
  await writeRecord(prepared, { identity, code: { blob, sha256, parameters: {} } });
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1', main: mains[kind]! });
  move(name, 'open', 1);
  move(name, 'close', 2);
  await expect.poll(() => subjectOf(name, 'n'), { timeout: 90_000 }).toEqual([{ n: 3 }, { n: 6 }]);
  await expect.poll(() => subjectOf(name, 'shut'), { timeout: 90_000 }).toMatchObject([{ times: 3 }]);
  expect(await pod.end()).toMatchObject({ code: 0 });
});

test('a revision whose bundle is not there, is another, or does not load is told, and the pod takes the next one', async () => {
  const [name, identity] = ['refused', 'ns_refused'];
  await makeInput(name);
  const { job, bytes, sha256 } = await deploy(moduleText(name, 3));
  const prepared = await prepareJob(admin, job, { identity });
  const blobs = NatsBlobStore.attach(admin, identity);
  const natsUrl = await server.allow(`job-${name}`, prepared.permissions);
  const bundle = bytes.toString();
  const store = async (text: string): Promise<{ blob: string; sha256: string; parameters: {} }> => {
    const hash = createHash('sha256').update(text).digest('hex');
    await putBytes(blobs, `code.${hash}`, Buffer.from(text));
    return { blob: `code.${hash}`, sha256: hash, parameters: {} };
  };
  const other = await deploy(moduleText(name, 4));
  const codes = [
    { code: { blob: 'code.missing', sha256, parameters: {} }, says: 'no bundle code.missing' },
    { code: await store(`${bundle}\nthrow new RangeError('the moon is full');`), says: 'the moon is full' },
    { code: await store('export const x = ;'), says: 'the module cannot be loaded' },
    { code: await store(other.bytes.toString()), says: 'MR1010' },
  ];
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1' });
  const runId = 'run1';
  for (const [index, { code, says }] of codes.entries()) {
    await writeRecord(prepared, { identity, runId, revision: index + 1, code });
    await expect
      .poll(async () => (await prepared.directory.get('failure'))?.value, { timeout: 90_000 })
      .toMatchObject({ revision: index + 1, message: expect.stringContaining(says) as string });
    await expect.poll(() => pod.probe('startupz')).toMatchObject({ status: 200, body: { phase: 'refused' } });
    expect(await pod.probe('readyz')).toMatchObject({ status: 503 });
    expect(await pod.probe('livez')).toMatchObject({ status: 200 });
  }
  await prepared.directory.delete('failure');
  await writeRecord(prepared, { identity, runId, revision: 5, code: await store(bundle) });
  move(name, 'open', 1);
  await expect.poll(() => subjectOf(name, 'n'), { timeout: 90_000 }).toEqual([{ n: 3 }]);
  expect(await pod.end()).toMatchObject({ code: 0 });
});

test('an error that code of the job throws behind our back is told, and ends the process: the pod is started again', async () => {
  const [name, identity] = ['throws', 'ns_throws'];
  await makeInput(name);
  const text = `${moduleText(name, 3)}\nif (process.env['MILLRACE_JOB']) setTimeout(() => void Promise.reject(new RangeError('the moon is full')), 300);\n`;
  const { job, bytes, sha256 } = await deploy(text);
  const prepared = await prepareJob(admin, job, { identity });
  await putBytes(NatsBlobStore.attach(admin, identity), 'code', bytes);
  await writeRecord(prepared, { identity, code: { blob: 'code', sha256, parameters: {} } });
  const pod = startPod({ natsUrl: server.url, job: identity, worker: 'w-1' });
  expect(await pod.exited).toBe(1);
  expect(pod.lines.at(-1)).toMatchObject({ level: 'error', msg: 'a rejection that nobody caught: the moon is full' });
});
