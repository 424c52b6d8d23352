// Pods of a pool that find no node, on a real API server and with a worker of the default pool: the job is not ready before the pool has come
// up, and the revision that brought a pool that never does is taken back after its deadline. A pool that is up and is to go to other nodes stays where it
// is until they are there. What scheduler, kubelet and the controller of Deployments say is written here.
import { expect, test } from 'vitest';
import { startPod } from '../../runtime/pod/pod-harness.ts';
import type { Condition, ConditionType } from '../../crds/stream-job/status.ts';
import { selectorLabels } from '../../operator/resources/manifest.ts';
import { until } from '../support/until.ts';
import { JOB, jobPath, type Live } from './support/control-plane.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

const namespace = 'unplaced';
const waitMs = 180_000;
const pods = `/api/v1/namespaces/${namespace}/pods`;
const events = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
const nowhere = '0/3 nodes are available: 3 node(s) did not match the node selector';
const heavyPods = `/apis/apps/v1/namespaces/${namespace}/deployments/${JOB}-worker-heavy`;
const bed = operatedNamespace(namespace);

const statusOf = async (): Promise<Live['status']> => (await bed.plane.get(jobPath(namespace)))?.status;
const story = async (): Promise<string> => `${JSON.stringify(await statusOf(), null, 1)}\n${bed.operator.log}`;

type Upgrade = { readonly progressDeadline?: string; readonly workers?: object };

async function apply(pools: readonly string[], { progressDeadline = '10m', workers = {} }: Upgrade = {}): Promise<void> {
  await bed.plane.apply(namespace, {
    stages: [{ name: 'counts', from: 'load', keyBy: 'event.key', aggregate: { n: { count: {} } } }],
    sinks: [{ name: 'out', from: 'counts', journal: {} }],
    replicas: 1,
    upgrade: { progressDeadline },
    pools: pools.map((name) => ({ name, stages: ['counts'], workers })),
  });
}

/** As the ReplicaSet of the pool's Deployment makes it. */
async function makePod(pool: string, set = '5d4f8'): Promise<string> {
  const name = `${JOB}-worker-${pool}-${set}-x7k2p`;
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${JOB}-worker-${pool}-${set}`, uid: 'of-a-test', controller: true };
  await bed.plane.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: selectorLabels(JOB, pool), ownerReferences: [owner] },
    spec: { containers: [{ name: 'worker', image: 'millrace-worker:test' }] },
  });
  return name;
}

async function findsNoNode(pod: string): Promise<void> {
  await tell(pod, { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: nowhere });
}

async function tell(pod: string, condition: object): Promise<void> {
  await bed.plane.patch(`${pods}/${pod}/status`, { status: { conditions: [condition] } });
}

async function says(type: ConditionType, part: string): Promise<void> {
  await until(`${type} ${part}`, waitMs, async () => (await bed.plane.said(namespace, type)).includes(part), story);
}

const isReady = (revision: number): Promise<number> =>
  until(`revision ${revision} is ready`, waitMs, async () => (await bed.plane.readiness(namespace)) === `Running ${revision}`, story);

test('tasks of a pool that has no worker stay where they are, and the job is not ready: it says which pool, and why', async () => {
  startPod({ natsUrl: bed.plane.nats.url, job: `${namespace}_${JOB}`, worker: 'w1' });
  await apply([]);
  await isReady(1);
  await apply(['heavy']);
  const pod = await makePod('heavy');
  await findsNoNode(pod);
  const told = `tasks run; waiting for a worker pod of pool heavy to be ready (pod ${pod} has no node: ${nowhere})`;
  await says('Ready', told);
  await says('Degraded', `True PodsNotStarting: pod ${pod} has no node`);
  const status = await statusOf();
  expect(status).toMatchObject({ phase: 'Upgrading', revision: { number: 2 }, stableRevision: { number: 1 } });
  expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'Upgrading' }));
});

test('it is ready when one of its pods is', async () => {
  await tell(`${JOB}-worker-heavy-5d4f8-x7k2p`, { type: 'Ready', status: 'True' });
  await isReady(2);
  await says('Degraded', 'False AsExpected');
  expect((await statusOf())?.stableRevision?.number).toBe(2);
});

/** As the controller of Deployments does. */
async function countPods(replicas: number, updatedReplicas: number, conditions: readonly object[] = []): Promise<void> {
  const { generation } = (await bed.plane.get(heavyPods))!.metadata;
  await bed.plane.patch(`${heavyPods}/status`, { status: { observedGeneration: generation, replicas, updatedReplicas, conditions } });
}

test('another node selector for a pool that runs, which no node has: the job is not ready from the first, its old pod and its revision stay', async () => {
  await countPods(1, 1);
  await isReady(2);
  await apply(['heavy'], { workers: { nodeSelector: { disk: 'none' } } });
  const { generation } = (await bed.plane.get(jobPath(namespace)))!.metadata;
  const ready = async (): Promise<Condition | undefined> => (await statusOf())?.conditions?.find(({ type }) => type === 'Ready');
  await until('Ready is of the new spec', waitMs, async () => (await ready())?.observedGeneration === generation, story);
  const what = 'worker pods of pool heavy are being replaced, as what they get has changed; those of before go on until then';
  expect((await ready())?.message).toMatch(new RegExp(`^revision 2: all \\d+ tasks run; ${what}`));
  expect(await ready()).toMatchObject({ status: 'False', reason: 'ReplacingPods' });
  const pod = await makePod('heavy', '7c9b6');
  await findsNoNode(pod);
  await countPods(2, 1);
  const why = `. The new ones do not start (pod ${pod} has no node: ${nowhere}): change workers of pool heavy, or make it possible`;
  await says('Ready', `${what}${why}`);
  await says('Reconciling', 'True ReplacingPods');
  await says('Degraded', `True PodsNotStarting: pod ${pod} has no node`);
  await countPods(2, 1, [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }]);
  await says('Stalled', 'True ReplacingPods');
  expect(await statusOf()).toMatchObject({ phase: 'Running', revision: { number: 2 }, stableRevision: { number: 2 } });
  await apply(['heavy']);
  await until('its Deployment is as before', waitMs, async () => !JSON.stringify(await bed.plane.get(heavyPods)).includes('disk'), story);
  await bed.plane.remove(`${pods}/${pod}`);
  await countPods(1, 1);
  await isReady(2);
});

test('a revision whose pool does not come up within its deadline is taken back', async () => {
  await apply(['light']);
  await findsNoNode(await makePod('light'));
  await says('Ready', 'False Upgrading: revision 3: ');
  await says('Ready', 'waiting for a worker pod of pool light to be ready (pod ');
  await apply(['light'], { progressDeadline: '1s' });
  await says('Stalled', 'True RolledBack: this spec was tried and did not progress; revision 4 runs instead');
  expect(await statusOf()).toMatchObject({ revision: { number: 4 }, stableRevision: { number: 4 } });
  const isTold = async (): Promise<boolean> => {
    const found = JSON.stringify(await bed.plane.get(events));
    return /revision 3 did not progress \([^"]*waiting for a worker pod of pool light to be ready [^"]*after 1s\); revision 2 is run again, as 4/.test(
      found,
    );
  };
  await until('an event says why', waitMs, isTold, async () => JSON.stringify(await bed.plane.get(events)));
});
