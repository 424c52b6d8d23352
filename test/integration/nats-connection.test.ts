// What a person is told about a NATS server that cannot be used: MR1001, MR1003, MR1004, MR1005.

import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { findNatsServer } from '../../cli/setup/nats-server.mjs';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { startTestServer } from '../support/nats.ts';

test('a good server is connected', async () => {
  const server = await startTestServer();
  const connection = await connectNats({ url: server.url, name: 'test' });
  expect(connection.info?.jetstream).toBe(true);
  await connection.close();
  await server.stop();
});

test('MR1003 nobody at that address; a password in it is not told on', async () => {
  const port = await new Promise<number>((resolve) => {
    const taken = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = taken.address() as { port: number };
      taken.close(() => resolve(free));
    });
  });
  const connecting = connectNats({ url: `nats://me:secret@127.0.0.1:${port}`, name: 'test' });
  await expect(connecting).rejects.toMatchObject({ code: 'MR1003', data: { url: `nats://127.0.0.1:${port}` } });
});

test('MR1001 credentials that cannot be read', async () => {
  await expect(connectNats({ url: 'nats://127.0.0.1:1', name: 'test', credentials: '/no/such.creds' })).rejects.toMatchObject({
    code: 'MR1001',
  });
});

test('MR1004 a server that is too old', async () => {
  const old = await oldServer('2.10.29');
  await expect(connectNats({ url: old.url, name: 'test' })).rejects.toMatchObject({
    code: 'MR1004',
    data: { version: '2.10.29', minimum: '2.15.2' },
  });
  await old.stop();
});

test('MR1005 a server without JetStream', async () => {
  const plain = await plainServer();
  await expect(connectNats({ url: plain.url, name: 'test' })).rejects.toMatchObject({ code: 'MR1005' });
  await plain.stop();
});

type Started = { readonly url: string; stop(): Promise<void> };

/** Speaks just enough of the protocol to be connected to. */
function oldServer(version: string): Promise<Started> {
  return new Promise((resolve) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write(`INFO ${JSON.stringify({ server_id: 'old', version, proto: 1, headers: true, max_payload: 1_048_576 })}\r\n`);
      socket.on('data', (bytes) => {
        if (bytes.includes('PING')) socket.write('PONG\r\n');
      });
    }).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      resolve({ url: `nats://127.0.0.1:${port}`, stop: () => new Promise((ended) => void server.close(() => ended())) });
    });
  });
}

/** A nats-server as it starts without any option: no JetStream. */
async function plainServer(): Promise<Started> {
  const child = spawn(findNatsServer().path, ['-a', '127.0.0.1', '-p', '-1'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const port = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.stderr.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const [, found] = /client connections on 127\.0\.0\.1:(\d+)/.exec(said) ?? [];
      if (found !== undefined && said.includes('Server is ready')) resolve(found);
    });
  });
  const stop = (): Promise<void> =>
    new Promise((ended) => {
      child.once('exit', () => ended());
      child.kill('SIGKILL');
    });
  return { url: `nats://127.0.0.1:${port}`, stop };
}
