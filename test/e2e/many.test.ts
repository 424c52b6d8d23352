// Many jobs at once: all ready in bounded time, with an operator that stays small.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeNamespace, type StreamJobObject } from './support/jobs.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { list } from './support/objects.ts';
import { apply, kubectl, systemNamespace, until, freshName } from './support/programs.ts';

const space = freshName('e2e-many');
const jobs = Array.from({ length: 200 }, (_, i) => `many-${String(i).padStart(3, '0')}`);
/** Some rounds of the operator. */
const QUIET_MS = 15_000;
let nats: ClusterNats;

beforeAll(async () => {
  await makeNamespace(space);
  nats = await connectClusterNats(await adminOf(space));
  await nats.jsm.streams.add({ name: 'many', subjects: ['many.in'] });
});

afterAll(async () => {
  await kubectl(['delete', 'streamjobs', '--all', '-n', space, '--wait=true', '--timeout=560s'], { timeoutMs: 570_000 });
  await kubectl(['delete', 'namespace', space, '--wait=false']);
  await nats.close();
});

/** Without a worker: what the operator does is the same, and the machine has no room for 200 processes. */
function jobOf(name: string): object {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name, namespace: space },
    spec: {
      replicas: 0,
      deletionPolicy: 'Delete',
      partitions: 2,
      sources: [{ name: 'events', nats: { subjects: ['many.in'], stream: 'many' }, schema: { key: 'string' } }],
      stages: [{ name: 'counts', from: 'events', keyBy: 'event.key', aggregate: { n: { count: {} } } }],
      sinks: [{ name: 'out', from: 'counts', nats: { subject: `many.out.${name}`, stream: 'many-out' } }],
    },
  };
}

async function figure(metrics: string, name: string): Promise<number> {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function operatorMetrics(): Promise<string> {
  const [pod] = await list<{ metadata: { name: string } }>('pods', systemNamespace, 'app.kubernetes.io/component=operator');
  return kubectl(['get', '--raw', `/api/v1/namespaces/${systemNamespace}/pods/${pod?.metadata.name}:8080/proxy/metrics`]);
}

test('200 jobs that are applied at once are all ready in bounded time, and then nothing is written any more', async () => {
  const before = await operatorMetrics();
  const beganMs = performance.now();
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: jobs.map(jobOf) }));
  await until('all are ready', 600_000, async () => {
    const found = await list<StreamJobObject>('streamjobs', space);
    const ready = found.filter(({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
    return ready.length === jobs.length ? true : null;
  });
  const seconds = (performance.now() - beganMs) / 1_000;
  const after = await operatorMetrics();
  const calls =
    (await figure(after, 'millrace_operator_kube_requests_total')) - (await figure(before, 'millrace_operator_kube_requests_total'));
  const memory = await figure(after, 'millrace_operator_memory_bytes');
  console.log(
    `200 jobs ready in ${seconds.toFixed(1)} s, ${(calls / jobs.length).toFixed(1)} API calls a job, operator ${Math.round(memory / 2 ** 20)} MiB`,
  );
  expect(memory).toBeLessThan(512 * 2 ** 20);
  // Some rounds later: the same objects, to the letter.
  const versions = async (): Promise<string> =>
    (await list<{ metadata: { resourceVersion: string } }>('streamjobs', space)).map(({ metadata }) => metadata.resourceVersion).join();
  let now = await versions();
  await until('nothing is written any more', 300_000, async () => {
    const last = now;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    now = await versions();
    return now === last ? true : null;
  });
}, 1_200_000);
