// Credentials that change under a connection, on a real server.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accountNamed, startKeyedServer, type KeyedServer } from '../../../operator/nats/keyed-server-harness.ts';
import { accountOf, makeNatsKeys, userCredentials } from '../../../operator/nats/nats-keys.ts';
import { replaceFile } from '../../../test/support/replaced-file.ts';
import { Link } from './link.ts';
import { connectNats } from './nats-connection.ts';

const BACK = { timeout: 60_000 };
let folder: string;
let path: string;
let server: KeyedServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-credentials-'));
  path = join(folder, 'nats.creds');
  server = await startKeyedServer({ durability: 'process' });
  await server.operator('shop'); // until JetStream knows the account
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const put = (text: string): Promise<void> => replaceFile(path, text);

async function restart(): Promise<void> {
  await server.kill();
  await server.start();
}

const of = (seed: string): Promise<string> => userCredentials(seed, 'somebody', { pub: {}, sub: {} });

test('a file without credentials is told before anybody is asked', async () => {
  await put('nothing');
  await expect(connectNats({ url: server.url, name: 'test', credentials: path })).rejects.toThrow(
    /^MR1001 .*nats\.creds: credentials have a token and a seed/,
  );
});

test('those of before are tried when the file holds none; who is refused says so, and is let in again with the right ones', async () => {
  const { seed } = await server.account('shop');
  await put(await of(seed));
  const connection = await connectNats({ url: server.url, name: 'test', credentials: path });
  const link = Link.of(connection);
  const ups: boolean[] = [];
  link.listen((up) => ups.push(up));

  await put('nothing');
  await restart();
  await expect.poll(() => ups, BACK).toEqual([false, true]);

  const stranger = accountOf((await makeNatsKeys())['operator.seed'], accountNamed('shop'));
  await put(await of(stranger.seed));
  await restart();
  const refused = 'not connected: the server refuses the credentials (Authorization Violation)';
  await expect.poll(() => link.downReason, BACK).toBe(refused);
  expect(await link.request('any', '', { timeoutMs: 1_000 })).toEqual({ kind: 'down', reason: refused });

  await put(await of(seed));
  await expect.poll(() => link.up, BACK).toBe(true);
  expect(link.downReason).toBe('not connected');
  await connection.close();
});
