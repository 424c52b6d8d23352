// Credentials of an existing NATS that end while operator and workers are connected, on a real API server, a real NATS and with a real worker: they
// expire, or their account takes them back. It is told, and with new ones all goes on by itself, each event with its result once.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeyedServer } from '../../operator/nats/keyed-server-harness.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { endPods, startPod, type PodProcess } from '../../runtime/pod/pod-harness.ts';
import { replaceFile } from '../support/replaced-file.ts';
import { readStored } from '../support/subject-payloads.ts';
import { until } from '../support/until.ts';
import { children, ControlPlane, JOB } from './support/control-plane.ts';
import { IssuedCredentials } from './support/issued-credentials.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

const namespace = 'ended';
const WAIT_MS = 180_000;
/** Long enough to be given to workers; tried again where it was not. */
const LIFE_S = 40;
const AGAIN = 'put ones that NATS takes into the Secret that the operator was given';
let folder: string;
let plane: ControlPlane;
let proxy: WriteProxy;
let issued: IssuedCredentials;
let operator: OperatorProcess;
let worker: PodProcess;
let sent = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-ended-'));
  plane = await ControlPlane.start('own', 'machine');
  proxy = await WriteProxy.start(plane.api);
  await plane.makeNamespace(namespace);
  issued = await IssuedCredentials.of(plane.nats as KeyedServer, namespace);
  await replaceFile(operatorsFile(), await issued.make());
  operator = await startOperator();
  await plane.apply(namespace, { replicas: 1, sinks: [{ name: 'out', from: 'twice', nats: { subject: 'out' } }] });
  await until('workers are given them', WAIT_MS, async () => (await given()) !== '', story);
  await replaceFile(workersFile(), await given());
  worker = startPod({ natsUrl: plane.nats.url, job: `${namespace}_${JOB}`, worker: 'w1', credentials: workersFile() });
  await goesOn();
});
afterAll(async () => {
  await endPods();
  await operator?.end();
  await proxy?.stop();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

const operatorsFile = (): string => join(folder, 'operator.creds');
const workersFile = (): string => join(folder, 'worker.creds');

function startOperator(): Promise<OperatorProcess> {
  const environment = { MILLRACE_NATS_CREDENTIALS: operatorsFile(), MILLRACE_NATS_MONITOR_URL: (plane.nats as KeyedServer).monitorUrl };
  return OperatorProcess.start({ server: plane.api, apiUrl: proxy.url, natsUrl: plane.nats.url, namespace, environment });
}

const given = (): Promise<string> => plane.credentials(namespace);

/** New ones into the operator's Secret, until that of the job has them. */
async function give(credentials: string): Promise<void> {
  await replaceFile(operatorsFile(), credentials);
  await until('workers are given them', WAIT_MS, async () => (await given()) === credentials, story);
}

/** And then, as kubelet does, to its worker. */
async function renew(credentials: string): Promise<void> {
  await give(credentials);
  await replaceFile(workersFile(), credentials);
}

async function story(): Promise<string> {
  const probe = JSON.stringify(await worker?.probe('readyz'));
  return [await plane.said(namespace, 'Ready'), await plane.said(namespace, 'Degraded'), probe, worker?.lines.map(({ msg }) => msg).join('\n'), operator.log].join('\n'); // prettier-ignore
}

async function send(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await plane.send(namespace, { key: `k${sent % 3}`, n: sent++ });
}

async function results(): Promise<readonly number[]> {
  const link = Link.of(await plane.connection(namespace));
  const found = await readStored(link, 'out').catch(() => []);
  return found.map((text) => (JSON.parse(text) as { readonly n: number }).n).sort((a, b) => a - b);
}

/** Ready, and all that was sent so far has its result, once. */
async function goesOn(): Promise<void> {
  await send(10);
  const doubled = Array.from({ length: sent }, (_, n) => 2 * n);
  await until('all results are there', WAIT_MS, async () => (await results()).length >= sent, story);
  expect(await results()).toEqual(doubled);
  await until('it is ready', WAIT_MS, async () => (await plane.readiness(namespace)) === 'Running 1', story);
  await until('its worker is ready', WAIT_MS, async () => (await worker.probe('readyz'))?.status === 200, story);
  await until('it is said to be as expected', WAIT_MS, async () => (await plane.said(namespace, 'Degraded')).startsWith('False'), story);
}

/** By operator and worker. */
async function isRefused(words: string): Promise<void> {
  const ready = `Unknown NatsUnreachable: NATS does not answer: not connected: the server refuses the credentials (${words}); ${AGAIN}`;
  await until(`Ready says ${words}`, WAIT_MS, async () => (await plane.said(namespace, 'Ready')).startsWith(ready), story);
  const why = `NATS refuses the credentials (${words})`;
  const probe = async (): Promise<unknown> => (await worker.probe('readyz'))?.body['why'];
  await until(`the worker is not ready: ${why}`, WAIT_MS, async () => (await probe()) === why, story);
  const logged = `${words}; tries again with the credentials that are there by then`;
  expect(worker.lines.map(({ msg }) => String(msg))).toContainEqual(expect.stringContaining(logged));
  expect(worker.child.exitCode).toBeNull();
}

test('expired, they are refused and it is told when they did; what comes meanwhile waits, and with new ones all goes on', async () => {
  let expiring: string;
  do {
    expiring = await issued.make({ lifeS: LIFE_S });
    await replaceFile(operatorsFile(), expiring);
    await until('they are given or expired', WAIT_MS, async () => (await given()) === expiring || issued.isExpired(expiring), story);
  } while ((await given()) !== expiring);
  await replaceFile(workersFile(), expiring);
  // Whoever is let in again is by these.
  await (plane.nats as KeyedServer).kill();
  await (plane.nats as KeyedServer).start();
  await isRefused(`User Authentication Expired: they expired at ${issued.expiryOf(expiring)}`);
  await send(10);
  await renew(await issued.make());
  await goesOn();
});

test('taken back before kubelet has brought the new ones, they cut off the worker until it has; the operator has gone on by then', async () => {
  const [before, after] = [await given(), await issued.make()];
  await give(after);
  await issued.revoke(before);
  const why = 'NATS refuses the credentials (User Authentication Revoked)';
  await until('the worker is cut off', WAIT_MS, async () => (await worker.probe('readyz'))?.body['why'] === why, story);
  await send(10);
  await replaceFile(workersFile(), after);
  await goesOn();
});

test('taken back by their account, they are refused; an operator that starts meanwhile touches no worker, and goes on with new ones', async () => {
  await issued.revoke(await given());
  await isRefused('User Authentication Revoked');
  const before = await deployment();
  await operator.end();
  operator = await startOperator();
  const told = `Unknown NatsUnreachable: NATS does not answer: MR1003 NatsUnreachable: cannot reach NATS at ${plane.nats.url}: Authorization Violation; ${AGAIN}`;
  await until('Ready says so', WAIT_MS, async () => (await plane.said(namespace, 'Ready')).startsWith(told), story);
  expect(await deployment()).toEqual(before);
  await send(10);
  await renew(await issued.make());
  await goesOn();
});

async function deployment(): Promise<unknown> {
  return (await plane.get(children.deployment.replace('NS', namespace)))?.spec;
}
