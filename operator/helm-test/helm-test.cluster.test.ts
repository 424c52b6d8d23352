// The program of `helm test` against a real API server; the part of the operator, who says how the job is, is played by hand.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../../test/support/api-server.ts';
import { applyDefinitions } from '../../test/support/definitions.ts';

type Ended = { readonly code: number | null; readonly output: string };

const name = 'it-millrace-test';
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
  await kubectl(['create', 'namespace', 'here']);
});
afterAll(() => server?.stop());

test('without the definition of StreamJobs it says so', async () => {
  const ended = await start().ended;
  expect(ended.output).toMatch(/FAILED: StreamJob here\/it-millrace-test was not made/);
  expect(ended.code).toBe(1);
});

test('it passes when the job completes, and leaves nothing behind', async () => {
  await applyDefinitions(server);
  const run = start();
  await say('Running', 'False', 'Starting');
  await say('Completed', 'True', 'Completed');
  const ended = await run.ended;
  expect(ended.output).toMatch(/is made\n[\s\S]*is gone\n.*passed\n$/);
  expect(ended.code).toBe(0);
  expect(await kubectl(['get', 'streamjobs', '--all-namespaces', '-o', 'name'])).toBe('');
});

test('it fails when the job fails, with the reason, and leaves the job to be looked at; the next test begins anew', async () => {
  const run = start();
  await say('Failed', 'False', 'NoSuchFile');
  const ended = await run.ended;
  expect(ended.output).toContain('FAILED: the job has failed: NoSuchFile: said by hand');
  expect(ended.output).toContain(`kubectl --namespace here describe streamjob ${name}`);
  expect(ended.code).toBe(1);
  const left = await uid();
  const next = start();
  await expect.poll(() => uid(), { timeout: 90_000 }).not.toBe(left);
  await say('Completed', 'True', 'Completed');
  expect((await next.ended).code).toBe(0);
});

test('it does not wait for ever, and says what it waited for', async () => {
  const ended = await start({ MILLRACE_TEST_TIMEOUT_SECONDS: '2' }).ended;
  expect(ended.output).toContain('FAILED: not completed after 2 s; last: the operator has not said anything about the job yet');
  expect(ended.code).toBe(1);
});

function start(environment: Readonly<Record<string, string>> = {}): { readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      KUBECONFIG: server.kubeconfig,
      MILLRACE_TEST_NAMESPACE: 'here',
      MILLRACE_TEST_JOB: name,
      MILLRACE_TEST_CONFIG_MAP: 'words',
      MILLRACE_TEST_TIMEOUT_SECONDS: '300',
      ...environment,
    },
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const read = async (): Promise<Ended> => {
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await code, output: output + errors };
  };
  return { ended: read() };
}

/** Writes the status of the test's job, as soon as it is there. */
async function say(phase: string, ready: 'True' | 'False', reason: string): Promise<void> {
  await expect.poll(() => uid(), { timeout: 90_000 }).not.toBeNull();
  const condition = {
    type: 'Ready',
    status: ready,
    observedGeneration: 1,
    reason,
    message: 'said by hand',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const status = { observedGeneration: 1, phase, conditions: [condition] };
  await kubectl([
    'patch',
    'streamjob',
    name,
    '--namespace=here',
    '--subresource=status',
    '--type=merge',
    `--patch=${JSON.stringify({ status })}`,
  ]);
}

async function uid(): Promise<string | null> {
  const ended = await server.kubectl(['get', 'streamjob', name, '--namespace=here', '-o', 'jsonpath={.metadata.uid}']);
  return ended.code === 0 ? ended.stdout : null;
}

async function kubectl(args: readonly string[]): Promise<string> {
  const ended = await server.kubectl(args);
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}
