// HTTP as servers and networks do it: late, half, silent, closing just now. A real HTTP server plays the API server.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { KubeConnection } from './kube-config.ts';
import { type HttpAnswer, KubeTransport, type LineStream } from './kube-transport.ts';

type Served = (request: IncomingMessage, response: ServerResponse) => void;

const toStop: (() => void)[] = [];
afterEach(() => {
  for (const stop of toStop.splice(0)) stop();
});

const version = { method: 'GET', path: '/version', timeoutMs: 60_000 } as const;

test('an answer comes whole, with what it asks to wait', async () => {
  const { transport } = await serve((_, response) => response.writeHead(429, { 'retry-after': '3' }).end('"much"'));
  expect(await transport.send(version)).toEqual({ kind: 'answer', status: 429, retryAfterMs: 3_000, text: '"much"' });
});

test('a request carries who we are, what it is, and its query', async () => {
  const { transport } = await serve((request, response) => {
    const { authorization, 'content-type': type } = request.headers;
    request.on('data', (body: Buffer) => response.end(JSON.stringify([request.method, request.url, authorization, type, body.toString()])));
  });
  const request = { method: 'PATCH', path: '/x', query: { a: 'b&c' }, contentType: 'application/y', body: 'ä', timeoutMs: 60_000 } as const;
  expect(await transport.send(request)).toMatchObject({ text: '["PATCH","/x?a=b%26c","Bearer t","application/y","ä"]' });
});

test.each<{ fact: string; served: Served; reason: string; timeoutMs?: number }>([
  { fact: 'no answer', served: () => undefined, reason: 'no answer within 300 ms', timeoutMs: 300 },
  { fact: 'half an answer', served: (_, response) => void response.write('{"half'), reason: 'no answer within 300 ms', timeoutMs: 300 },
  {
    fact: 'an answer that is cut',
    served: (_, response) => {
      response.write('{"half');
      setTimeout(() => response.destroy(), 20);
    },
    reason: 'aborted',
  },
])('$fact is silence', async ({ served, reason, timeoutMs = version.timeoutMs }) => {
  const { transport } = await serve(served);
  expect(await transport.send({ ...version, timeoutMs })).toMatchObject({ kind: 'silence', reason });
});

test('a call that is given up ends at once', async () => {
  const { transport } = await serve(() => undefined);
  const giveUp = new AbortController();
  setTimeout(() => giveUp.abort(), 20);
  const startMs = performance.now();
  const answer = await transport.send({ ...version, signal: giveUp.signal });
  expect(answer).toMatchObject({ kind: 'silence', reason: 'the call was given up' });
  expect(performance.now() - startMs).toBeLessThan(version.timeoutMs / 2);
});

test('a read on a connection that the server just closed is sent once more, a write is not', async () => {
  let nth = 0;
  const { transport } = await serve((request, response) => {
    if (++nth % 2 === 1) response.end('{}');
    else request.socket.destroy();
  });
  await transport.send(version);
  expect(await transport.send(version)).toMatchObject({ kind: 'answer', status: 200 });
  expect(await transport.send({ ...version, method: 'POST' })).toMatchObject({ kind: 'silence' });
  expect(nth).toBe(4);
});

test('credentials that cannot be read are silence, and are read again', async () => {
  let canRead = false;
  const { transport } = await serve((_, response) => response.end('{}'), {
    credentials: () => (canRead ? Promise.resolve({ headers: {} }) : Promise.reject(new Error('no token yet'))),
  });
  expect(await transport.send(version)).toMatchObject({ kind: 'silence', reason: 'no token yet' });
  canRead = true;
  expect(await transport.send(version)).toMatchObject({ kind: 'answer', status: 200 });
});

test('a stream gives whole lines, however they are cut', async () => {
  const { transport } = await serve((_, response) => {
    const bytes = Buffer.from('{"a":"ä"}\n\n{"b":2}\n{"half');
    bytes.forEach((_byte, at) => setTimeout(() => response.write(bytes.subarray(at, at + 1)), at));
    setTimeout(() => response.end(), bytes.length + 20);
  });
  const stream = await transport.stream(version, 60_000);
  expect(await linesOf(stream)).toEqual(['{"a":"ä"}', '', '{"b":2}']);
});

test('a stream that falls silent ends with an error', async () => {
  const { transport } = await serve((_, response) => void response.write('one\n'));
  const stream = await transport.stream(version, 50);
  await expect(linesOf(stream)).rejects.toThrow('nothing came for 50 ms');
});

test('a stream outlives the deadline of its beginning', async () => {
  const { transport } = await serve((_, response) => {
    response.write('one\n');
    setTimeout(() => response.end('two\n'), 6_000);
  });
  const stream = await transport.stream({ ...version, timeoutMs: 5_000 }, 60_000);
  expect(await linesOf(stream)).toEqual(['one', 'two']);
});

test('a stream that is refused is an answer', async () => {
  const { transport } = await serve((_, response) => response.writeHead(410).end('gone'));
  expect(await transport.stream(version, 60_000)).toEqual({ kind: 'answer', status: 410, retryAfterMs: null, text: 'gone' });
});

async function linesOf(stream: LineStream | HttpAnswer): Promise<readonly string[]> {
  const lines: string[] = [];
  if (stream.kind === 'lines') for await (const line of stream.lines) lines.push(line);
  return lines;
}

async function serve(served: Served, more: Partial<KubeConnection> = {}): Promise<{ readonly transport: KubeTransport }> {
  const server = createServer(served);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const transport = new KubeTransport({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: 'default',
    inCluster: false,
    credentials: () => Promise.resolve({ headers: { authorization: 'Bearer t' } }),
    ...more,
  });
  toStop.push(() => {
    transport.close();
    server.closeAllConnections();
    server.close();
  });
  return { transport };
}
