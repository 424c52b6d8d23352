// Real requests: to a server that answers, refuses, breaks off, hangs or is not there; and async functions.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { outsideCaller } from './call-outside.ts';

const TOKEN = 'very-secret-7';
const callOutside = outsideCaller({ TOKEN: `${TOKEN}\n`, BROKEN: 'very\nsecret' });

const server = createServer((request, response) => void serve(request, response));
let base = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', base);
  const json = (value: unknown): void =>
    void response.setHeader('content-type', 'application/json; charset=utf-8').end(JSON.stringify(value));
  if (pathname === '/json') return json({ q: searchParams.get('q'), name: request.headers['x-name'] });
  if (pathname === '/echo') return json({ method: request.method, body: await text(request), type: request.headers['content-type'] });
  if (pathname === '/text') return void response.end('hello');
  if (pathname === '/empty') return void response.writeHead(204).end();
  if (pathname === '/large-id') return void response.setHeader('content-type', 'application/json').end('{"id":9007199254740993}');
  if (pathname === '/large-number') return void response.setHeader('content-type', 'application/json').end('{"n":1e400}');
  if (pathname === '/no-json') return void response.setHeader('content-type', 'application/json').end('{');
  if (pathname === '/large') return void response.end('x'.repeat(2_000_000));
  if (pathname === '/hangs') return;
  if (pathname === '/breaks') return void response.write('ab', () => request.socket.destroy());
  if (pathname === '/away') return void response.writeHead(302, { location: `${base}/header` }).end();
  if (pathname === '/header') return json({ authorization: request.headers['authorization'] ?? null });
  if (pathname === '/tells')
    return void response.writeHead(403).end(`not ${request.headers['authorization']}${' '.repeat(180)}${request.headers['authorization']}`);
  response.writeHead(Number(pathname.slice(1))).end('sorry');
}

async function text(request: IncomingMessage): Promise<string> {
  let all = '';
  for await (const chunk of request) all += String(chunk);
  return all;
}

const get = (path: string, signal = new AbortController().signal) =>
  callOutside({ kind: 'http', url: `${base}${path}`, method: 'GET', headers: { 'x-name': 'n' }, body: null }, signal);

test.each([
  { path: '/json?q=a%20b', gives: { kind: 'answer', value: { q: 'a b', name: 'n' } } },
  { path: '/text', gives: { kind: 'answer', value: 'hello' } },
  { path: '/empty', gives: { kind: 'answer', value: null } },
  { path: '/404', gives: { kind: 'answer', value: null } },
  { path: '/400', gives: { kind: 'failed', again: false, problem: expect.stringContaining('answered 400: sorry') as string } },
  { path: '/403', gives: { kind: 'failed', again: false } },
  { path: '/429', gives: { kind: 'failed', again: true } },
  { path: '/503', gives: { kind: 'failed', again: true, problem: expect.stringContaining('answered 503') as string } },
  { path: '/no-json', gives: { kind: 'failed', again: false, problem: expect.stringContaining('not JSON') as string } },
  { path: '/large-id', gives: { kind: 'answer', value: { id: 9007199254740993n } } },
  {
    path: '/large-number',
    gives: { kind: 'failed', again: false, problem: expect.stringContaining('the number 1e400 is beyond') as string },
  },
  { path: '/large', gives: { kind: 'failed', again: false, problem: expect.stringContaining('more than 1048576 bytes') as string } },
  { path: '/breaks', gives: { kind: 'failed', again: true, problem: expect.stringContaining('cannot be asked') as string } },
])('GET $path', async ({ path, gives }) => {
  expect(await get(path)).toMatchObject(gives);
});

test('POST sends its body as JSON', async () => {
  const headers = { 'content-type': 'application/json' };
  const asked = callOutside({ kind: 'http', url: `${base}/echo`, method: 'POST', headers, body: '{"id":1}' }, new AbortController().signal);
  expect(await asked).toEqual({ kind: 'answer', value: { method: 'POST', body: '{"id":1}', type: 'application/json' } });
});

test('a server that is not there, and one that hangs until the signal', async () => {
  const url = 'http://127.0.0.1:1/';
  const asked = callOutside({ kind: 'http', url, method: 'GET', headers: {}, body: null }, new AbortController().signal);
  expect(await asked).toMatchObject({
    kind: 'failed',
    again: true,
    problem: expect.stringMatching(/127\.0\.0\.1:1 cannot be asked/) as string,
  });
  const ends = new AbortController();
  const hanging = get('/hangs', ends.signal);
  ends.abort();
  expect(await hanging).toMatchObject({ kind: 'failed', again: true });
});

test.each([
  { fact: 'its value', code: () => Promise.resolve({ a: 1n }), gives: { kind: 'answer', value: { a: 1n } } },
  { fact: 'undefined is no answer: null', code: () => undefined, gives: { kind: 'answer', value: null } },
  { fact: 'a function is no data', code: () => () => 1, gives: { kind: 'failed', again: false } },
  {
    fact: 'what it throws, with its stack',
    code: () => Promise.reject(new TypeError('away')),
    gives: {
      kind: 'failed',
      again: true,
      problem: 'TypeError: away',
      stack: expect.stringContaining('call-outside.integration.test') as string,
    },
  },
])('an async function: $fact', async ({ code, gives }) => {
  expect(await callOutside({ kind: 'code', code, event: {}, key: 'k' }, new AbortController().signal)).toMatchObject(gives);
});

test.each([
  { path: '/header', env: 'TOKEN', gives: { kind: 'answer', value: { authorization: `Bearer ${TOKEN}` } } },
  {
    path: '/tells',
    env: 'TOKEN',
    gives: { kind: 'failed', again: false, problem: expect.stringMatching(/answered 403: not Bearer \*\*\* +B/) as string },
  },
  { path: '/away', env: 'TOKEN', gives: { kind: 'failed', again: false, problem: expect.stringContaining('answered 302') as string } },
  {
    path: '/header',
    env: 'MISSING',
    gives: { kind: 'failed', again: false, problem: 'the header authorization needs the variable MISSING, which this worker has not' },
  },
  { path: '/header', env: 'BROKEN', gives: { kind: 'failed', again: false, problem: expect.stringContaining('line breaks') as string } },
])('a secret header goes to $path from $env, and into no problem', async ({ path, env, gives }) => {
  const secrets = { authorization: { env, prefix: 'Bearer ' } };
  const question = { kind: 'http', url: `${base}${path}`, method: 'GET', headers: {}, body: null, secrets } as const;
  const tried = await callOutside(question, new AbortController().signal);
  expect(tried).toMatchObject(gives);
  if (tried.kind === 'failed') expect(tried.problem).not.toMatch(/very/);
});
