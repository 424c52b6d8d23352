// How often a server in trouble is asked. A real HTTP server plays an API server that refuses, or ends what it begins.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ports } from './kube-harness.ts';
import { KubeClient } from './kube-client.ts';
import { KubeTransport } from './kube-transport.ts';
import { Reflector } from './reflector.ts';
import { resources } from './resource.ts';

type Asked = 'list' | 'watch';
type Play = (asked: Asked, response: ServerResponse, nth: number) => void;

const toStop: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
});

const empty = JSON.stringify({ kind: 'ConfigMapList', metadata: { resourceVersion: '5' }, items: [] });
const status = (code: number, reason: string): string => JSON.stringify({ kind: 'Status', code, reason, message: 'so it is' });
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

test.each<{ fact: string; play: Play; health: object }>([
  {
    fact: 'watches that end at once',
    play: (asked, response) => response.end(asked === 'list' ? empty : ''),
    health: { synced: true, lists: 1, cuts: 0, problem: 'watches end at once' },
  },
  {
    fact: 'watches that end with an error',
    play: (asked, response) => response.end(asked === 'list' ? empty : line('ERROR', { code: 500, reason: 'Internal', message: 'etcd' })),
    health: { synced: true, lists: 1, problem: 'the API server does not answer: 500 Internal: etcd' },
  },
  {
    fact: 'places in history that are always gone',
    play: (asked, response) => void (asked === 'list' ? response.end(empty) : response.writeHead(410).end(status(410, 'Expired'))),
    health: { synced: true, cuts: 0 },
  },
  {
    fact: 'a server that cannot',
    play: (_, response) => void response.writeHead(503).end(status(503, 'ServiceUnavailable')),
    health: { synced: false, watches: 0, problem: 'the API server does not answer: 503 ServiceUnavailable: so it is' },
  },
  {
    fact: 'a server that will not',
    play: (_, response) => void response.writeHead(403).end(status(403, 'Forbidden')),
    health: { synced: false, watches: 0, problem: 'refused (403 Forbidden): so it is' },
  },
])('$fact: it is asked again, less and less often', async ({ play, health }) => {
  const { reflector, asked } = await playServer(play);
  await sleep(2_000);
  await expect.poll(() => reflector.health()).toMatchObject(health);
  // 20, 40, 80 … 1,280 ms, or half of each; twice when each round lists and watches.
  expect(asked.length).toBeGreaterThanOrEqual(5);
  expect(asked.length).toBeLessThanOrEqual(20);
});

test('a server that asks for patience is not asked before', async () => {
  const { reflector, askedMs } = await playServer((asked, response, nth) => {
    if (nth === 0) response.writeHead(429, { 'retry-after': '1' }).end(status(429, 'TooManyRequests'));
    else if (asked === 'list') response.end(empty);
    else response.flushHeaders();
  });
  await reflector.synced;
  expect((askedMs[1] ?? 0) - (askedMs[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

test('bookmarks move the place from which a cut watch goes on', async () => {
  const bookmark = line('BOOKMARK', { metadata: { resourceVersion: '77' } });
  const { reflector, asked } = await playServer((what, response, nth) => {
    if (what === 'list') response.end(empty);
    else if (nth === 1) response.end(bookmark);
    else response.flushHeaders();
  });
  await expect.poll(() => asked.length).toBe(3);
  const [list, first, second] = asked.map((url) => new URL(url, 'http://x').searchParams);
  expect(list?.get('limit')).toBe('500');
  expect(Object.fromEntries(first ?? [])).toMatchObject({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '5' });
  expect(Number(first?.get('timeoutSeconds'))).toBeGreaterThanOrEqual(240);
  expect(second?.get('resourceVersion')).toBe('77');
  await expect.poll(() => reflector.health()).toMatchObject({ lists: 1, watches: 2 });
});

type Played = { readonly reflector: Reflector; readonly asked: readonly string[]; readonly askedMs: readonly number[] };

async function playServer(play: Play): Promise<Played> {
  const asked: string[] = [];
  const askedMs: number[] = [];
  const server = createServer(({ url = '' }: IncomingMessage, response) => {
    askedMs.push(performance.now());
    play(url.includes('watch=true') ? 'watch' : 'list', response, asked.push(url) - 1);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const transport = new KubeTransport({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: 'default',
    inCluster: false,
    credentials: () => Promise.resolve({ headers: {} }),
  });
  const client = new KubeClient({ transport });
  const reflector = new Reflector({ ...ports, client, resource: resources.configMaps, scope: { kind: 'cluster' } });
  reflector.start();
  toStop.push(async () => {
    await reflector.stop();
    transport.close();
    server.closeAllConnections();
    server.close();
  });
  return { reflector, asked, askedMs };
}
