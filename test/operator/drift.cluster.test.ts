// What somebody else does to a job's children is mended; what is only theirs stays. Deletion does not wait for a NATS that is gone.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { children, ControlPlane, jobPath, until } from './support/control-plane.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

const namespace = 'drift';
const mendedMs = 10_000;
let plane: ControlPlane;
let proxy: WriteProxy;
let operator: OperatorProcess;

beforeAll(async () => {
  plane = await ControlPlane.start();
  proxy = await WriteProxy.start(plane.api);
  await plane.makeNamespace(namespace);
  operator = await OperatorProcess.start({ server: plane.api, apiUrl: proxy.url, natsUrl: plane.nats.url, namespace });
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

const kinds = [
  { kind: 'deployment', edit: { replicas: 3, template: { spec: { automountServiceAccountToken: true } } } },
  { kind: 'budget', edit: { maxUnavailable: null, minAvailable: 5 } },
  { kind: 'policy', edit: { policyTypes: ['Egress'] } },
] as const;

test.each(kinds)('a $kind that is deleted is back', async ({ kind }) => {
  const path = pathOf(kind);
  const before = await plane.get(path);
  await plane.remove(path);
  await mended(kind, before?.spec, before?.metadata['uid']);
});

test.each(kinds)('a $kind that is edited is as it was, and foreign labels and annotations stay', async ({ kind, edit }) => {
  const path = pathOf(kind);
  const before = await plane.get(path);
  const theirs = { 'example.com/theirs': 'kept' };
  await plane.patch(path, { metadata: { labels: theirs, annotations: theirs }, spec: edit });
  expect((await plane.get(path))?.metadata.generation ?? 0).toBeGreaterThan(before?.metadata.generation ?? 0);
  await mended(kind, before?.spec);
  const after = await plane.get(path);
  expect(after?.metadata['labels']).toMatchObject(theirs);
  expect(after?.metadata['annotations']).toMatchObject(theirs);
});

test('a job whose state cannot be removed goes without it, and says so', async () => {
  await plane.nats.kill();
  await plane.remove(jobPath(namespace));
  const tookMs = await until(
    'the job is gone',
    45_000,
    async () => (await plane.get(jobPath(namespace))) === null,
    () => operator.log,
  );
  console.log(`without NATS the job is gone after ${Math.round(tookMs)} ms`);
  const events = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const told = async (): Promise<boolean> => JSON.stringify(await plane.get(events)).includes('NATS did not answer for 30 s');
  await until('an event tells what is left', 10_000, told, async () => JSON.stringify(await plane.get(events)));
});

function pathOf(kind: keyof typeof children): string {
  return children[kind].replace('NS', namespace);
}

async function mended(kind: keyof typeof children, spec: unknown, oldUid?: unknown): Promise<void> {
  const same = async (): Promise<boolean> => {
    const live = await plane.get(pathOf(kind));
    return live !== null && live.metadata['uid'] !== oldUid && JSON.stringify(live.spec) === JSON.stringify(spec);
  };
  const tookMs = await until(`${kind} is mended`, mendedMs, same, async () =>
    JSON.stringify([spec, (await plane.get(pathOf(kind)))?.spec]),
  );
  console.log(`${kind}: mended after ${Math.round(tookMs)} ms`);
}
