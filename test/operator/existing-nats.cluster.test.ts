// NATS that was there before: its version and how it syncs, as the operator finds them out and tells them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Condition, ConditionType } from '../../crds/stream-job/status.ts';
import { startKeyedServer, type KeyedServer } from '../../operator/nats/keyed-server-harness.ts';
import { userCredentials } from '../../operator/nats/nats-keys.ts';
import { ControlPlane, jobPath, until } from './support/control-plane.ts';
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
  await writeFile(credentials, await userCredentials((await server.account(namespace)).seed, 'millrace', { pub: {}, sub: {} }));
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

async function conditionOf(type: ConditionType): Promise<Condition | undefined> {
  return (await plane.get(jobPath(namespace)))?.status?.conditions?.find((one) => one.type === type);
}

async function says(type: ConditionType, status: string, part: string): Promise<void> {
  const said = async (): Promise<string> => {
    const found = await conditionOf(type);
    return `${found?.status} ${found?.reason}: ${found?.message}`;
  };
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
  expect((await conditionOf('DurabilityDegraded'))?.message).toMatch(/^the NATS server keyed-\d+ is /);
  expect(await plane.readiness(namespace)).toBe('ScaledToZero 1');
});

test('one that syncs late is told by its name, with what to set', async () => {
  other.tellsAs(null);
  other.monitors(late.monitorUrl);
  await says('DurabilityDegraded', 'True WritesMayBeLost', `keyed-${new URL(late.url).port} syncs its files every 120 s only`);
  expect((await conditionOf('DurabilityDegraded'))?.message).toContain('set `sync_interval: always` in its jetstream block');
  other.monitors((plane.nats as KeyedServer).monitorUrl);
  await says('DurabilityDegraded', 'False Durable', '');
});
