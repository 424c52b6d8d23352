// A reflector and a real API server: nothing is lost by cut connections, forgotten history, a killed server, missing rights.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../../test/support/api-server.ts';
import type { KubeClient } from './kube-client.ts';
import { clientOf, configMap, must, ports, spread } from './kube-harness.ts';
import type { AnyObject, AppliedObject } from './kube-object.ts';
import { Reflector, type ReflectorEvent, type ReflectorOptions } from './reflector.ts';
import { resources } from './resource.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy-harness.ts';

const { configMaps } = resources;
/** Of connections that watch. */
const CUTS = 12;
const WRITES_MIN = 210;
let server: ApiServer;
let client: KubeClient;
const toStop: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startApiServer();
  client = await clientOf(server);
});
afterAll(() => server?.stop());
afterEach(async () => {
  for (const one of toStop.splice(0).reverse()) await one.stop();
});

test('it tells what is there, then each change with what was before, then the end, and keeps no managedFields', async () => {
  await namespace('story');
  must(await client.apply(configMaps, configMap('before', { a: '1' }, 'story')));
  const { reflector, events } = reflect({ client, scope: only('story') });
  await reflector.synced;
  must(await client.apply(configMaps, configMap('later', { a: '1' }, 'story')));
  must(await client.apply(configMaps, configMap('later', { a: '2' }, 'story')));
  must(await client.delete(configMaps, { namespace: 'story', name: 'before' }));
  await expect.poll(() => events.map(told)).toEqual(['added before 1', 'added later 1', 'changed later 1→2', 'deleted before 1']);
  const [later] = reflector.list('story');
  expect(later?.metadata.name).toBe('later');
  expect(later?.metadata).not.toHaveProperty('managedFields');
  expect(reflector.get('story', 'later')).toBe(later);
  await expect
    .poll(() => reflector.health())
    .toMatchObject({ synced: true, objects: 1, lists: 1, watches: 1, cuts: 0, handlerErrors: 0, problem: null });
});

test('a handler that throws hurts no other; who subscribes late hears of what is there', async () => {
  await namespace('throws');
  const { reflector, events } = reflect({ client, scope: only('throws'), handler: () => expect.fail('broken') });
  await reflector.synced;
  must(await client.apply(configMaps, configMap('one', { a: '1' }, 'throws')));
  must(await client.apply(configMaps, configMap('one', { a: '2' }, 'throws')));
  await expect.poll(() => events.map(told)).toEqual(['added one 1', 'changed one 1→2']);
  expect(reflector.health().handlerErrors).toBe(2);
  const late: string[] = [];
  const end = reflector.subscribe((event) => void late.push(told(event)));
  end();
  must(await client.apply(configMaps, configMap('one', { a: '3' }, 'throws')));
  await expect.poll(() => events.length).toBe(3);
  expect(late).toEqual(['added one 2']);
});

test('labels select; an object that loses its label is deleted for who watches it', async () => {
  await namespace('labels');
  const labelled = (labels: Readonly<Record<string, string>>): AppliedObject => ({
    ...configMap('one', { a: '1' }, 'labels'),
    metadata: { namespace: 'labels', name: 'one', labels },
  });
  must(await client.apply(configMaps, configMap('other', {}, 'labels')));
  must(await client.apply(configMaps, labelled({ mine: 'yes' })));
  const { reflector, events } = reflect({ client, scope: only('labels'), labelSelector: 'mine' });
  await reflector.synced;
  must(await client.apply(configMaps, labelled({})));
  await expect.poll(() => events.map(told)).toEqual(['added one 1', 'deleted one 1']);
});

test('all is shown again now and then', async () => {
  await namespace('again');
  must(await client.apply(configMaps, configMap('one', { a: '1' }, 'again')));
  const { events } = reflect({ client, scope: only('again'), resyncMs: 100 });
  await expect.poll(() => events.map(told).slice(0, 3)).toEqual(['added one 1', 'resync one 1', 'resync one 1']);
});

test('connections cut every second under load: no end state is lost, and changes are seen', async () => {
  await namespace('cuts');
  const proxy = await startProxy();
  const { reflector, events } = reflect({ client: await clientOf(server, { url: proxy.url }), scope: only('cuts') });
  await reflector.synced;
  const isOver = new AbortController();
  const cutting = cutEverySecond(proxy, isOver.signal);
  const writtenMs = await writeUntil(() => cutting.cuts >= CUTS);
  isOver.abort();
  await cutting.ended;
  const { cuts } = cutting;
  await agree(reflector, 'cuts');
  const { seenMs, deleted } = readEvents(events);
  const reactionsMs = [...writtenMs].flatMap(([version, atMs]) => {
    const seen = seenMs.get(version);
    return seen === undefined ? [] : [Math.max(0, seen - atMs)];
  });
  // What was overtaken by a later change of the same object while nobody watched is not seen on the way.
  console.log(`${writtenMs.size} writes, ${cuts} cuts, ${reactionsMs.length} seen: ${spread(reactionsMs)}`, reflector.health());
  expect(cuts).toBeGreaterThanOrEqual(CUTS);
  expect(reactionsMs.length).toBeGreaterThan(writtenMs.size * 0.5);
  expect(deleted).toBeGreaterThan(0);
  // What happens while a machine stalls may be more than the server remembers.
  expect(reflector.health().lists).toBeLessThan(3);
  await expect.poll(() => reflector.health().problem).toBeNull();
});

test('a killed API server: the reflector waits for it and sees what happens afterwards, without listing anew when it need not', async () => {
  await namespace('restart');
  must(await client.apply(configMaps, configMap('one', { a: '1' }, 'restart')));
  const problems: string[] = [];
  const { reflector, events } = reflect({ client, scope: only('restart'), onProblem: (problem) => problems.push(problem) });
  await reflector.synced;
  await server.kill();
  await expect.poll(() => reflector.health().problem).toContain('ECONNREFUSED');
  await sleep(3_000);
  await server.restart();
  const readyMs = performance.now();
  must(await client.apply(configMaps, configMap('one', { a: '2' }, 'restart')));
  await expect.poll(() => events.map(told), { timeout: 90_000, interval: 10 }).toEqual(['added one 1', 'changed one 1→2']);
  console.log(`seen ${Math.round(performance.now() - readyMs)} ms after the server was ready`, reflector.health(), problems);
  await expect.poll(() => reflector.health().problem).toBeNull();
});

test('a place in history that the server has forgotten: all is listed again, and what went meanwhile is told', async () => {
  await namespace('forgotten');
  for (const name of ['kept', 'changed', 'gone', 'anew']) must(await client.apply(configMaps, configMap(name, { a: '1' }, 'forgotten')));
  const proxy = await startProxy();
  const { reflector, events } = reflect({ client: await clientOf(server, { url: proxy.url }), scope: only('forgotten') });
  await reflector.synced;
  proxy.set('refuse');
  proxy.cut();
  must(await client.apply(configMaps, configMap('changed', { a: '2' }, 'forgotten')));
  for (const name of ['gone', 'anew']) must(await client.delete(configMaps, { namespace: 'forgotten', name }));
  for (const name of ['anew', 'born']) must(await client.apply(configMaps, configMap(name, { a: '2' }, 'forgotten')));
  await server.restart(); // its memory of changes begins anew, behind ours
  proxy.set('pass');
  await expect.poll(() => reflector.health().expired).toBeGreaterThan(0);
  await agree(reflector, 'forgotten');
  const after = events.map(told).slice(4).sort();
  expect(after).toEqual(['added anew 2', 'added born 2', 'changed changed 1→2', 'deleted anew 1', 'deleted gone 1']);
  await expect.poll(() => reflector.health()).toMatchObject({ lists: 2, expired: 1, problem: null });
});

test('with a Role in two namespaces: what is forbidden is named and asked for again, the rest goes on, and rights that come later count', async () => {
  for (const name of ['mine', 'yours']) await namespace(name);
  await grant('mine');
  const token = (await server.kubectl(['create', 'token', 'watcher', '--namespace=mine'])).stdout.trim();
  const { reflector, events } = reflect({
    client: await clientOf(server, { token }),
    scope: { kind: 'namespaces', namespaces: ['mine', 'yours'] },
  });
  for (const name of ['mine', 'yours']) must(await client.apply(configMaps, configMap('one', { a: name }, name)));
  await expect.poll(() => events.map(told)).toEqual(['added one mine']);
  await expect.poll(() => reflector.health()).toMatchObject({ synced: false, problem: expect.stringContaining('Forbidden') });
  await grant('yours');
  await reflector.synced;
  expect(events.map(told)).toEqual(['added one mine', 'added one yours']);
  await expect.poll(() => reflector.health()).toMatchObject({ synced: true, objects: 2, problem: null });
});

test('stopping ends at once, whatever the server does', async () => {
  const proxy = await startProxy();
  const { reflector } = reflect({ client: await clientOf(server, { url: proxy.url }), scope: { kind: 'cluster' } });
  await reflector.synced;
  proxy.set('hold');
  const startMs = performance.now();
  await reflector.stop();
  expect(performance.now() - startMs).toBeLessThan(60_000); // a watch that is silent is given up after three minutes
});

type Reflected = { readonly reflector: Reflector; readonly events: Seen[] };
type Seen = ReflectorEvent<AnyObject> & { readonly atMs: number };
type Asked = Pick<ReflectorOptions<AnyObject>, 'client' | 'scope' | 'resyncMs' | 'labelSelector' | 'onProblem'> & {
  readonly handler?: () => void;
};

/** A reflector of ConfigMaps that runs, and what it told. */
function reflect({ handler, ...options }: Asked): Reflected {
  const reflector = new Reflector({ ...ports, resource: configMaps, ...options });
  const events: Seen[] = [];
  if (handler !== undefined) reflector.subscribe(handler);
  // The one that the API server makes itself in each namespace is nobody's business here.
  reflector.subscribe((event) => event.object.metadata.name !== 'kube-root-ca.crt' && events.push({ ...event, atMs: performance.now() }));
  reflector.start();
  toStop.push(reflector);
  return { reflector, events };
}

function told(event: ReflectorEvent<AnyObject>): string {
  const value = (object: AnyObject): string => String((object['data'] as Record<string, string> | undefined)?.['a']);
  const before = event.kind === 'changed' ? `${value(event.old)}→` : '';
  return `${event.kind} ${event.object.metadata.name} ${before}${value(event.object)}`;
}

function only(name: string): ReflectorOptions<AnyObject>['scope'] {
  return { kind: 'namespaces', namespaces: [name] };
}

async function namespace(name: string): Promise<void> {
  must(await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
}

async function startProxy(): Promise<TcpProxy> {
  const proxy = await startTcpProxy(server.url);
  toStop.push(proxy);
  return proxy;
}

function cutEverySecond(proxy: TcpProxy, signal: AbortSignal): { readonly cuts: number; readonly ended: Promise<void> } {
  let cuts = 0;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await ports.clock.sleep(1_000, signal);
      cuts += proxy.cut();
    }
  };
  const ended = run();
  return {
    get cuts() {
      return cuts;
    },
    ended,
  };
}

/** Creates, changes and deletes 20 objects until it is over, and each of them some times; gives when each resourceVersion was confirmed. */
async function writeUntil(isOver: () => boolean): Promise<ReadonlyMap<string, number>> {
  const writtenMs = new Map<string, number>();
  for (let nth = 0; nth < WRITES_MIN || !isOver(); nth++) {
    const name = `object-${nth % 20}`;
    if (nth % 70 === 69) {
      await client.delete(configMaps, { namespace: 'cuts', name });
    } else {
      const { metadata } = must(await client.apply(configMaps, configMap(name, { a: String(nth) }, 'cuts')));
      writtenMs.set(metadata.resourceVersion, performance.now());
    }
    await sleep(5);
  }
  return writtenMs;
}

function readEvents(events: readonly Seen[]): { readonly seenMs: ReadonlyMap<string, number>; readonly deleted: number } {
  const seen = events.filter(({ kind }) => kind !== 'deleted').map(({ object, atMs }) => [object.metadata.resourceVersion, atMs] as const);
  return { seenMs: new Map(seen), deleted: events.length - seen.length };
}

/** Resolves when the cache is what the server has; fails when it does not become so. */
async function agree(reflector: Reflector, inNamespace: string): Promise<void> {
  const states = (objects: readonly AnyObject[]): readonly string[] =>
    objects.map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`).sort();
  const { items } = must(await client.list(configMaps, { namespace: inNamespace }));
  await expect.poll(() => states(reflector.list(inNamespace))).toEqual(states(items));
}

/** Lets the service account `watcher` of `mine` read ConfigMaps in a namespace. */
async function grant(inNamespace: string): Promise<void> {
  if (inNamespace === 'mine') await server.kubectl(['create', 'serviceaccount', 'watcher', '--namespace=mine']);
  await server.kubectl(['create', 'role', 'reader', '--verb=get,list,watch', '--resource=configmaps', `--namespace=${inNamespace}`]);
  await server.kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=mine:watcher', `--namespace=${inNamespace}`]);
}
