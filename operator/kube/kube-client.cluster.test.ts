// Calls of a real API server: what each answer means, and what server-side apply leaves to others.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../../test/support/api-server.ts';
import { failureText } from './kube-answer.ts';
import { KubeClient, type Write } from './kube-client.ts';
import { clientOf, configMap, must, ports, transportTo } from './kube-harness.ts';
import { LIST_PAGE_OBJECTS, WRITE_TIMEOUT_MS } from './kube-limits.ts';
import type { AnyObject } from './kube-object.ts';
import { resources } from './resource.ts';
import { ServerClock } from './server-clock.ts';
import { startTcpProxy } from './tcp-proxy-harness.ts';

const { configMaps, deployments, namespaces } = resources;
const here = (name: string): { readonly namespace: string; readonly name: string } => ({ namespace: 'default', name });
let server: ApiServer;
let client: KubeClient;

beforeAll(async () => {
  server = await startApiServer();
  client = await clientOf(server);
});
afterAll(() => server?.stop());

describe('server-side apply', () => {
  test('creates, and applying the same again changes nothing, not even the resourceVersion', async () => {
    const first = must(await client.apply(configMaps, configMap('same', { a: '1' })));
    const again = must(await client.apply(configMaps, configMap('same', { a: '1' })));
    expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(again.metadata.uid).toBe(first.metadata.uid);
    const other = must(await client.apply(configMaps, configMap('same', { a: '2' })));
    expect(other.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
  });

  test('keeps what others wrote, and removes what is no longer said', async () => {
    must(await client.apply(configMaps, configMap('shared', { ours: '1', former: '1' })));
    must(await client.mergePatch(configMaps, here('shared'), { metadata: { labels: { theirs: 'yes' } }, data: { theirs: '1' } }));
    const after = must(await client.apply(configMaps, configMap('shared', { ours: '2' })));
    expect(after['data']).toEqual({ ours: '2', theirs: '1' });
    expect(after.metadata.labels).toEqual({ theirs: 'yes' });
  });

  test('a replica count that is not said stays what an autoscaler made of it', async () => {
    must(await client.apply(deployments, deployment('scaled')));
    must(await client.apply(deployments, { ...deployment('scaled'), spec: { replicas: 7 } }, { fieldManager: 'hpa' }));
    const after = must(await client.apply(deployments, deployment('scaled', { changed: 'yes' })));
    expect(after['spec']).toMatchObject({ replicas: 7, template: { metadata: { labels: { changed: 'yes' } } } });
  });

  test('takes over what another manager holds, unless told not to', async () => {
    must(await client.apply(configMaps, configMap('held', { a: 'theirs' }), { fieldManager: 'another' }));
    const polite = await client.apply(configMaps, configMap('held', { a: 'ours' }), { force: false });
    expect(polite).toMatchObject({ kind: 'conflict', reason: 'Conflict' });
    expect(must(await client.apply(configMaps, configMap('held', { a: 'ours' })))['data']).toEqual({ a: 'ours' });
  });

  test('of the status writes nothing else and creates nothing', async () => {
    must(await client.apply(deployments, deployment('told')));
    const told = { ...deployment('told'), spec: { replicas: 9 }, status: { observedGeneration: 5 } };
    const after = must(await client.applyStatus(deployments, told));
    expect(after).toMatchObject({ spec: { replicas: 1 }, status: { observedGeneration: 5 } });
    expect(await client.applyStatus(deployments, { ...told, metadata: here('nobody') })).toMatchObject({ kind: 'not-found' });
  });

  test('with the uid of an object that is gone, or was made anew, writes nothing', async () => {
    const old = must(await client.apply(configMaps, configMap('anew', { a: '1' })));
    const late = { ...configMap('anew', { a: '3' }), metadata: { ...here('anew'), uid: old.metadata.uid } };
    must(await client.delete(configMaps, here('anew')));
    expect(await client.apply(configMaps, late)).toMatchObject({ kind: 'conflict' });
    must(await client.apply(configMaps, configMap('anew', { a: '2' })));
    expect(await client.apply(configMaps, late)).toMatchObject({ kind: 'refused', code: 422 });
    expect(must(await client.get(configMaps, here('anew')))['data']).toEqual({ a: '2' });
  });
});

describe('preconditions', () => {
  test('what exists is not created again', async () => {
    must(await client.create(configMaps, configMap('once', {})));
    expect(await client.create(configMaps, configMap('once', {}))).toMatchObject({ kind: 'conflict', reason: 'AlreadyExists' });
  });

  test('finalizers are set on the object that was read and no later one', async () => {
    const read = must(await client.create(configMaps, configMap('final', {})));
    const held = must(await client.setFinalizers(configMaps, read, ['millrace.dev/test']));
    expect(held.metadata.finalizers).toEqual(['millrace.dev/test']);
    expect(await client.setFinalizers(configMaps, read, [])).toMatchObject({ kind: 'conflict' });
    must(await client.delete(configMaps, here('final')));
    const going = must(await client.get(configMaps, here('final')));
    expect(going.metadata.deletionTimestamp).toBeDefined();
    must(await client.setFinalizers(configMaps, going, []));
    expect(await client.get(configMaps, here('final'))).toMatchObject({ kind: 'not-found' });
  });

  test('an object of another uid is not deleted', async () => {
    const made = must(await client.create(configMaps, configMap('kept', {})));
    expect(await client.delete(configMaps, here('kept'), { uid: 'another' })).toMatchObject({ kind: 'conflict' });
    expect((await client.delete(configMaps, here('kept'), { uid: made.metadata.uid })).kind).toBe('ok');
    expect((await client.delete(configMaps, here('kept'))).kind).toBe('not-found');
  });

  test('an object that was changed meanwhile is not replaced', async () => {
    const read = must(await client.create(configMaps, configMap('raced', { a: '1' })));
    must(await client.apply(configMaps, configMap('raced', { b: '1' })));
    expect(await client.replace(configMaps, { ...read, data: { a: '2' } } as AnyObject)).toMatchObject({ kind: 'conflict' });
  });
});

describe('answers', () => {
  test('SC1 say what time it is: a clock that is ten minutes ahead is that of the server from the first one on', async () => {
    const clock = new ServerClock({ ...ports.clock, nowMs: () => Date.now() + 600_000 });
    const through = new KubeClient({ transport: await transportTo(server, {}, (date, roundTripMs) => clock.heard(date, roundTripMs)) });
    await expect
      .poll(async () => {
        await through.get(namespaces, { namespace: null, name: 'default' });
        return Math.abs(clock.nowMs() - Date.now());
      })
      .toBeLessThan(3_000);
  });

  test('what breaks a rule is refused, with the rule', async () => {
    const result = await client.apply(configMaps, configMap('Not_A_Name', {}));
    expect(result).toMatchObject({ kind: 'refused', code: 422, reason: 'Invalid' });
    expect(result.kind === 'ok' ? '' : failureText(result)).toContain('Not_A_Name');
  });

  test('a name from outside reaches no other path', async () => {
    expect((await client.get(configMaps, { namespace: 'default/secrets', name: 'x' })).kind).not.toBe('ok');
    await expect(async () => client.get(configMaps, { namespace: '..', name: 'x' })).rejects.toThrow('is not a name');
  });

  test('who may not, is refused', async () => {
    must(await client.create(resources.serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: here('nobody') }));
    const token = (await server.kubectl(['create', 'token', 'nobody'])).stdout.trim();
    const nobody = await clientOf(server, { token });
    expect(await nobody.list(configMaps, { namespace: 'default' })).toMatchObject({ kind: 'refused', code: 403, reason: 'Forbidden' });
    expect(await (await clientOf(server, { token: 'wrong' })).get(configMaps, here('x'))).toMatchObject({ kind: 'refused', code: 401 });
  });

  test('a list has all pages, and each item its kind', async () => {
    must(await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'many' } }));
    const count = 2 * LIST_PAGE_OBJECTS + 1;
    const names = Array.from({ length: count }, (_, nth) => `many-${nth}`);
    for (let from = 0; from < count; from += 10) {
      const results = await Promise.all(names.slice(from, from + 10).map((name) => client.create(configMaps, configMap(name, {}, 'many'))));
      results.forEach(must);
    }
    const callsBefore = client.callCounts().get('list configmaps') ?? 0;
    const { items } = must(await client.list(configMaps, { namespace: 'many' }));
    expect(new Set(items.map(({ metadata }) => metadata.name)).size).toBe(count);
    expect(items.every(({ kind, apiVersion }) => kind === 'ConfigMap' && apiVersion === 'v1')).toBe(true);
    expect(client.callCounts().get('list configmaps')).toBe(callsBefore + 3);
  });

  test('a server that is not there is absent', async () => {
    const proxy = await startTcpProxy(server.url);
    await proxy.stop();
    const result = await (await clientOf(server, { url: proxy.url })).get(configMaps, here('x'));
    expect(result).toMatchObject({ kind: 'absent', reason: expect.stringContaining('ECONNREFUSED') });
  });

  test('a server that says nothing is absent when the time is over, and the next call finds it again', async () => {
    const proxy = await startTcpProxy(server.url);
    const through = await clientOf(server, { url: proxy.url });
    must(await through.apply(configMaps, configMap('slow', {})));
    proxy.set('hold');
    const startMs = performance.now();
    expect(await through.apply(configMaps, configMap('slow', {}))).toMatchObject({
      kind: 'absent',
      reason: expect.stringContaining('no answer within'),
    });
    expect(performance.now() - startMs).toBeGreaterThan(WRITE_TIMEOUT_MS / 2);
    proxy.set('pass');
    must(await through.apply(configMaps, configMap('slow', {})));
    await proxy.stop();
  });
});

describe('writes', () => {
  test('each is told before it is sent; who may not write sends none', async () => {
    const writes: Write[] = [];
    let mayWrite = true;
    const told = await clientOf(server, { mayWrite: () => mayWrite, beforeWrite: (write) => void writes.push(write) });
    const made = must(await told.create(configMaps, configMap('told', {})));
    must(await told.apply(configMaps, configMap('told', { a: '1' })));
    must(await told.applyStatus(deployments, { ...deployment('scaled'), status: {} }));
    expect(await told.setFinalizers(configMaps, made, [])).toMatchObject({ kind: 'conflict' });
    must(await told.get(configMaps, here('told')));
    mayWrite = false;
    expect(await told.delete(configMaps, here('told'))).toMatchObject({
      kind: 'absent',
      reason: 'delete configmaps: this process may not write now',
    });
    must(await told.get(configMaps, here('told')));
    expect(writes.map(({ name, objectName }) => `${name} ${objectName}`)).toEqual([
      'create configmaps told',
      'apply configmaps told',
      'apply deployments/status scaled',
      'patch configmaps told',
      'delete configmaps told',
    ]);
    expect(Object.fromEntries(told.callCounts())).toEqual({
      'create configmaps': 1,
      'apply configmaps': 1,
      'apply deployments/status': 1,
      'patch configmaps': 1,
      'get configmaps': 2,
    });
  });

  test('raw calls reach what has no method', async () => {
    expect(must(await client.raw({ method: 'GET', path: '/version' }))).toMatchObject({ major: '1' });
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
    };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    expect(must(await client.raw({ method: 'POST', path, body: review }))).toMatchObject({ status: { allowed: true } });
  });

  test('one connection serves many calls', async () => {
    const proxy = await startTcpProxy(server.url);
    const transport = await transportTo(server, { url: proxy.url });
    for (let nth = 0; nth < 20; nth++) {
      expect(await transport.send({ method: 'GET', path: '/version', timeoutMs: 30_000 })).toMatchObject({ status: 200 });
    }
    expect(proxy.accepted()).toBeLessThan(5); // one, unless the machine stalls for longer than an idle one is kept
    transport.close();
    await proxy.stop();
  });
});

function deployment(name: string, labels: Readonly<Record<string, string>> = {}): ReturnType<typeof configMap> {
  const template = { metadata: { labels: { app: name, ...labels } }, spec: { containers: [{ name: 'main', image: 'none' }] } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: here(name), spec: { selector: { matchLabels: { app: name } }, template } };
}
