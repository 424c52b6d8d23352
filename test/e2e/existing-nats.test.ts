// The chart with a NATS that was there before (`nats.url` and credentials): it makes none of its own, jobs give exact results in the one
// account that it was given, and what is said of the server's durability is what its configuration says.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeExistingNats, CREDENTIALS_KEY, type ExistingNats } from './support/existing-nats.ts';
import { condition, makeNamespace, removeNamespace, status, untilCondition, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream, problemsOf, Sender } from './support/load.ts';
import { connectClusterNats, secretText, type ClusterNats } from './support/nats.ts';
import { chart } from './support/old-chart.ts';
import { get, list } from './support/objects.ts';
import { apply, freshName, helm, kubectl, until } from './support/programs.ts';
import { deleteNamespace, installRelease, sharedOperator, uninstallRelease } from './support/second-release.ts';

const space = 'e2e-existing';
const release = { name: 'guest', namespace: space };
const host = { namespace: freshName('e2e-host'), name: 'there' };
const jobs = ['first', 'second'] as const;
let server: ExistingNats;
let nats: ClusterNats;
const senders = new Map<string, Sender>();

type Named = { readonly metadata: { readonly name: string } };
const names = async (kind: string): Promise<readonly string[]> => (await list<Named>(kind, space)).map(({ metadata }) => metadata.name);
const message = async (type: string): Promise<string | undefined> =>
  (await status(space, 'first')).conditions?.find((one) => one.type === type)?.message;

beforeAll(async () => {
  await uninstallRelease(release);
  await deleteNamespace(space);
  for (const one of [space, host.namespace]) await makeNamespace(one);
  server = await makeExistingNats(host);
  nats = await connectClusterNats(server.credentials, { installed: { namespace: host.namespace, fullname: host.name } });
  const creds = { [CREDENTIALS_KEY]: server.credentials };
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'guest-creds', namespace: space }, stringData: creds }));
  await sharedOperator(0);
  const notes = await installRelease(release, [
    'nats.enabled=false',
    `nats.url=${server.url}`,
    `nats.monitorUrl=${server.monitorUrl}`,
    'nats.credentialsSecret.name=guest-creds',
    `nats.credentialsSecret.key=${CREDENTIALS_KEY}`,
  ]);
  expect(notes).toContain(`runs StreamJobs of ${space} on ${server.url}`);
});

afterAll(async () => {
  try {
    await removeNamespace(space);
    await nats?.close();
  } finally {
    await uninstallRelease(release);
    await sharedOperator(1);
    for (const one of [space, host.namespace]) await deleteNamespace(one);
  }
});

test('the chart makes no NATS of its own: no server, no volume, no keys', async () => {
  for (const kind of ['statefulsets', 'persistentvolumeclaims', 'poddisruptionbudgets']) expect(await names(kind), kind).toEqual([]);
  for (const kind of ['services', 'configmaps', 'networkpolicies', 'serviceaccounts', 'secrets', 'pods'])
    expect(
      (await names(kind)).filter((name) => name.includes('nats')),
      kind,
    ).toEqual([]);
});

test('jobs give exact results; each write is synced, and that is said', async () => {
  for (const name of jobs) {
    await makeLoadStream(nats, name);
    await applyLoadJob(space, name);
  }
  for (const name of jobs) {
    await untilReady(space, name);
    await untilCondition(space, name, 'DurabilityDegraded', 'False Durable');
    const sender = new Sender(nats, { name, keys: 7, perSecond: 100 });
    senders.set(name, sender);
    await sender.send(140);
    expect(await problemsOf(nats, name, sender.counts()), name).toEqual([]);
  }
});

test('there is one account for all, as it is told: jobs are given the credentials of the release, and no others are made', async () => {
  for (const name of jobs) {
    const secret = await get<{ data: Record<string, string> }>('secret', space, `${name}-nats`);
    expect(secretText(secret ?? { data: {} }, 'nats.creds'), name).toBe(server.credentials);
  }
  const streams: string[] = [];
  for await (const { config } of nats.jsm.streams.list()) streams.push(config.name);
  expect(streams).toEqual(
    expect.arrayContaining(jobs.flatMap((name) => [`MR_${space}_${name}_seen`, `KV_MR_${space}_${name}`, `out-${name}`])),
  );
  expect((await names('secrets')).filter((name) => name.startsWith('millrace-nats-'))).toEqual([]);
});

test('workers may talk to the port of its URL, and to no other but DNS', async () => {
  const policy = await get<{ spec: { egress: unknown } }>('networkpolicy', space, 'first-worker');
  expect(policy?.spec.egress).toEqual([
    {
      ports: [
        { port: 53, protocol: 'UDP' },
        { port: 53, protocol: 'TCP' },
      ],
    },
    { ports: [{ port: 4222, protocol: 'TCP' }] },
  ]);
});

test('it passes helm test', async () => {
  expect(await helm(['test', release.name, '-n', space, '--timeout', '5m'])).toMatch(/Phase:\s+Succeeded/);
});

test('started anew without `sync_interval: always` it may lose writes, and the job says so and goes on; mended, it says that too', async () => {
  await server.restart('late');
  await until('it is said', 150_000, async () =>
    condition(await status(space, 'first'), 'DurabilityDegraded') === 'True WritesMayBeLost' ? true : null,
  );
  expect(await message('DurabilityDegraded')).toBe(
    'the NATS server there syncs its files every 120 s only: a power cut loses acknowledged writes; set `sync_interval: always` in its jetstream block',
  );
  const sender = senders.get('first');
  await sender?.send(140);
  expect(await problemsOf(nats, 'first', sender?.counts() ?? new Map())).toEqual([]);
  await server.restart('always');
  await until('it is taken back', 150_000, async () =>
    condition(await status(space, 'first'), 'DurabilityDegraded') === 'False Durable' ? true : null,
  );
  await untilReady(space, 'first');
});

test('told no monitoring port it does not take durability for given, and says what to name', async () => {
  await helm(['upgrade', release.name, chart, '-n', space, '--reuse-values', '--set', 'nats.monitorUrl=', '--wait', '--timeout', '5m']);
  await until('it is said', 150_000, async () =>
    (await message('DurabilityDegraded'))?.includes('name it in nats.monitorUrl') ? true : null,
  );
  expect(condition(await status(space, 'first'), 'DurabilityDegraded')).toBe('True WritesMayBeLost');
  expect((await kubectl(['get', 'sj', 'first', '-n', space, '-o', 'jsonpath={.status.phase}'])).trim()).toBe('Running');
});
