// The directory on a real server: what is told, over restarts, deletions and a bucket that is made anew.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/nats.ts';
import { attachDirectory, deleteDirectory, findDirectory, openBus, openDirectory } from './directory.ts';
import { connectNats } from './nats-connection.ts';

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

/** Changes as `key=value` or `-key`, and a way to wait for one. */
async function watching(job: string): Promise<{ told: string[]; until: (what: string) => Promise<void>; stop: () => Promise<void> }> {
  const told: string[] = [];
  const directory = await openDirectory(connection, job);
  const stop = await directory.watch((key, entry) => told.push(entry === null ? `-${key}` : `${key}=${JSON.stringify(entry.value)}`));
  const until = (what: string): Promise<void> => expect.poll(() => told, { timeout: 90_000 }).toContain(what);
  return { told, until, stop };
}

test('a value is there at once for whoever asks; revisions guard it', async () => {
  const directory = await openDirectory(connection, 'values');
  expect(await directory.get('a')).toBeNull();
  expect(await directory.update('a', { n: 1 }, 7)).toBeNull();
  const first = await directory.update('a', { n: 1 }, 0);
  expect(first).toBeGreaterThan(0);
  expect(await directory.update('a', { n: 2 }, 0)).toBeNull();
  expect(await directory.update('a', { n: 2 }, first!)).toBeGreaterThan(first!);
  expect((await directory.get('a'))?.value).toEqual({ n: 2 });
  await directory.delete('a');
  expect(await directory.get('a')).toBeNull();
  expect(await directory.update('a', { n: 3 }, 0), 'a deleted key can be made again').toBeGreaterThan(0);
});

test('a watcher gets what is there, then every change, and goes on over a restart of the server', async () => {
  const directory = await openDirectory(connection, 'restarts');
  await directory.put('before', 1);
  const { told, until, stop } = await watching('restarts');
  await until('before=1');
  await directory.put('after', 2);
  await directory.delete('before');
  await until('-before');
  await server.kill();
  await server.restart();
  await expect
    .poll(
      () =>
        directory.put('later', 3).then(
          () => true,
          () => false,
        ),
      { timeout: 90_000 },
    )
    .toBe(true);
  await until('later=3');
  expect(told).toEqual(['before=1', 'after=2', '-before', 'later=3']);
  await stop();
});

test('a bucket that goes is told key by key, one that comes back is told from its start', async () => {
  const directory = await openDirectory(connection, 'anew');
  await directory.put('old', 1);
  await directory.put('kept', 1);
  const { told, until, stop } = await watching('anew');
  await until('kept=1');
  await deleteDirectory(connection, 'anew');
  const again = await openDirectory(connection, 'anew');
  await again.put('kept', 2);
  await until('kept=2');
  expect(told.indexOf('-old')).toBeGreaterThan(0);
  expect(told.indexOf('-old')).toBeLessThan(told.indexOf('kept=2'));
  await stop();
});

test('who only attaches waits until somebody made it, and finds none where there is none', async () => {
  expect(await findDirectory(connection, 'nobody')).toBeNull();
  const waits: string[] = [];
  const abort = new AbortController();
  const attached = attachDirectory(connection, 'nobody', { signal: abort.signal, onWait: (problem) => waits.push(problem) });
  await expect.poll(() => waits).toEqual(['the directory of job nobody is not there yet']);
  await (await openDirectory(connection, 'nobody')).put('job', 7);
  expect((await (await attached)?.get('job'))?.value).toBe(7);
  const given = attachDirectory(connection, 'none', { signal: abort.signal, onWait: () => undefined });
  abort.abort();
  expect(await given).toBeNull();
});

test('whether anybody listens on a topic: the server says so of a connection that closed, and nothing is known behind a restart', async () => {
  const bus = openBus(connection, 'heard');
  expect(await bus.isHeard('alive.w')).toBe(false);
  const other = await connectNats({ url: server.url, name: 'listener' });
  openBus(other, 'heard').subscribe('alive.w', () => undefined);
  await other.flush();
  expect(await bus.isHeard('alive.w'), 'who listens says nothing').toBeNull();
  await other.close();
  await expect.poll(() => bus.isHeard('alive.w'), { timeout: 90_000 }).toBe(false);
  const afterwards = (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') return bus.isHeard('alive.w');
    return 'closed';
  })();
  await server.kill();
  await server.restart();
  expect(await afterwards, 'others may not be back yet').toBeNull();
  await expect.poll(() => bus.isHeard('alive.w'), { timeout: 90_000 }).toBe(false);
});
