// NATS that was there before: its version, how it syncs and whom it lets in, as the operator finds them out and tells them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConditionType } from '../../crds/stream-job/status.ts';
import { startKeyedServer, type KeyedServer } from '../../operator/nats/keyed-server-harness.ts';
import { accountOf, makeNatsKeys, userCredentials } from '../../operator/nats/nats-keys.ts';
import { replaceFile } from '../support/replaced-file.ts';
import { until } from '../support/until.ts';
import { ControlPlane } from './support/control-plane.ts';
import { startOtherVersion, type OtherVersion } from './support/old-server.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

const namespace = 'existing';
/** A look at how servers sync is as old as 15 s, and the status may be written a while later. */
const TOLD_MS = 120_000;
let folder: string;
let plane: ControlPlane;
let proxy: WriteProxy;
let other: OtherVersion;
let late: KeyedServer;
let operator: OperatorProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-existing-'));
  [plane, late] = await Promise.all([ControlPlane.start('own', 'machine'), startKeyedServer({ durability: 'process' })]);
  const server = plane.nats as KeyedServer;
  [proxy, other] = await Promise.all([WriteProxy.start(plane.api), startOtherVersion(server)]);
  await plane.makeNamespace(namespace);
  await plane.apply(namespace);
  const credentials = join(folder, 'nats.creds');
  await put(await own());
  other.greetsAs('2.14.9');
  operator = await OperatorProcess.start({
    server: plane.api,
    apiUrl: proxy.url,
    natsUrl: other.url,
    namespace,
    environment: { MILLRACE_NATS_CREDENTIALS: credentials, MILLRACE_NATS_MONITOR_URL: other.monitorUrl },
  });
});
afterAll(async () => {
  await operator?.end();
  await Promise.all([proxy?.stop(), other?.stop(), late?.stop()]);
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Others each time. */
async function own(): Promise<string> {
  return userCredentials((await (plane.nats as KeyedServer).account(namespace)).seed, 'millrace', { pub: {}, sub: {} });
}

const put = (credentials: string): Promise<void> => replaceFile(join(folder, 'nats.creds'), credentials);
const given = (): Promise<string> => plane.credentials(namespace);

async function says(type: ConditionType, status: string, part: string): Promise<void> {
  const said = (): Promise<string> => plane.said(namespace, type);
  const story = async (): Promise<string> => `${await said()}\n${operator.log}`;
  const holds = async (): Promise<boolean> => (await said()).startsWith(status) && (await said()).includes(part);
  await until(`${type} ${status}: ${part}`, TOLD_MS, holds, story);
}

test('a server that is too old is not used: both conditions say which version it is and which it must be, and nothing is made', async () => {
  const sentence = `the NATS server at ${other.url} is 2.14.9, older than 2.15.2, and can lose acknowledged writes at a power cut; upgrade it`;
  await says('DurabilityDegraded', 'True WritesMayBeLost', sentence);
  await says('Ready', 'Unknown NatsUnreachable', `NATS is not used: MR1004 NatsTooOld: ${sentence}; nothing is changed until then`);
  expect(operator.log).toContain('MR1004');
  expect(await plane.streams(namespace)).toEqual([]);
});

test('upgraded it is used, without a restart of the operator', async () => {
  other.greetsAs(null);
  await until('it is ready', TOLD_MS, async () => (await plane.readiness(namespace)) === 'ScaledToZero 1', () => operator.log); // prettier-ignore
  await says('DurabilityDegraded', 'False Durable', '');
  expect((await plane.streams(namespace)).length).toBeGreaterThan(0);
});

test('one that was set back to an older version meanwhile is told by its name, and the job goes on', async () => {
  other.tellsAs('2.14.9');
  await says('DurabilityDegraded', 'True WritesMayBeLost', 'is 2.14.9, older than 2.15.2');
  expect(await plane.said(namespace, 'DurabilityDegraded')).toMatch(/^True WritesMayBeLost: the NATS server keyed-\d+ is /);
  expect(await plane.readiness(namespace)).toBe('ScaledToZero 1');
});

test('one that syncs late is told by its name, with what to set', async () => {
  other.tellsAs(null);
  other.monitors(late.monitorUrl);
  await says('DurabilityDegraded', 'True WritesMayBeLost', `keyed-${new URL(late.url).port} syncs its files every 120 s only`);
  expect(await plane.said(namespace, 'DurabilityDegraded')).toContain('set `sync_interval: always` in its jetstream block');
  other.monitors((plane.nats as KeyedServer).monitorUrl);
  await says('DurabilityDegraded', 'False Durable', '');
});

test('credentials that are changed reach the workers without a restart; those that it does not take reach nobody, and jobs say so', async () => {
  const before = await given();
  const stranger = accountOf((await makeNatsKeys())['operator.seed'], { kind: 'namespace', namespace });
  await put(await userCredentials(stranger.seed, 'millrace', { pub: {}, sub: {} }));
  const trouble = 'new credentials are not used, workers keep those of before: MR1003';
  await says('Degraded', 'True CredentialsRefused', trouble);
  expect(await plane.said(namespace, 'Degraded')).toContain('put ones that NATS takes into the Secret');
  expect(operator.log).toContain(trouble);
  expect(await given()).toBe(before);
  expect(await plane.readiness(namespace)).toBe('ScaledToZero 1');
  const changed = await own();
  await put(changed);
  await until('workers have them', TOLD_MS, async () => (await given()) === changed, () => operator.log); // prettier-ignore
  await says('Degraded', 'False AsExpected', '');
});

test('an operator that is refused says so, and goes on by itself when the credentials are right again', async () => {
  const before = await given();
  const stranger = accountOf((await makeNatsKeys())['operator.seed'], { kind: 'namespace', namespace });
  await put(await userCredentials(stranger.seed, 'millrace', { pub: {}, sub: {} }));
  other.greetsAs(null); // cuts it off
  await says('Ready', 'Unknown NatsUnreachable', 'the server refuses the credentials (Authorization Violation)');
  expect(await given()).toBe(before);
  const right = await own();
  await put(right);
  await until('it is ready', TOLD_MS, async () => (await plane.readiness(namespace)) === 'ScaledToZero 1', () => operator.log); // prettier-ignore
  await until('workers have them', TOLD_MS, async () => (await given()) === right, () => operator.log); // prettier-ignore
});
