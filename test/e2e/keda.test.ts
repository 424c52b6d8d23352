// KEDA, built from its own modules, scales a StreamJob by its scale subresource while scaling on load is off.
//
// By choice only (MILLRACE_KEDA=1): building it takes many minutes.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { job, makeNamespace, removeNamespace, status, story, untilReady } from './support/jobs.ts';
import { installKeda, removeKeda } from './support/keda.ts';
import { applyLoadJob, makeLoadStream } from './support/load.ts';
import { adminOf, connectClusterNats } from './support/nats.ts';
import { apply, freshName, kubectl, until } from './support/programs.ts';

const space = freshName('e2e-keda');
const NAME = 'scaled';
const LOAD = 'load-of-the-test';

beforeAll(async () => {
  await makeNamespace(space);
  await installKeda();
  const nats = await connectClusterNats(await adminOf(space));
  await makeLoadStream(nats, NAME);
  await nats.close();
}, 900_000);

afterAll(async () => {
  await kubectl(['delete', 'scaledobject', '--all', '-n', space, '--ignore-not-found', '--timeout=200s']);
  await removeNamespace(space);
  await removeKeda();
}, 900_000);

/** As many workers as there are pods that stand for load: what drives KEDA here is in the hand of the test. */
const scaledObject = {
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name: NAME, namespace: space },
  spec: {
    scaleTargetRef: { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', name: NAME },
    minReplicaCount: 1,
    maxReplicaCount: 3,
    pollingInterval: 5,
    advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } },
    triggers: [{ type: 'kubernetes-workload', metadata: { podSelector: `app=${LOAD}`, value: '1' } }],
  },
};

/** Pods that never start count as well. */
function loadPod(place: number): string {
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const container = { name: 'nothing', image: 'millrace.test/nothing:1', imagePullPolicy: 'Never', securityContext };
  const metadata = { name: `${LOAD}-${place}`, namespace: space, labels: { app: LOAD } };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } });
}

const untilWorkers = (count: number, why: string): Promise<unknown> =>
  until(
    `${count} workers: ${why}`,
    180_000,
    async () => {
      const { replicas, readyReplicas } = await status(space, NAME);
      return replicas === count && readyReplicas === count ? true : null;
    },
    async () =>
      `${await kubectl(['describe', 'scaledobject,hpa', '-n', space])}\n${await kubectl(['logs', 'deployment/keda-operator', '-n', 'keda', '--tail=40'])}\n${await story(space, NAME)}`,
  );

test('a ScaledObject takes a job from one worker to three and back', async () => {
  await applyLoadJob(space, NAME, (spec) => (spec['scaling'] = { mode: 'Off' }));
  await untilReady(space, NAME);
  expect((await status(space, NAME)).replicas).toBe(1);
  await apply(JSON.stringify(scaledObject));
  for (const place of [1, 2, 3]) await apply(loadPod(place));
  await untilWorkers(3, 'three pods of load');
  expect((await job(space, NAME))?.spec['replicas']).toBe(3);
  await kubectl(['delete', 'pod', '-n', space, '-l', `app=${LOAD}`, '--grace-period=0', '--force']);
  await untilWorkers(1, 'no load is left');
  expect((await job(space, NAME))?.spec['replicas']).toBe(1);
  expect((await status(space, NAME)).phase).toBe('Running');
}, 900_000);
