// The operator's HTTP side against those who ask and do not read.

import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startHealthServer } from './health-server.ts';

/** Many times longer than who reads slowly pauses: a machine that stalls for seconds is not one that does not read. */
const IDLE_MS = 4_000;
const PAUSE_MS = IDLE_MS / 16;
const PIECE_BYTES = 2 ** 20;
const PAGE = { type: 'text/plain', body: 'x'.repeat(32 * PIECE_BYTES) }; // more than a connection holds, by far

/** `accepted`: the server's end of the first connection. */
async function started(metrics = () => PAGE): Promise<{ readonly port: number; readonly accepted: Promise<Socket> }> {
  const server = await startHealthServer({ port: 0, notReady: () => null, metrics, idleMs: IDLE_MS });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const accepted = once(server, 'connection').then(([socket]: unknown[]) => socket as Socket);
  return { port: (server.address() as AddressInfo).port, accepted };
}

test('who asks and reads nothing is let go, and others are answered meanwhile and behind it', async () => {
  const { port, accepted } = await started();
  const slow = connect(port, '127.0.0.1');
  onTestFinished(() => void slow.destroy());
  await once(slow, 'connect');
  slow.pause().write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
  const letGo = once(await accepted, 'close');
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  await letGo;
  const read = await drained(slow); // what had come before it was let go, and then the end of it
  expect(read).toBeLessThan(PAGE.body.length);
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toBe(PAGE.body);
});

test('who reads slowly, but reads, gets all of it', async () => {
  const { port } = await started();
  const slow = connect(port, '127.0.0.1');
  onTestFinished(() => void slow.destroy());
  await once(slow, 'connect');
  slow.write('GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  let read = 0;
  for await (const bytes of slow) {
    const before = read;
    read += (bytes as Buffer).length;
    const isPiece = Math.floor(before / PIECE_BYTES) !== Math.floor(read / PIECE_BYTES);
    if (isPiece) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  expect(read).toBeGreaterThan(PAGE.body.length);
});

test('who sends a thousand requests at once, and waits for no answer, has one page made', async () => {
  let made = 0;
  const { port } = await started(() => {
    made++;
    return { type: 'text/plain', body: 'page' };
  });
  const hasty = connect(port, '127.0.0.1');
  onTestFinished(() => void hasty.destroy());
  await once(hasty, 'connect');
  hasty.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000));
  await drained(hasty);
  expect(made).toBe(1);
});

/** Reads to the end of it, however it ends. */
async function drained(socket: Socket): Promise<number> {
  let read = 0;
  socket.on('data', (bytes) => (read += bytes.length)).on('error', () => undefined);
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
  return read;
}
