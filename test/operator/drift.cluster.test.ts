// What somebody else does to a job's children is mended; what is only theirs stays. Deletion does not wait for a NATS that is gone.
import { beforeAll, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { children, jobPath } from './support/control-plane.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

const namespace = 'drift';
const mendedMs = 90_000;
const bed = operatedNamespace(namespace);

beforeAll(async () => {
  await bed.plane.apply(namespace);
  await bed.jobIsReady();
});

const kinds = [
  { kind: 'deployment', edit: { replicas: 3, template: { spec: { automountServiceAccountToken: true } } } },
  { kind: 'budget', edit: { maxUnavailable: null, minAvailable: 5 } },
  { kind: 'policy', edit: { policyTypes: ['Egress'] } },
] as const;

test.each(kinds)('a $kind that is deleted is back', async ({ kind }) => {
  const path = pathOf(kind);
  const before = await bed.plane.get(path);
  await bed.plane.remove(path);
  await mended(kind, before?.spec, before?.metadata['uid']);
});

test.each(kinds)('a $kind that is edited is as it was, and foreign labels and annotations stay', async ({ kind, edit }) => {
  const path = pathOf(kind);
  const before = await bed.plane.get(path);
  const theirs = { 'example.com/theirs': 'kept' };
  await bed.plane.patch(path, { metadata: { labels: theirs, annotations: theirs }, spec: edit });
  expect((await bed.plane.get(path))?.metadata.generation ?? 0).toBeGreaterThan(before?.metadata.generation ?? 0);
  await mended(kind, before?.spec);
  const after = await bed.plane.get(path);
  expect(after?.metadata['labels']).toMatchObject(theirs);
  expect(after?.metadata['annotations']).toMatchObject(theirs);
});

test('a job whose state cannot be removed goes without it, and says so', async () => {
  await bed.plane.nats.kill();
  await bed.plane.remove(jobPath(namespace));
  const tookMs = await until(
    'the job is gone',
    150_000,
    async () => (await bed.plane.get(jobPath(namespace))) === null,
    () => bed.operator.log,
  );
  console.log(`without NATS the job is gone after ${Math.round(tookMs)} ms`);
  const events = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const told = async (): Promise<boolean> => JSON.stringify(await bed.plane.get(events)).includes('NATS did not answer for 30 s');
  await until('an event tells what is left', 90_000, told, async () => JSON.stringify(await bed.plane.get(events)));
});

function pathOf(kind: keyof typeof children): string {
  return children[kind].replace('NS', namespace);
}

async function mended(kind: keyof typeof children, spec: unknown, oldUid?: unknown): Promise<void> {
  const same = async (): Promise<boolean> => {
    const live = await bed.plane.get(pathOf(kind));
    return live !== null && live.metadata['uid'] !== oldUid && JSON.stringify(live.spec) === JSON.stringify(spec);
  };
  const tookMs = await until(`${kind} is mended`, mendedMs, same, async () =>
    JSON.stringify([spec, (await bed.plane.get(pathOf(kind)))?.spec]),
  );
  console.log(`${kind}: mended after ${Math.round(tookMs)} ms`);
}
