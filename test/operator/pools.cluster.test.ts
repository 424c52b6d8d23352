// A job with two pools on a real API server: a Deployment each, scaled apart, and what belongs to a pool goes with it.
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { jobPath, type Live } from './support/control-plane.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

const namespace = 'pools';
const waitMs = 90_000;
const counts = {
  stages: [{ name: 'counts', from: 'load', keyBy: 'event.key', aggregate: { n: { count: {} } } }],
  sinks: [{ name: 'out', from: 'counts', journal: {} }],
  workers: { nodeSelector: { zone: 'a' } },
};
const heavy = { name: 'heavy', stages: ['counts'] };
const kinds = {
  deployment: `/apis/apps/v1/namespaces/${namespace}/deployments`,
  budget: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  policy: `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`,
} as const;
const OWN = 'counted-worker';
const HEAVY = 'counted-worker-heavy';

const bed = operatedNamespace(namespace);

const live = (kind: keyof typeof kinds, name: string): Promise<Live | null> => bed.plane.get(`${kinds[kind]}/${name}`);
const replicasOf = async (name: string): Promise<unknown> => (await live('deployment', name))?.spec['replicas'];
const told = (): string => bed.operator.log;

async function haveReplicas(own: number, ofHeavy: number): Promise<void> {
  const holds = async (): Promise<boolean> => (await replicasOf(OWN)) === own && (await replicasOf(HEAVY)) === ofHeavy;
  await until(`${own} workers in the default pool, ${ofHeavy} in heavy`, waitMs, holds, told);
}

test('each pool has objects of its own, with the pods that it asks for', async () => {
  const workers = { resources: { requests: { cpu: '2' } }, nodeSelector: { disk: 'fast' } };
  await bed.plane.apply(namespace, {
    ...counts,
    replicas: 2,
    pools: [{ ...heavy, replicas: 3, workers }],
  });
  await haveReplicas(2, 3);
  for (const kind of ['budget', 'policy'] as const)
    await until(`the ${kind} is there`, waitMs, async () => (await live(kind, HEAVY)) !== null, told);
  const [own, ofHeavy] = await Promise.all(
    [OWN, HEAVY].map(async (name) => JSON.stringify((await live('deployment', name))?.spec['template'])),
  );
  expect(ofHeavy).toContain('{"name":"MILLRACE_POOL","value":"heavy"}');
  expect(own).not.toContain('MILLRACE_POOL');
  expect(ofHeavy).toContain('"nodeSelector":{"disk":"fast"}');
  expect(own).toContain('"nodeSelector":{"zone":"a"}');
});

test('the status tells each pool, and the scale subresource is that of the default pool', async () => {
  const statusOf = async (): Promise<Live['status']> => (await bed.plane.get(jobPath(namespace)))?.status;
  await until('the pool is told', waitMs, async () => (await statusOf())?.pools?.[0]?.ready === '0/3', told);
  expect(await statusOf()).toMatchObject({ ready: '0/5', replicas: 0, pools: [{ name: 'heavy', replicas: 0, ready: '0/3' }] });
  await bed.plane.patch(`${jobPath(namespace)}/scale`, { spec: { replicas: 4 } });
  await haveReplicas(4, 3);
});

test('a pool is scaled without a touch of the other', async () => {
  const before = (await live('deployment', OWN))?.metadata;
  await bed.plane.apply(namespace, { ...counts, replicas: 4, pools: [{ ...heavy, replicas: 1 }] });
  await haveReplicas(4, 1);
  expect((await live('deployment', OWN))?.metadata['generation']).toBe(before?.generation);
});

test('what somebody deletes of a pool is back', async () => {
  for (const kind of ['deployment', 'budget', 'policy'] as const) {
    const uid = (await live(kind, HEAVY))?.metadata['uid'];
    await bed.plane.remove(`${kinds[kind]}/${HEAVY}`);
    const isBack = async (): Promise<boolean> => {
      const now = (await live(kind, HEAVY))?.metadata['uid'];
      return now !== undefined && now !== uid;
    };
    await until(`the ${kind} is back`, waitMs, isBack, told);
  }
});

test('a pool that is gone from the spec stays while its stages move, and goes with all its objects when nothing is to run', async () => {
  await bed.plane.apply(namespace, { ...counts, replicas: 4 });
  const movedTo = async (revision: number): Promise<boolean> =>
    (await bed.plane.get(jobPath(namespace)))?.status?.revision?.number === revision;
  await until('the workers are told', waitMs, () => movedTo(2), told);
  expect(await replicasOf(HEAVY)).toBe(1); // no worker runs here: nobody has taken its tasks over
  await bed.plane.apply(namespace, { ...counts, replicas: 4, suspend: true });
  const isGone = async (): Promise<boolean> =>
    (await Promise.all((['deployment', 'budget', 'policy'] as const).map((kind) => live(kind, HEAVY)))).every((one) => one === null);
  await until('all its objects are gone', waitMs, isGone, told);
  await until('no worker is asked for', waitMs, async () => (await replicasOf(OWN)) === 0, told);
});
