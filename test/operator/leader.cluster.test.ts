// Two operators: one acts, the other takes over when it is gone.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlPlane, until } from './support/control-plane.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

const namespace = 'led';
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
  { fact: 'a leader that is killed is replaced when its lease has run out', signal: 'SIGKILL', withinMs: 20_000 },
  { fact: 'a leader that is asked to stop gives its lease away', signal: 'SIGTERM', withinMs: 4_000 },
] as const)('$fact', async ({ signal, withinMs }) => {
  const leader = await start(`${signal.toLowerCase()}-a`);
  await leads(leader, 30_000);
  const standby = await start(`${signal.toLowerCase()}-b`);
  await until(
    'the other is ready',
    20_000,
    () => Promise.resolve(standby.log.includes('waiting to lead')),
    () => standby.log,
  );
  expect(standby.leads).toBe(false);
  void leader.end(signal);
  const tookMs = await leads(standby, withinMs);
  console.log(`${signal}: the other leads after ${Math.round(tookMs)} ms`);
  await standby.end('SIGTERM');
});

async function start(pod: string): Promise<OperatorProcess> {
  const place = { server: plane.api, apiUrl: proxy.url, natsUrl: plane.nats.url, namespace, pod };
  const operator = await OperatorProcess.start(place);
  running.push(operator);
  return operator;
}

function leads(operator: OperatorProcess, limitMs: number): Promise<number> {
  return until(
    'it leads',
    limitMs,
    () => Promise.resolve(operator.leads),
    () => operator.log,
  );
}
