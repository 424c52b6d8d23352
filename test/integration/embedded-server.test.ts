// The server of a local run, with a real nats-server: its life, its folder, and what is left when someone is killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startEmbeddedServer, type EmbeddedServer } from '../../cli/local/embedded-server.ts';
import { isError, type ErrorCode } from '../../runtime/base/errors.ts';
import { isRunning, parentOf, untilEnded } from '../support/processes.ts';

const endTimeoutMs = 10_000;
let folder = '';
let opened: EmbeddedServer[] = [];
let children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-embedded-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(opened.map((server) => server.stop()));
  opened = [];
  children = [];
  await rm(folder, { recursive: true, force: true });
});

test('what was stored is there again after a stop and a start', async () => {
  const first = await open();
  await withManager(first.url, async (manager) => void (await manager.streams.add({ name: 'KEPT', subjects: ['kept'] })));
  await first.stop();
  expect(isRunning(first.pid)).toBe(false);
  const second = await open();
  expect(await streamNames(second.url)).toEqual(['KEPT']);
});

test('the server takes records of 8 MB', async () => {
  const server = await open();
  const connection = await connect({ servers: server.url });
  expect(connection.info?.max_payload).toBe(8 * 1024 * 1024);
  await connection.close();
});

test('a second run in the same folder is refused, and the first goes on', async () => {
  const first = await open();
  const error = await failure(open({ job: 'flights' }), 'MR1006');
  expect(error.message).toContain(`job flights is already run by process ${process.pid} (its NATS is ${first.url})`);
  expect(await streamNames(first.url)).toEqual([]);
});

test('of ten that start at the same moment one gets the folder', async () => {
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => open()));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'MR1006' });
});

test('a server that is killed comes back on the same port', async () => {
  const server = await open();
  const before = server.pid;
  process.kill(before, 'SIGKILL');
  await untilEnded(before, endTimeoutMs);
  await vi.waitFor(async () => expect(await streamNames(server.url)).toEqual([]), { timeout: endTimeoutMs });
  expect(server.pid).not.toBe(before);
});

test('the server ends when the process that started it is killed, and the folder is free again', async () => {
  const held = await hold();
  held.child.kill('SIGKILL');
  await once(held.child, 'exit');
  const next = await open();
  expect(isRunning(held.serverPid)).toBe(false);
  expect(await streamNames(next.url)).toEqual([]);
});

test('a server that lost its supervisor too is ended by the next run', async () => {
  const held = await hold();
  process.kill(parentOf(held.serverPid), 'SIGKILL');
  held.child.kill('SIGKILL');
  await once(held.child, 'exit');
  expect(isRunning(held.serverPid), 'without its supervisor it goes on').toBe(true);
  const next = await open();
  expect(isRunning(held.serverPid)).toBe(false);
  expect(await streamNames(next.url)).toEqual([]);
});

test('a stop ends the server even when its supervisor was killed', async () => {
  const server = await open();
  const supervisor = parentOf(server.pid);
  process.kill(supervisor, 'SIGKILL');
  await server.ended;
  await server.stop();
  expect(isRunning(server.pid)).toBe(false);
});

test('a run that is alive in another process holds its folder', async () => {
  const held = await hold();
  const error = await failure(open(), 'MR1006');
  expect(error.message).toContain(`process ${held.child.pid} (its NATS is ${held.url})`);
});

test('a folder that can not be one is named', async () => {
  await writeFile(join(folder, 'data'), 'a file');
  await failure(open(), 'MR1001');
});

test('without a nats-server the error says what was tried', async () => {
  vi.stubEnv('MILLRACE_NATS_SERVER', join(folder, 'nothing'));
  const error = await failure(open(), 'MR1002');
  expect(error.message).toContain(`$MILLRACE_NATS_SERVER: ${join(folder, 'nothing')} is no nats-server that runs here`);
});

test('a server that cannot start is told with what its log says', async () => {
  const first = await open();
  const port = Number(new URL(first.url).port);
  const error = await failure(startEmbeddedServer({ dataDir: join(folder, 'other'), durability: 'process', port }), 'MR1005');
  expect(error.message).toContain('address already in use');
});

async function open(options: { readonly job?: string } = {}): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ dataDir: join(folder, 'data'), durability: 'machine', ...options });
  opened.push(server);
  return server;
}

async function hold(): Promise<{ readonly child: ChildProcess; readonly serverPid: number; readonly url: string }> {
  const program = resolve(import.meta.dirname, '../support/hold-server.ts');
  const child = spawn(process.execPath, [program, join(folder, 'data')], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => [Buffer.from('"it ended"')])])) as [
    Buffer,
  ];
  return { child, ...(JSON.parse(line.toString()) as { serverPid: number; url: string }) };
}

async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<Error> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!isError(error, code)) throw error;
  return error;
}

async function streamNames(url: string): Promise<string[]> {
  let names: string[] = [];
  await withManager(url, async (manager) => {
    for await (const name of manager.streams.names()) names = [...names, name];
  });
  return names;
}

async function withManager(url: string, use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<void>): Promise<void> {
  const connection = await connect({ servers: url, reconnect: false, timeout: 2000 });
  try {
    await use(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}
