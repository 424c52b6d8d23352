// Events as a real API server takes them and kubectl shows them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../../test/support/api-server.ts';
import { EventRecorder, type EventSubject, type RecordedEvent } from './events.ts';
import type { KubeClient } from './kube-client.ts';
import { clientOf, configMap, must, ports } from './kube-harness.ts';
import { EVENT_BURST } from './kube-limits.ts';
import type { AnyObject } from './kube-object.ts';
import { resources } from './resource.ts';
import { startTcpProxy } from './tcp-proxy-harness.ts';

let server: ApiServer;
let client: KubeClient;

beforeAll(async () => {
  server = await startApiServer();
  client = await clientOf(server);
});
afterAll(() => server?.stop());

test('the same said three times is one Event with a count, as kubectl describe tells it', async () => {
  const subject = await makeSubject('counted');
  const recorder = recorderOf(client);
  const refused: RecordedEvent = { type: 'Warning', reason: 'UpgradeRefused', message: 'stage b lost its keys; give it another name' };
  for (let nth = 0; nth < 3; nth++) recorder.record(subject, refused);
  recorder.record(subject, { type: 'Normal', reason: 'Deployed', message: 'revision 1 runs', action: 'Deploy' });
  await recorder.flush();
  const events = await eventsOf('counted');
  expect(events).toMatchObject([
    { reason: 'UpgradeRefused', action: 'UpgradeRefused', type: 'Warning', note: refused.message, series: { count: 3 } },
    { reason: 'Deployed', action: 'Deploy', type: 'Normal', reportingController: 'millrace.dev/operator', reportingInstance: 'pod-1' },
  ]);
  const description = (await server.kubectl(['describe', 'configmap', 'counted'])).stdout;
  expect(description).toMatch(/Warning +UpgradeRefused .*\(x3 over .*stage b lost its keys/);
  expect(description).toMatch(/Normal +Deployed .*revision 1 runs/);
});

test('a message too long is cut between characters, and taken', async () => {
  const subject = await makeSubject('long');
  const recorder = recorderOf(client);
  recorder.record(subject, { type: 'Normal', reason: 'Suspended', message: 'ä'.repeat(2_000) });
  await recorder.flush();
  const [event] = await eventsOf('long');
  expect(event?.['note']).toBe(`${'ä'.repeat(510)}…`);
  expect(recorder.dropped()).toBe(0);
});

test('a job that has too much to say is cut short, and another is not', async () => {
  const [loud, quiet] = [await makeSubject('loud'), await makeSubject('quiet')];
  const recorder = recorderOf(client);
  for (let nth = 0; nth < 100; nth++) recorder.record(loud, { type: 'Normal', reason: 'Scaled', message: `to ${nth}` });
  recorder.record(quiet, { type: 'Normal', reason: 'Scaled', message: 'to 1' });
  await recorder.flush();
  expect(await eventsOf('loud')).toHaveLength(EVENT_BURST);
  expect(await eventsOf('quiet')).toHaveLength(1);
  expect(recorder.dropped()).toBe(100 - EVENT_BURST);
});

test('an object of the longest name has Events, and so has one without a namespace', async () => {
  const long = `${'a'.repeat(199)}.${'b'.repeat(53)}`;
  const recorder = recorderOf(client);
  recorder.record(await makeSubject(long), { type: 'Normal', reason: 'Suspended', message: 'long' });
  const node = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', uid: 'u' } };
  recorder.record(node, { type: 'Normal', reason: 'Suspended', message: 'whole' });
  await recorder.flush();
  expect(await eventsOf(long)).toHaveLength(1);
  expect(recorder.dropped()).toBe(0);
});

test('what cannot be sent is dropped and counted; what can be sent a little later is not', async () => {
  const subject = await makeSubject('late');
  const nowhere = recorderOf(client);
  nowhere.record(
    { ...subject, metadata: { ...subject.metadata, namespace: 'nowhere' } },
    { type: 'Normal', reason: 'Resumed', message: 'x' },
  );
  await nowhere.flush();
  expect(nowhere.dropped()).toBe(1);

  const proxy = await startTcpProxy(server.url);
  proxy.set('refuse', { connections: 2 });
  const recorder = recorderOf(await clientOf(server, { url: proxy.url }));
  recorder.record(subject, { type: 'Normal', reason: 'Resumed', message: 'after a while' });
  await recorder.flush();
  expect(proxy.accepted()).toBeGreaterThan(2);
  expect(await eventsOf('late')).toMatchObject([{ note: 'after a while' }]);
  await proxy.stop();
});

function recorderOf(of: KubeClient): EventRecorder {
  return new EventRecorder({ ...ports, client: of, instance: 'pod-1' });
}

async function makeSubject(name: string): Promise<EventSubject> {
  return must(await client.create(resources.configMaps, configMap(name, {})));
}

async function eventsOf(name: string): Promise<readonly AnyObject[]> {
  const { items } = must(await client.list(resources.events, { namespace: 'default', fieldSelector: `regarding.name=${name}` }));
  return [...items].sort((a, b) => String(a['eventTime']).localeCompare(String(b['eventTime'])));
}
