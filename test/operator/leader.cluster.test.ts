// Two operators: one acts, the other takes over when it is gone.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ControlPlane } from './support/control-plane.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

const namespace = 'led';
const WAIT_MS = 120_000;
const running: OperatorProcess[] = [];
let plane: ControlPlane;
let proxy: WriteProxy;

beforeAll(async () => {
  plane = await ControlPlane.start();
  proxy = await WriteProxy.start(plane.api);
  await plane.makeNamespace(namespace);
});
afterAll(async () => {
  await Promise.all(running.map((operator) => operator.end()));
  await proxy?.stop();
  await plane?.stop();
});

test.each([
  { fact: 'a leader that is killed is replaced when its lease has run out', signal: 'SIGKILL' },
  { fact: 'a leader that is asked to stop gives its lease away', signal: 'SIGTERM' },
] as const)('$fact', async ({ signal }) => {
  const leader = await start(`${signal.toLowerCase()}-a`);
  await leads(leader);
  const standby = await start(`${signal.toLowerCase()}-b`);
  await until(
    'the other is ready',
    WAIT_MS,
    () => Promise.resolve(standby.log.includes('waiting to lead')),
    () => standby.log,
  );
  expect(standby.leads).toBe(false);
  const held = await holder();
  await leader.end(signal);
  if (signal === 'SIGTERM') expect(await holder(), 'it is given away when the process is gone').not.toBe(held);
  const tookMs = await leads(standby);
  expect(await holder()).not.toBe(held);
  console.log(`${signal}: the other leads after ${Math.round(tookMs)} ms`);
  await standby.end('SIGTERM');
});

async function start(pod: string): Promise<OperatorProcess> {
  const place = { server: plane.api, apiUrl: proxy.url, natsUrl: plane.nats.url, namespace, pod };
  const operator = await OperatorProcess.start(place);
  running.push(operator);
  return operator;
}

/** Who has the lease, by what it says of itself; empty: nobody. */
async function holder(): Promise<unknown> {
  const leases = await plane.get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`);
  const { items } = leases as unknown as { readonly items: readonly { readonly spec: { readonly holderIdentity?: string } }[] };
  expect(items).toHaveLength(1);
  return items[0]?.spec.holderIdentity ?? '';
}

function leads(operator: OperatorProcess): Promise<number> {
  return until(
    'it leads',
    WAIT_MS,
    () => Promise.resolve(operator.leads),
    () => operator.log,
  );
}
