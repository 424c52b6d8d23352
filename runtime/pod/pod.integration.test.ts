// The life of a worker pod, as a process: what it waits for, what it takes in place, what it tells, how it ends.

import { expect, test } from 'vitest';
import { jobText, readSubject } from '../../test/support/job-run.ts';
import { startOtherVersion } from '../../test/operator/support/old-server.ts';
import { operatorsServer } from '../../test/support/operators-server.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { removeJob } from '../adapters/nats/job-streams.ts';
import { Link } from '../adapters/nats/link.ts';
import { connectNats } from '../adapters/nats/nats-connection.ts';
import { prepareJob, startPod, startTenantServer, writeRecord, type PodProcess } from './pod-harness.ts';

const nats = operatorsServer(startTenantServer);

/** `factor`: of the stage that maps; `counted`: the other stage is there too. */
const job = (name: string, { factor = 1, counted = true, more = '' } = {}): string =>
  jobText(
    name,
    `
  partitions: 2
  sources:
    - { name: numbers, nats: { subjects: [in.${name}], stream: IN_${name} }, schema: { key: string, n: int } }
  stages:
    - { name: counts, from: numbers, keyBy: { key: event.key }, aggregate: { count: { count: {} } } }
    - { name: sums, from: numbers, keyBy: { name: event.key }, aggregate: { sum: { sum: event.n * ${factor} } } }
  sinks:
    - { name: sums-out, from: sums, nats: { subject: out.${name}.sums } }
${counted ? `    - { name: counts-out, from: counts, nats: { subject: out.${name}.counts } }` : ''}
${more}
`,
  );

async function makeInput(name: string): Promise<void> {
  const config = { name: `IN_${name}`, subjects: [`in.${name}`], storage: 'file', retention: 'limits' };
  // The connection may be on its way back: a test before has ended the server.
  await expect.poll(() => callApi(Link.of(nats.admin), `STREAM.CREATE.IN_${name}`, config)).toMatchObject({ kind: 'ok' });
}

async function send(name: string, n: number): Promise<void> {
  nats.admin.publish(`in.${name}`, JSON.stringify({ key: 'k', n }));
  await nats.admin.flush();
}

const sums = async (name: string): Promise<unknown[]> =>
  ((await readSubject(nats.server.url, `out.${name}.sums`, `out_${name}_sums`)) as { sum: number }[]).map(({ sum }) => sum);
const counts = async (name: string): Promise<unknown[]> =>
  ((await readSubject(nats.server.url, `out.${name}.counts`, `out_${name}_counts`)) as { count: number }[]).map(({ count }) => count);

function says(pod: PodProcess, text: string): boolean {
  return pod.lines.some(({ msg }) => String(msg).includes(text));
}
const until = (pod: PodProcess, text: string): Promise<void> => expect.poll(() => says(pod, text), { timeout: 90_000 }).toBe(true);

test('a pod waits for NATS, for the directory, for streams and for its rights, and tells so; then it runs', async () => {
  const [name, identity] = ['waits', 'ns_waits'];
  await makeInput(name);
  const late = await startTenantServer();
  const natsUrl = late.url;
  await late.kill();
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1' });
  await until(pod, 'MR1003');
  expect(await pod.probe('livez')).toMatchObject({ status: 200, body: { phase: 'connecting' } });
  expect(await pod.probe('readyz')).toMatchObject({
    status: 503,
    body: { why: expect.stringContaining(`connecting: MR1003 NatsUnreachable: cannot reach NATS at ${natsUrl}`) as string },
  });
  await late.restart();
  await until(pod, `the directory of job ${identity} is not there yet`);
  const connection = await connectNats({ url: natsUrl, name: 'operator' });
  await callApi(Link.of(connection), `STREAM.CREATE.IN_${name}`, { name: `IN_${name}`, subjects: [`in.${name}`], retention: 'limits' });
  const prepared = await prepareJob(connection, job(name), { identity });
  await callApi(Link.of(connection), `STREAM.DELETE.MR_${identity}_sinks`);
  await writeRecord(prepared, { identity });
  await until(pod, `waits for streams: MR_${identity}_sinks: stream not found`);
  expect(await pod.probe('startupz')).toMatchObject({ status: 503, body: { phase: 'loading' } });
  await prepareJob(connection, job(name), { identity });
  await expect.poll(async () => (await pod.probe('readyz'))?.status, { timeout: 90_000 }).toBe(200);
  expect(await pod.end()).toMatchObject({ code: 0 });
  await connection.close();
  await late.stop();
});

test('a server that is too old is waited for: not ready, with its version, until it is upgraded', async () => {
  const other = await startOtherVersion({ url: nats.server.url, monitorUrl: '' });
  other.greetsAs('2.14.9');
  const pod = startPod({ natsUrl: other.url, job: 'ns_patient', worker: 'w-1' });
  await until(pod, 'MR1004');
  const why = expect.stringContaining(`connecting: MR1004 NatsTooOld: the NATS server at ${other.url} is 2.14.9; Millrace needs`) as string;
  expect(await pod.probe('readyz')).toMatchObject({ status: 503, body: { why } });
  other.greetsAs(null);
  await until(pod, 'looks for the job');
  expect(await pod.end()).toMatchObject({ code: 0 });
  await other.stop();
});

test('SIGTERM: what is in flight is stored, tasks are handed over, exit 0 before it would be killed; the other pod goes on at once', async () => {
  const [name, identity] = ['drains', 'ns_drains'];
  await makeInput(name);
  const prepared = await prepareJob(nats.admin, job(name), { identity });
  const natsUrl = await nats.server.allow('job-drains', prepared.permissions);
  await writeRecord(prepared, { identity, workers: 2 });
  const pods = [1, 2].map((n) => startPod({ natsUrl, job: identity, worker: `w-${n}` }));
  for (const pod of pods) await expect.poll(async () => (await pod.probe('readyz'))?.status, { timeout: 90_000 }).toBe(200);
  await send(name, 1);
  await expect.poll(() => sums(name)).toEqual([1]);
  const { code, ms } = await pods[0]!.end();
  expect(code).toBe(0);
  console.log(`drained in ${Math.round(ms)} ms`);
  expect(ms).toBeLessThan(25_000);
  const startMs = performance.now();
  await send(name, 2);
  await expect.poll(() => sums(name)).toEqual([1, 3]);
  console.log(`the next result after ${Math.round(performance.now() - startMs)} ms`);
  // With NATS away there is nobody to say goodbye to: bounded all the same.
  await nats.server.kill();
  const ended = await pods[1]!.end();
  expect(ended.ms).toBeLessThan(25_000);
  await nats.server.restart();
});

test('a higher revision is taken in place: the stage that changed begins anew, the others and the process go on', async () => {
  const [name, identity, runId] = ['updates', 'ns_updates', 'run1'];
  await makeInput(name);
  const first = await prepareJob(nats.admin, job(name), { identity });
  const natsUrl = await nats.server.allow('job-updates', first.permissions);
  await writeRecord(first, { identity, runId });
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1' });
  await send(name, 1);
  await expect.poll(() => Promise.all([sums(name), counts(name)]), { timeout: 90_000 }).toEqual([[1], [1]]);
  const second = await prepareJob(nats.admin, job(name, { factor: 10 }), { identity, before: first.plan });
  await writeRecord(second, { identity, runId, revision: 2 });
  await until(pod, 'runs revision 2');
  await send(name, 2);
  await expect.poll(() => counts(name), { timeout: 90_000 }).toEqual([1, 2]);
  await expect.poll(async () => (await sums(name)).length, { timeout: 90_000 }).toBe(2);
  expect((await sums(name))[1], 'by the new expression').not.toBe(3);
  await expect.poll(async () => (await pod.probe('readyz'))?.status).toBe(200);
  expect(pod.lines.filter(({ msg }) => msg === 'started')).toHaveLength(1);
  await expect.poll(() => pod.metrics()).toContain(`millrace_stage_input_events_total{job="${identity}",stage="numbers"} 2`);
  expect(await pod.end()).toMatchObject({ code: 0 });
  expect(pod.lines.filter(({ level }) => level === 'error' || level === 'stderr')).toEqual([]);
});

test('a job that is deleted leaves an idle pod; made again it is run from its start', async () => {
  const [name, identity] = ['again', 'ns_again'];
  await makeInput(name);
  const first = await prepareJob(nats.admin, job(name), { identity });
  const natsUrl = await nats.server.allow('job-again', first.permissions);
  await writeRecord(first, { identity, runId: 'run1' });
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1' });
  await send(name, 5);
  await expect.poll(() => sums(name), { timeout: 90_000 }).toEqual([5]);
  await removeJob(nats.admin, identity);
  await until(pod, 'the job is not there');
  expect(await pod.probe('livez')).toMatchObject({ status: 200 });
  await writeRecord(await prepareJob(nats.admin, job(name), { identity }), { identity, runId: 'run2' });
  await expect.poll(() => sums(name), { timeout: 90_000 }).toEqual([5, 5]);
  await expect.poll(async () => (await pod.probe('readyz'))?.status).toBe(200);
  expect(await pod.end()).toMatchObject({ code: 0 });
});

test('a wrong environment is told whole, and ends it', async () => {
  const pod = startPod({ natsUrl: 'http://nowhere', job: 'a.b', worker: 'w-1' });
  const { code } = await pod.end('SIGCONT');
  expect(code).toBe(1);
  const text = pod.lines.map(({ msg }) => msg).join('');
  expect(text).toContain('MILLRACE_NATS_URL: it is no URL of NATS');
  expect(text).toContain('MILLRACE_JOB: "a.b" is no identity of a job');
});
