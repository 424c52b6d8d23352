// `millrace explain JOB` against a real API server with the real definitions: what a person sees of scaling, whatever there is to see.
// Decisions are those of the real controller; that there are pods and loads is only said.

import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ScalingSpec } from '../../crds/stream-job/scaling.ts';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { decideScaling, NO_NEEDS } from '../../operator/autoscaler/decide.ts';
import type { Signals } from '../../operator/autoscaler/evaluate.ts';
import { memoryOf, statusOfMemory } from '../../operator/autoscaler/memory.ts';
import { settingsOf } from '../../operator/autoscaler/settings.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { applyDefinitions } from '../support/definitions.ts';
import { endCommands, runCommand, words, type Ended } from '../support/command.ts';

const NAME = 'orders';

type Stored = {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly scaling: ScalingSpec };
  readonly status?: StreamJobStatus;
};

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
  await kubectl('create', 'namespace', 'demo');
});
afterEach(endCommands);
afterAll(() => server?.stop());

test('its help says what it shows and what it takes', async () => {
  const { code, stdout } = await explain('--help');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: millrace explain \[options\] <job>/);
  for (const part of ['each with its arithmetic', 'name of the StreamJob', '--namespace', '--kubeconfig'])
    expect(words(stdout)).toContain(part);
});

test('without a job, or with too many words, it says so and is no success', async () => {
  for (const args of [[], [NAME, 'more']]) {
    const { code, stdout, stderr } = await explain(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/argument/);
  }
});

test('without the definitions it says that Millrace is not installed', async () => {
  expect(await explain(NAME)).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/MR1023[\s\S]*helm install/) as string });
  await applyDefinitions(server);
});

test('a job that is not there is named', async () => {
  const { code, stdout, stderr } = await explain('nobody');
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(/MR1023.*read StreamJob demo\/nobody[\s\S]*"nobody" not found/);
});

test('a job that no operator has looked at says so: none of it is done', async () => {
  const made = await apply('{ mode: Apply, max: 20 }');
  expect(made.status).toBeUndefined();
  expect(await explain(NAME)).toEqual({ code: 0, stderr: '', stdout: `orders: Pending, how many workers there are is not known yet

No operator has looked at it yet: nothing of what is declared is done. See whether one runs.

scaling.mode Apply: 1 to 20 workers, 75 % busy, at most 10s behind, a backlog gone in 1m.

Now
  nothing was measured yet

Last decisions
  none yet
` }); // prettier-ignore
});

test('a decision is shown with its arithmetic, and the arithmetic gives what was decided', async () => {
  const [before, after] = [await told(2, load(1_400)), await told(2, load(7_000, 60_000))];
  expect([before.sentence, after.status.replicas]).toEqual([null, 11]);
  await say({ replicas: 2, readyReplicas: 2, scaling: before.status, decisions: [] });
  const quiet = await explained();
  expect(quiet).toContain('Now\n  2 workers stay, 2 are needed: 1.4k events/s come, a worker does 1k/s, planned at 75 %\n');
  expect(quiet).toContain('Last decisions\n  none yet\n');

  const sentence = `2026-01-05T09:45:00Z ${after.sentence}`;
  await say({ replicas: 2, readyReplicas: 2, scaling: after.status, decisions: [sentence] });
  const busy = await explained();
  expect(busy).toMatch(/^orders: Running, 2 of 2 workers ready, 11 asked for\n\nThe operator wrote this [\dsm]+ ago/);
  expect(busy).toMatch(/Workers were added last at 20\d\d-/);
  expect(words(busy)).toContain(`Last decisions ${sentence}`);
  // As a person reckons it: what comes at the planned share, and what waits (but for what flows: 2 s of what comes) in its time.
  const [, from, to, perS, each, busyPercent, wait, within] =
    /workers (\d+) → (\d+): ([\d.]+)k events\/s come, a worker does ([\d.]+)k\/s, planned at (\d+) %; ([\d.]+)k wait \([^)]*\), to clear in (\d+)m/.exec(
      words(busy),
    )?.map(Number) ?? [];
  expect([from, perS, each, busyPercent, wait, within]).toEqual([2, 7, 1, 75, 60, 1]);
  expect(Math.ceil((perS ?? 0) / (each ?? 0) / ((busyPercent ?? 0) / 100) + ((wait ?? 0) - 2 * (perS ?? 0)) / (each ?? 0) / (60 * (within ?? 0)))).toBe(to);
}); // prettier-ignore

test('an operator that is down shows by the age of what it said, and by a spec that it has not seen', async () => {
  const { status } = await stored();
  await apply('{ mode: Apply, max: 3 }');
  const text = await explained();
  expect(text).toContain(
    'This is of an earlier spec (generation 1 of 2): no operator has looked at the new one yet.\nThe operator wrote this ',
  );
  expect(text).toContain('scaling.mode Apply: 1 to 3 workers');
  expect((await stored()).status).toEqual(status); // it only looks
});

test('a right that is missing is named', async () => {
  await kubectl('create', 'serviceaccount', 'nobody', '-n', 'demo');
  const token = (await kubectl('create', 'token', 'nobody', '-n', 'demo')).trim();
  const config = `${tmpdir()}/millrace-explain-${process.pid}`;
  await kubectl('config', 'view', '--raw', '-o', 'json').then(async (json) => {
    const limited = JSON.parse(json) as { users: { user: { token: string } }[] };
    for (const { user } of limited.users) user.token = token;
    await writeFile(config, JSON.stringify(limited));
  });
  const { code, stderr } = await runCommand(['explain', NAME, '-n', 'demo', '--kubeconfig', config], { cwd: tmpdir() });
  await rm(config);
  expect([code, stderr]).toEqual([3, expect.stringMatching(/MR1022[\s\S]*cannot get resource "streamjobs"/)]);
});

test('an API server that does not answer is the environment', async () => {
  await server.kill();
  expect(await explain(NAME)).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('MR1021') as string });
});

/** What the controller makes of a load with `replicas` workers, as the operator keeps it. */
async function told(
  replicas: number,
  signals: Signals,
): Promise<{ readonly sentence: string | null; readonly status: NonNullable<StreamJobStatus['scaling']> }> {
  const settings = settingsOf((await stored()).spec.scaling);
  const scene = { nowMs: Date.now(), declared: 1, ready: replicas, podProblem: null, settled: true, partitions: 16 } as const;
  const { sentence, memory, now } = decideScaling(settings, scene, signals, memoryOf({ replicas, declared: 1 }), NO_NEEDS);
  return { sentence, status: statusOfMemory(memory, now) };
}

/** Events of 1 ms of work each. */
function load(perS: number, backlogEvents = 0): Signals {
  return {
    kind: 'known',
    offeredPerS: perS,
    forecastPerS: perS,
    throughPerS: perS,
    offeredWork: perS / 1_000,
    backlogEvents,
    backlogWorkS: backlogEvents / 1_000,
    lagS: backlogEvents / perS,
    busy: 0.7,
    busyMax: 0.7,
    blocked: 0,
    shares: [],
    perWorkerPerS: 1_000,
    takenEver: 1_000,
  };
}

async function apply(scaling: string): Promise<Stored> {
  const text = `apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: ${NAME}, namespace: demo }
spec:
  sources: [{ name: a, nats: { subjects: [in] } }]
  sinks: [{ name: b, from: a, nats: { subject: out } }]
  scaling: ${scaling}
`;
  await kubectlWith(text, 'apply', '--server-side', '-f', '-');
  return stored();
}

async function stored(): Promise<Stored> {
  return JSON.parse(await kubectl('get', 'streamjob', NAME, '-n', 'demo', '-o', 'json')) as Stored;
}

/** What the operator would say of the newest spec. */
async function say(status: StreamJobStatus): Promise<void> {
  const { generation } = (await stored()).metadata;
  const patch = JSON.stringify({ status: { observedGeneration: generation, phase: 'Running', ...status } });
  await kubectl('patch', 'streamjob', NAME, '-n', 'demo', '--subresource=status', '--type=merge', '-p', patch);
}

function explain(...args: readonly string[]): Promise<Ended> {
  return runCommand(['explain', ...args, '-n', 'demo', '--kubeconfig', server.kubeconfig], { cwd: tmpdir() });
}

async function explained(): Promise<string> {
  const { code, stdout, stderr } = await explain(NAME);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

function kubectl(...args: readonly string[]): Promise<string> {
  return kubectlWith(undefined, ...args);
}

async function kubectlWith(input: string | undefined, ...args: readonly string[]): Promise<string> {
  const ended = await server.kubectl(args, input);
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}
