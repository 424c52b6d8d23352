// What has settled is left alone: nothing is written but the lease, also by an operator that starts anew.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlPlane, until } from './support/control-plane.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

/** Three rounds of the reconciler, and longer than figures wait to be written. */
const quietMs = 12_000;
const namespace = 'quiet';
let plane: ControlPlane;
let proxy: WriteProxy;
let operator: OperatorProcess;

beforeAll(async () => {
  plane = await ControlPlane.start();
  proxy = await WriteProxy.start(plane.api);
  await plane.makeNamespace(namespace);
  operator = await startOperator();
  await plane.apply(namespace);
  await until(
    'the job is ready',
    90_000,
    async () => (await plane.readiness(namespace)) === 'ScaledToZero 1',
    () => operator.log,
  );
});
afterAll(async () => {
  await operator?.end();
  await proxy?.stop();
  await plane?.stop();
});

test('a job that has settled is written by nobody', async () => {
  await sleep(2_000); // The round that settled it may have begun another one.
  const before = proxy.writes.length;
  expect(before).toBeGreaterThan(0);
  await sleep(quietMs);
  expect(proxy.writes.slice(before)).toEqual([]);
});

test('an operator that starts anew finds nothing to write', async () => {
  const before = proxy.writes.length;
  await operator.end();
  operator = await startOperator();
  await until(
    'it leads',
    20_000,
    () => Promise.resolve(operator.leads),
    () => operator.log,
  );
  await sleep(quietMs);
  expect(proxy.writes.slice(before)).toEqual([]);
});

function startOperator(): Promise<OperatorProcess> {
  return OperatorProcess.start({ server: plane.api, apiUrl: proxy.url, natsUrl: plane.nats.url, namespace });
}
