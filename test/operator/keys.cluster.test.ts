// NATS of the operator's own: keys that it cannot use are told, and people of a namespace get in by its Secrets.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Condition } from '../../crds/stream-job/status.ts';
import { makeNatsKeys } from '../../operator/nats/nats-keys.ts';
import type { KeyedServer } from '../../operator/nats/keyed-server-harness.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { until } from '../support/until.ts';
import { ControlPlane, JOB, jobPath, KEYS_SECRET } from './support/control-plane.ts';
import { startOtherVersion } from './support/old-server.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

const [namespace, foreign] = ['keyed', 'keyed-otherwise'];
const WAIT_MS = 120_000;
const operators: OperatorProcess[] = [];
let plane: ControlPlane;
let proxy: WriteProxy;

beforeAll(async () => {
  plane = await ControlPlane.start('own');
  proxy = await WriteProxy.start(plane.api);
});
afterAll(async () => {
  await Promise.all(operators.map((operator) => operator.end()));
  await proxy?.stop();
  await plane?.stop();
});

async function start(where: string, natsUrl = plane.nats.url): Promise<OperatorProcess> {
  const operator = await OperatorProcess.start({ server: plane.api, apiUrl: proxy.url, ...plane.place, natsUrl, namespace: where });
  operators.push(operator);
  return operator;
}

const log = (): string => operators.map((operator) => operator.log).join('\n');
const secret = (name: string, where = namespace): string => `/api/v1/namespaces/${where}/secrets/${name}`;

async function readyOf(where: string): Promise<string> {
  const ready = (await plane.get(jobPath(where)))?.status?.conditions?.find(({ type }) => type === 'Ready');
  return `${ready?.status} ${ready?.reason}: ${ready?.message}`;
}

const credentialsIn = (name: string): Promise<string> => plane.credentials(namespace, name);

test('keys of an older version, then keys that NATS was not started with: Ready says so, and goes on when they fit', async () => {
  await plane.makeNamespace(foreign);
  await plane.remove(secret(KEYS_SECRET, foreign));
  const { 'operator.seed': _, ...old } = await makeNatsKeys();
  await plane.putKeys(foreign, old);
  await plane.apply(foreign);
  const operator = await start(foreign);
  const says = (part: string): Promise<number> =>
    until(
      part,
      WAIT_MS,
      async () => (await readyOf(foreign)).includes(part),
      async () => `${await readyOf(foreign)}\n${log()}`,
    );
  await says(`Unknown NatsUnreachable: NATS does not answer: the Secret ${KEYS_SECRET} has no operator.seed`);
  await plane.remove(secret(KEYS_SECRET, foreign));
  // Another Secret is made, and the server does not know it.
  await says(`it does not accept the keys of the Secret ${KEYS_SECRET}, so it was started with others`);
  await operator.end();
  await plane.remove(secret(KEYS_SECRET, foreign));
  await plane.putKeys(foreign, (plane.nats as KeyedServer).keys);
  await start(foreign);
  await until('it is ready', WAIT_MS, async () => (await plane.readiness(foreign)) === 'ScaledToZero 1', log);
});

test('a NATS of its own that is too old is not used, and is once it is upgraded, without a restart of the operator', async () => {
  const where = 'keyed-old';
  const other = await startOtherVersion(plane.nats as KeyedServer);
  other.greetsAs('2.14.9');
  await plane.makeNamespace(where);
  await plane.apply(where);
  const operator = await start(where, other.url);
  const conditions = async (): Promise<string> => {
    const found = (await plane.get(jobPath(where)))?.status?.conditions ?? [];
    return found.map(({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`).join('\n');
  };
  const sentence = `the NATS server at ${other.url} is 2.14.9, older than 2.15.2, and can lose acknowledged writes at a power cut; upgrade it`;
  for (const part of [`DurabilityDegraded True WritesMayBeLost: ${sentence}`, `Ready Unknown NatsUnreachable: NATS is not used: MR1004 NatsTooOld: ${sentence}`])
    await until(part, WAIT_MS, async () => (await conditions()).includes(part), async () => `${await conditions()}\n${log()}`); // prettier-ignore
  other.greetsAs(null);
  await until('it is ready', WAIT_MS, async () => (await plane.readiness(where)) === 'ScaledToZero 1', log);
  await operator.end();
  await other.stop();
});

test('a NATS that does not sync each write: DurabilityDegraded says which server, and what to do', async () => {
  const said = async (): Promise<Condition | undefined> =>
    (await plane.get(jobPath(foreign)))?.status?.conditions?.find(({ type }) => type === 'DurabilityDegraded');
  await until('it is said', WAIT_MS, async () => (await said())?.status === 'True', log);
  expect(await said()).toMatchObject({
    reason: 'WritesMayBeLost',
    message: expect.stringMatching(
      /^the NATS server \S+ syncs its files every 120 s only: a power cut loses acknowledged writes; set `sync_interval: always`/,
    ) as string,
  });
});

test('where there is a StreamJob there is a Secret for applications; one that goes is made again', async () => {
  await plane.makeNamespace(namespace);
  await start(namespace);
  await plane.apply(namespace);
  const made = (): Promise<number> => until('it is there', WAIT_MS, async () => (await credentialsIn('millrace-nats-app')) !== '', log);
  await made();
  await plane.remove(secret('millrace-nats-app'));
  await made();
  const app = await (plane.nats as KeyedServer).connect(await credentialsIn('millrace-nats-app'));
  if (typeof app === 'string') throw new Error(app);
  expect(await callApi(Link.of(app), 'STREAM.INFO.load')).toMatchObject({ kind: 'ok' });
  expect(await callApi(Link.of(app), 'STREAM.DELETE.load', null, 500)).toMatchObject({ kind: 'absent' });
});

test.each([
  { fact: 'an empty Secret that asks for the role app is filled with it', role: 'app', removes: 'absent' },
  { fact: 'one that asks for the role admin may remove streams', role: 'admin', removes: 'ok' },
] as const)('$fact, and what else is in it stays', async ({ role, removes }) => {
  const name = `asked-${role}`;
  await plane.create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'millrace.dev/nats-user': role } },
    stringData: { mine: 'kept' },
  });
  await until('it is filled', WAIT_MS, async () => (await credentialsIn(name)) !== '', log);
  const found = (await plane.get(secret(name))) as unknown as { readonly data: Readonly<Record<string, string>> };
  expect(Object.keys(found.data).sort()).toEqual(['mine', 'nats.creds']);
  const user = await (plane.nats as KeyedServer).connect(await credentialsIn(name));
  if (typeof user === 'string') throw new Error(user);
  expect(await callApi(Link.of(user), `STREAM.CREATE.of_${role}`, { name: `of_${role}`, subjects: [`of.${role}`] })).toMatchObject({
    kind: 'ok',
  });
  const timeoutMs = removes === 'ok' ? 30_000 : 500;
  expect(await callApi(Link.of(user), `STREAM.DELETE.of_${role}`, null, timeoutMs)).toMatchObject({ kind: removes });
});

test('one that names a job lets into the account of that job, where there is what it lives of', async () => {
  const name = 'asked-job';
  await plane.create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'millrace.dev/nats-user': 'admin', 'millrace.dev/nats-job': JOB } },
  });
  await until('it is filled', WAIT_MS, async () => (await credentialsIn(name)) !== '', log);
  const user = await (plane.nats as KeyedServer).connect(await credentialsIn(name));
  if (typeof user === 'string') throw new Error(user);
  expect(await callApi(Link.of(user), `STREAM.INFO.KV_MR_${namespace}_${JOB}`)).toMatchObject({ kind: 'ok' });
  expect(await callApi(Link.of(user), 'STREAM.INFO.load')).toMatchObject({ kind: 'error', error: { code: 404 } });
});

test('a Secret that asks for what there is not stays as it is', async () => {
  const manifest = (name: string, role: string): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'millrace.dev/nats-user': role } },
  });
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  await plane.create(path, manifest('asked-king', 'king'));
  // One that was made later is filled: this one was looked at before.
  await plane.create(path, manifest('asked-later', 'app'));
  await until('it is filled', WAIT_MS, async () => (await credentialsIn('asked-later')) !== '', log);
  expect(await credentialsIn('asked-king')).toBe('');
});
