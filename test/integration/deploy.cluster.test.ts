// `millrace deploy`, `status`, `savepoint`, `suspend`, `resume` against a real API server with the real definitions. What the operator
// would say of a job is written by hand.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { applyDefinitions } from '../support/definitions.ts';
import { endCommands, runCommand, startCommand, type Command, type Ended } from '../support/command.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

type Meta = {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly ownerReferences?: readonly { readonly uid: string }[];
};
type Stored = { readonly metadata: Meta; readonly spec: Readonly<Record<string, unknown>>; readonly [field: string]: unknown };

let server: ApiServer;
let folder = '';
beforeAll(async () => {
  server = await startApiServer();
  folder = await mkdtemp(join(tmpdir(), 'millrace-deploy-'));
  await kubectl('create', 'namespace', 'demo');
});
afterEach(endCommands);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('without the definitions it says that Millrace is not installed', async () => {
  const ended = await millrace('deploy', join(EXAMPLES, 'hello/cluster/job.ts'), '-n', 'demo');
  expect(ended.stderr).toMatch(/MR1023[\s\S]*helm install/);
  expect(ended.code).toBe(3);
  await kubectl('delete', 'configmaps', '--all', '-n', 'demo');
  await applyDefinitions(server);
});

test('a dry run is checked by the API server and leaves nothing', async () => {
  const ended = await millrace('deploy', join(EXAMPLES, 'flights/cluster/stream-job.yaml'), '-n', 'demo', '--dry-run=server');
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toContain('streamjob/flights would be applied in demo');
  expect(await names('streamjobs')).toEqual([]);
  expect(await names('configmaps')).toEqual([]);
});

test('a job is applied with all that it needs, waited for, and owns its ConfigMaps', async () => {
  const deploying = start('deploy', join(EXAMPLES, 'hello/cluster/job.ts'), '-n', 'demo');
  await say('hello', { phase: 'Starting', ready: 'False', reason: 'Deploying', message: '0 of 9 tasks run' });
  await expect.poll(() => deploying.stdout(), { timeout: 90_000 }).toContain('Starting: 0 of 9 tasks run');
  await say('hello', { phase: 'Running', ready: 'True', reason: 'Running', message: 'all 9 tasks run' });
  const ended = await deploying.ended;
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toContain('✓ hello is ready (Running): all 9 tasks run');
  const job = await stored('streamjob', 'hello');
  const { code, workers } = job.spec as { code: { configMap: string }; workers: { files: { configMap: string }[] } };
  const maps = await names('configmaps');
  expect(maps.toSorted()).toEqual([code.configMap, ...workers.files.map(({ configMap }) => configMap)].toSorted());
  for (const name of maps) expect((await stored('configmap', name)).metadata.ownerReferences).toMatchObject([{ uid: job.metadata.uid }]);
});

test('deployed again without a change it changes nothing', async () => {
  const [before, maps] = [await stored('streamjob', 'hello'), await names('configmaps')];
  const ended = await millrace('deploy', join(EXAMPLES, 'hello/cluster/job.ts'), '-n', 'demo');
  expect(ended.code).toBe(0);
  expect((await stored('streamjob', 'hello')).metadata).toMatchObject({ generation: before.metadata.generation });
  expect(await names('configmaps')).toEqual(maps);
});

test('of the code that ran before only the last stays', async () => {
  const source = join(folder, 'hello', 'cluster');
  await mkdir(source, { recursive: true });
  await cp(join(EXAMPLES, 'hello/data'), join(folder, 'hello/data'), { recursive: true });
  const text = await readFile(join(EXAMPLES, 'hello/cluster/job.ts'), 'utf8');
  const used: string[] = [await codeOf('hello')];
  for (const seconds of [2, 3]) {
    await writeFile(join(source, 'job.ts'), text.replace('seconds >= 1', `seconds >= ${seconds}`));
    const deploying = start('deploy', join(source, 'job.ts'), '-n', 'demo');
    await until('another code', async () => !used.includes(await codeOf('hello')));
    used.push(await codeOf('hello'));
    // Two that are made within a second would be told apart by name only.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await say('hello', { phase: 'Running', ready: 'True', reason: 'Running', message: 'all 9 tasks run' });
    expect((await deploying.ended).code).toBe(0);
  }
  const left = (await names('configmaps')).filter((name) => name.includes('-code-'));
  expect(left.toSorted()).toEqual(used.slice(1).toSorted());
});

test('a refusal is told with the reason, and is a mistake of the declaration', async () => {
  await writeFile(join(folder, 'odd.yaml'), subjectJob('odd', '  replicas: 3\n'));
  const deploying = start('deploy', join(folder, 'odd.yaml'), '-n', 'demo');
  const message = 'spec.stages[0].filter: unknown field "x" (did you mean "y"?)';
  await say('odd', { phase: 'Failed', ready: 'False', reason: 'InvalidSpec', message, stalled: true });
  const ended = await deploying.ended;
  expect(ended.stderr).toContain(`odd does not run (InvalidSpec): ${message}`);
  expect(ended.code).toBe(2);
});

test('who waits in vain is told for what, and that it goes on', async () => {
  await writeFile(join(folder, 'alone.yaml'), subjectJob('alone'));
  const ended = await millrace('deploy', join(folder, 'alone.yaml'), '-n', 'demo', '--wait', '1s');
  expect(ended.stderr).toContain('alone is not ready after 1 s (Pending): no operator has looked at it yet');
  expect(ended.code).toBe(1);
});

test('what somebody else scaled stays scaled, unless the job says a number itself', async () => {
  await kubectl('scale', 'streamjob', 'alone', '--replicas=5', '-n', 'demo');
  expect((await millrace('deploy', join(folder, 'alone.yaml'), '-n', 'demo', '--no-wait')).code).toBe(0);
  expect((await stored('streamjob', 'alone')).spec).toMatchObject({ replicas: 5 });
  // The scale subresource of a custom resource notes no owner; any other writer is noted.
  await kubectl('patch', 'streamjob', 'alone', '-n', 'demo', '--type=merge', '-p', '{"spec":{"replicas":4}}');
  await writeFile(join(folder, 'alone.yaml'), subjectJob('alone', '  replicas: 2\n'));
  const refused = await millrace('deploy', join(folder, 'alone.yaml'), '-n', 'demo', '--no-wait');
  expect(refused.stderr).toMatch(/MR1024[\s\S]*\.spec\.replicas[\s\S]*--force/);
  expect(refused.code).toBe(3);
  expect((await millrace('deploy', join(folder, 'alone.yaml'), '-n', 'demo', '--no-wait', '--force')).code).toBe(0);
  expect((await stored('streamjob', 'alone')).spec).toMatchObject({ replicas: 2 });
});

test('what the API server refuses is told as mistakes with their places', async () => {
  await writeFile(join(folder, 'taken.yaml'), subjectJob('taken', '  workers: { env: [{ name: MILLRACE_X, value: a }] }\n'));
  const ended = await millrace('deploy', join(folder, 'taken.yaml'), '-n', 'demo', '--no-wait');
  expect(ended.stderr).toMatch(
    /the API server refuses to apply StreamJob demo\/taken: 1 mistake\n {2}spec\.workers\.env\[0\]: .*MILLRACE_X is set by the operator/,
  );
  expect(ended.code).toBe(2);
});

test('a right that is missing is named', async () => {
  const kubeconfig = await limitedKubeconfig();
  const ended = await runCommand(['deploy', join(folder, 'alone.yaml'), '-n', 'demo', '--kubeconfig', kubeconfig], { cwd: folder });
  expect(ended.stderr).toMatch(/MR1022[\s\S]*cannot get resource "streamjobs"/);
  expect(ended.code).toBe(3);
});

test('suspend and resume change one field and wait until it is so', async () => {
  for (const [verb, suspend, phase, reason] of [
    ['suspend', true, 'Suspended', 'Suspended'],
    ['resume', false, 'Running', 'Running'],
  ] as const) {
    const running = start(verb, 'alone', '-n', 'demo');
    await until(`suspend: ${suspend}`, async () => (await stored('streamjob', 'alone')).spec['suspend'] === suspend);
    await say('alone', { phase, ready: 'True', reason, message: `it is ${reason}` });
    const ended = await running.ended;
    expect(ended.stdout).toContain(`✓ alone is ready (${reason}): it is ${reason}`);
    expect(ended.code).toBe(0);
  }
  const missing = await millrace('suspend', 'nobody', '-n', 'demo');
  expect([missing.code, missing.stderr]).toEqual([3, expect.stringMatching(/MR1023.*read StreamJob demo\/nobody/) as string]);
});

test('a savepoint is made and waited for; one that fails says why', async () => {
  const taking = start('savepoint', 'alone', '-n', 'demo', '--name', 'before', '--keep');
  await saySavepoint('before', { phase: 'Completed', tasks: 9, bytes: 5_242_880 });
  const taken = await taking.ended;
  expect(taken.stdout).toContain('✓ before is taken: 9 tasks, 5 MiB');
  expect(taken.code).toBe(0);
  expect((await stored('streamsavepoint', 'before')).spec).toMatchObject({ job: 'alone', deletionPolicy: 'Retain' });
  const failing = start('savepoint', 'alone', '-n', 'demo', '--name', 'second');
  await saySavepoint('second', { phase: 'Failed', message: 'worker alone-worker-1 did not answer' });
  const failed = await failing.ended;
  expect([failed.code, failed.stderr]).toEqual([1, 'second was not taken: worker alone-worker-1 did not answer\n']);
  const again = await millrace('savepoint', 'alone', '-n', 'demo', '--name', 'before');
  expect([again.code, again.stderr]).toEqual([3, expect.stringContaining('already exists') as string]);
});

test('status shows all jobs as kubectl does, and one with its story', async () => {
  const all = await millrace('status', '-n', 'demo');
  const lines = all.stdout.trimEnd().split('\n');
  expect(lines[0]?.split(/\s{2,}/)).toEqual(['NAME', 'PHASE', 'READY', 'LAG', 'WATERMARK', 'RATE', 'REPLICAS', 'AGE']);
  expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(['alone', 'hello', 'odd']);
  const kubectlHeader = (await kubectl('get', 'streamjobs', '-n', 'demo')).stdout.split('\n')[0]?.trim();
  expect(kubectlHeader?.split(/\s{2,}/)).toEqual(lines[0]?.split(/\s{2,}/));
  const one = await millrace('status', 'odd', '-n', 'demo');
  expect(one.stdout).toContain('Stalled True (InvalidSpec)');
  const json = await millrace('status', 'odd', '-n', 'demo', '-o', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'StreamJob', metadata: { name: 'odd' }, status: { phase: 'Failed' } });
  expect(await millrace('status', '-n', 'default')).toMatchObject({ code: 0, stdout: 'No jobs in the namespace default.\n' });
});

test('what build writes is what kubectl applies', async () => {
  const out = join(folder, 'built');
  const built = await runCommand(['build', join(EXAMPLES, 'flights/cluster/stream-job.yaml'), '-o', out, '-n', 'demo'], { cwd: folder });
  expect(built.code).toBe(0);
  await kubectl('apply', '--server-side', '-k', out);
  const { spec } = await stored('streamjob', 'flights');
  const [aircraft] = (spec['stages'] as { name: string; machine?: { states: Record<string, { on: object }> } }[]).filter(
    ({ machine }) => machine !== undefined,
  );
  expect(Object.keys(aircraft?.machine?.states['flying']?.on ?? {})).toEqual(['arrived', 'departed', 'overdue']);
  // Both ways name the same ConfigMaps and say the same.
  const deployed = await millrace('deploy', join(EXAMPLES, 'flights/cluster/stream-job.yaml'), '-n', 'demo', '--no-wait');
  expect(deployed).toMatchObject({ code: 0, stderr: '' });
  expect((await stored('streamjob', 'flights')).spec).toEqual(spec);
});

test("the feeder's manifest is one", async () => {
  await kubectl('apply', '--dry-run=server', '-n', 'demo', '-f', join(EXAMPLES, 'flights/cluster/feeder.yaml'));
});

test('a cluster that is not there is the environment', async () => {
  await server.kill();
  const ended = await millrace('status', '-n', 'demo');
  expect([ended.code, ended.stderr]).toEqual([3, expect.stringContaining('MR1021') as string]);
  const none = await runCommand(['status', '--kubeconfig', join(folder, 'none')], { cwd: folder });
  expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('MR1001') as string]);
});

function subjectJob(name: string, more = ''): string {
  return `apiVersion: millrace.dev/v1alpha1\nkind: StreamJob\nmetadata: { name: ${name} }\nspec:\n  sources: [{ name: a, nats: { subjects: [${name}.in] } }]\n  sinks: [{ name: b, from: a, nats: { subject: ${name}.out } }]\n${more}`;
}

function start(...args: readonly string[]): Command {
  return startCommand([...args, '--kubeconfig', server.kubeconfig], { cwd: folder });
}

function millrace(...args: readonly string[]): Promise<Ended> {
  return start(...args).ended;
}

async function kubectl(...args: readonly string[]): Promise<{ readonly stdout: string }> {
  const ended = await server.kubectl(args);
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended;
}

async function stored(kind: string, name: string): Promise<Stored> {
  return JSON.parse((await kubectl('get', kind, name, '-n', 'demo', '-o', 'json')).stdout) as Stored;
}

async function names(kind: string): Promise<readonly string[]> {
  const { stdout } = await kubectl('get', kind, '-n', 'demo', '-o', 'jsonpath={.items[*].metadata.name}');
  return stdout.split(' ').filter((name) => name !== '' && name !== 'kube-root-ca.crt');
}

async function codeOf(name: string): Promise<string> {
  return ((await stored('streamjob', name)).spec['code'] as { readonly configMap: string }).configMap;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await expect.poll(() => holds().catch(() => false), { timeout: 90_000, interval: 200, message: what }).toBe(true);
}

type Said = {
  readonly phase: StreamJobStatus['phase'];
  readonly ready: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly stalled?: boolean;
};

/** What the operator would write of the newest spec, as soon as the job is there. */
async function say(name: string, { phase, ready, reason, message, stalled = false }: Said): Promise<void> {
  await until(`streamjob ${name}`, async () => (await stored('streamjob', name)).metadata.name === name);
  const { generation } = (await stored('streamjob', name)).metadata;
  const condition = (type: string, status: string): object => ({
    type,
    status,
    reason,
    message,
    observedGeneration: generation,
    lastTransitionTime: '2026-01-05T09:00:00Z',
  });
  const status = {
    observedGeneration: generation,
    phase,
    conditions: [condition('Ready', ready), condition('Stalled', stalled ? 'True' : 'False')],
  };
  await kubectl('patch', 'streamjob', name, '-n', 'demo', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
}

async function saySavepoint(name: string, status: object): Promise<void> {
  await until(`streamsavepoint ${name}`, async () => (await stored('streamsavepoint', name)).metadata.name === name);
  await kubectl('patch', 'streamsavepoint', name, '-n', 'demo', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
}

/** Of a service account that may do nothing. */
async function limitedKubeconfig(): Promise<string> {
  await kubectl('create', 'serviceaccount', 'nobody', '-n', 'demo');
  const token = (await kubectl('create', 'token', 'nobody', '-n', 'demo')).stdout.trim();
  const config = JSON.parse(await readFile(server.kubeconfig, 'utf8')) as { users: { user: { token: string } }[] };
  for (const { user } of config.users) user.token = token;
  const path = join(folder, 'limited');
  await writeFile(path, JSON.stringify(config));
  return path;
}
