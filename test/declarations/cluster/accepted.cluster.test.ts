// Good StreamJobs on a real API server: taken, with every default to be seen; and what kubectl makes of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { streamJobSpecSchema } from '../../../crds/stream-job/spec.ts';
import { callApi, refusalOf, type ApiAnswer } from '../../support/api-request.ts';
import { startApiServer, type ApiServer } from '../../support/api-server.ts';
import { applyDefinitions } from '../../support/definitions.ts';
import { accepted, examplePaths, readJob } from './accepted.ts';
import { job, savepoint, stage, type Manifest } from './sample.ts';
import { wholeStatus } from './whole-status.ts';

const jobs = '/apis/millrace.dev/v1alpha1/namespaces/default/streamjobs';
const savepoints = '/apis/millrace.dev/v1alpha1/namespaces/default/streamsavepoints';
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
  await applyDefinitions(server);
});
afterAll(() => server?.stop());

test.each(accepted)('$fact', async ({ object }) => {
  const path = object.kind === 'StreamJob' ? jobs : savepoints;
  expect(refusalOf(await create(path, object))).toBeNull();
  await remove(path, object);
});

test.each(examplePaths)('%s as it is: only its files are refused', async (path) => {
  const refusal = refusalOf(await create(jobs, readJob(path))) ?? '';
  const complaints = refusal.replace(/^.*?is invalid: \[?/, '').split(/\]?$|, (?=spec)/);
  expect(complaints.filter((one) => one !== '' && !/no lasting file system|workers are given none/.test(one))).toEqual([]);
  expect(refusal).not.toBe('');
});

test('every default is stored, and they are those of the schema', async () => {
  const minimal = { sources: [{ name: 's', nats: { subjects: ['a'] } }] };
  await create(jobs, { ...job(), spec: minimal });
  const { spec } = (await callApi(server, { method: 'GET', path: `${jobs}/sample` })).body as Manifest;
  expect(spec).toEqual(JSON.parse(JSON.stringify(streamJobSpecSchema.parse(minimal))));
  expect(spec).toEqual({
    replicas: 1,
    scaling: {
      mode: 'Off',
      min: 1,
      max: 10,
      targetLag: '10s',
      catchUp: '1m',
      hotKeys: 'Show',
      utilization: 75,
      behavior: {
        scaleUp: { stabilization: '0s', period: '15s' },
        scaleDown: { stabilization: '5m', percent: 50, period: '1m' },
      },
    },
    pools: [],
    standbyReplicas: 0,
    suspend: false,
    parameters: [],
    values: {},
    partitions: 8,
    sources: [{ name: 's', maxEventBytes: 524_288, nats: { subjects: ['a'], startFrom: 'earliest', bounded: false, format: 'json' } }],
    tables: [],
    stages: [],
    sinks: [],
    upgrade: { strategy: 'last-state', progressDeadline: '2m', rollback: true },
    deletionPolicy: 'Retain',
    workers: {},
  });
  await remove(jobs, job());
});

test('the columns', async () => {
  await create(jobs, job());
  await create(savepoints, savepoint({ job: 'sample' }));
  const rows = async (...args: string[]): Promise<string[][]> =>
    (await kubectl('get', ...args))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
  const [header, unknown] = await rows('sj');
  expect(header).toEqual(['NAME', 'PHASE', 'READY', 'LAG', 'WATERMARK', 'RATE', 'REPLICAS', 'AGE']);
  expect(unknown?.slice(0, 2)).toEqual(['sample', '1']); // no status yet: only the replicas and the age are known
  await setStatus(wholeStatus);
  const [wideHeader, wide] = await rows('sj', '-o', 'wide');
  expect(wideHeader).toEqual([...(header ?? []), 'REVISION', 'SAVEPOINT', 'MESSAGE']);
  expect(wide?.toSpliced(7, 1)).toEqual([
    'sample', 'Running', '1/1', '12', '2013-01-01T05:00:00Z', 'Unknown', '1', '3', 'nightly', 'All 2 partitions are running.',
  ]); // prettier-ignore
  expect((await rows('ssp'))[0]).toEqual(['NAME', 'JOB', 'PHASE', 'REVISION', 'SIZE', 'AGE']);
  for (const category of ['millrace', 'streaming']) {
    const all = await kubectl('get', category, '-o', 'name');
    expect(all.split('\n')).toEqual(['streamjob.millrace.dev/sample', 'streamsavepoint.millrace.dev/sample', '']);
  }
  await remove(savepoints, savepoint({ job: 'sample' }));
  await remove(jobs, job());
});

test('kubectl scale sets the workers, and who scales sees pods and selector', async () => {
  await create(jobs, job());
  await setStatus(wholeStatus);
  await kubectl('scale', 'sj/sample', '--replicas=5');
  const { body } = await callApi(server, { method: 'GET', path: `${jobs}/sample/scale` });
  expect(body).toMatchObject({ spec: { replicas: 5 }, status: { replicas: 1, selector: 'millrace.dev/job=sample' } });
  expect((await server.kubectl(['scale', 'sj/sample', '--replicas=2000'])).stderr).toContain('should be less than or equal to 1024');
  await remove(jobs, job());
});

test('the status is set by itself, and what is no status is refused', async () => {
  await create(jobs, { ...job(), status: { phase: 'Running' } } as Manifest);
  const { body } = await callApi(server, { method: 'GET', path: `${jobs}/sample` });
  expect(body).not.toHaveProperty('status');
  expect(refusalOf(await setStatus(wholeStatus))).toBeNull();
  expect(refusalOf(await setStatus({ ...wholeStatus, phase: 'Fine' }))).toContain('Unsupported value: "Fine"');
  expect(refusalOf(await setStatus({ ...wholeStatus, conditions: [{ type: 'Ready', status: 'True' }] }))).toContain('Required value');
  const { body: after } = await callApi(server, { method: 'GET', path: `${jobs}/sample` });
  expect(after).toMatchObject({ status: wholeStatus, metadata: { generation: 1 } });
  await remove(jobs, job());
});

test('kubectl explain tells what a field means', async () => {
  const told = async (field: string): Promise<string> => (await kubectl('explain', field)).replace(/\s+/g, ' ');
  expect(await told('sj.spec.upgrade.strategy')).toContain('Never silently another one');
  expect(await told('ssp.spec.job')).toContain('whose state is kept');
});

test('the definitions can be applied again, by the client too, and nothing changes', async () => {
  const before = await kubectl('get', 'crd', 'streamjobs.millrace.dev', '-o', 'jsonpath={.metadata.generation}');
  await kubectl('apply', '--server-side', '-f', 'crds');
  await kubectl('apply', '-f', 'crds');
  expect(await kubectl('get', 'crd', 'streamjobs.millrace.dev', '-o', 'jsonpath={.metadata.generation}')).toBe(before);
});

test('a job that was stored before the policy was there can be labelled, scaled and deleted, but not changed for another bad one', async () => {
  const circle = job({ stages: [{ ...stage, from: ['events', 'counts'] }] });
  await kubectl('delete', 'validatingadmissionpolicybinding', 'streamjobs.millrace.dev');
  let refusal = refusalOf(await create(jobs, circle));
  for (const deadlineMs = performance.now() + 120_000; refusal !== null && performance.now() < deadlineMs; await sleep(100))
    refusal = refusalOf(await create(jobs, circle));
  expect(refusal).toBeNull();
  await applyDefinitions(server);
  await kubectl('label', 'sj/sample', 'team=shop');
  await kubectl('scale', 'sj/sample', '--replicas=1');
  const patched = await server.kubectl(['patch', 'sj/sample', '--type=merge', '-p', '{"spec":{"description":"x"}}']);
  expect(patched.stderr).toContain('stages read each other in a circle');
  await kubectl('delete', 'sj/sample');
});

function create(path: string, body: Manifest): Promise<ApiAnswer> {
  return callApi(server, { method: 'POST', path: `${path}?fieldValidation=Strict`, body });
}

async function remove(path: string, { metadata }: Manifest): Promise<void> {
  expect((await callApi(server, { method: 'DELETE', path: `${path}/${String(metadata['name'])}` })).status).toBe(200);
}

function setStatus(status: object): Promise<ApiAnswer> {
  const path = `${jobs}/sample/status?fieldValidation=Strict`;
  return callApi(server, { method: 'PATCH', path, body: { status }, contentType: 'application/merge-patch+json' });
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await server.kubectl(args);
  expect(stderr.replace(/^Warning: .*missing the kubectl.kubernetes.io.*\n/gm, '')).toBe('');
  expect(code).toBe(0);
  return stdout;
}
