// What answers on a port: a nats-server with JetStream, one without, something else, nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import { greet } from '../../cli/local/server-greeting.ts';
import { freePort } from '../../cli/local/server-process.ts';
import { findNatsServer } from '../../cli/setup/nats-server.mjs';
import { startTestServer } from '../support/nats.ts';

const timeoutMs = 1000;

test('a server with JetStream says so, with its name and version', async () => {
  const server = await startTestServer();
  try {
    expect(await greet(server.port, timeoutMs)).toMatchObject({ version: findNatsServer().version, hasJetStream: true });
  } finally {
    await server.stop();
  }
  expect(await greet(server.port, timeoutMs)).toBeNull();
});

test('a server that is killed and started again answers on the same port', async () => {
  const server = await startTestServer();
  try {
    await server.kill();
    expect(await greet(server.port, timeoutMs)).toBeNull();
    expect(server.pid).toBe(0);
    await server.restart();
    expect(await greet(server.port, timeoutMs)).toMatchObject({ hasJetStream: true });
  } finally {
    await server.stop();
  }
});

test('a server without JetStream is known as such', async () => {
  const port = await freePort();
  const child = spawn(findNatsServer().path, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  try {
    await vi.waitFor(async () => expect(await greet(port, timeoutMs)).toMatchObject({ hasJetStream: false }), { timeout: 90_000 });
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

test.each([
  { fact: 'a server of another protocol is none', banner: 'SSH-2.0-OpenSSH_9.0\r\n' },
  { fact: 'one that says nothing is none', banner: '' },
])('$fact', async ({ banner }) => {
  const other = createServer((socket) => void socket.on('error', () => {}).write(banner)).listen(0, '127.0.0.1');
  await once(other, 'listening');
  try {
    const address = other.address();
    expect(await greet(typeof address === 'object' && address !== null ? address.port : 0, 300)).toBeNull();
  } finally {
    other.close();
  }
});
