// Whoever sets the number of workers through the scale subresource: a real HorizontalPodAutoscaler.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { job, makeNamespace, removeNamespace, status, story, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream } from './support/load.ts';
import { adminOf, connectClusterNats } from './support/nats.ts';
import { get } from './support/objects.ts';
import { apply, freshName, kubectl, until } from './support/programs.ts';

const space = freshName('e2e-scaler');
const NAME = 'scaled';

beforeAll(async () => {
  await makeNamespace(space);
  const nats = await connectClusterNats(await adminOf(space));
  await makeLoadStream(nats, NAME);
  await nats.close();
});

afterAll(() => removeNamespace(space));

type Scaler = {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
  };
};

/** As `kubectl autoscale` makes it. There is no metrics server here: what it does by itself is to keep within its bounds. */
async function applyScaler(minReplicas: number, maxReplicas: number): Promise<void> {
  await apply(
    JSON.stringify({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: NAME, namespace: space },
      spec: {
        scaleTargetRef: { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', name: NAME },
        minReplicas,
        maxReplicas,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      },
    }),
  );
}

const declared = async (): Promise<unknown> => (await job(space, NAME))?.spec['replicas'];
const untilReadyWorkers = async (count: number, why: string): Promise<void> => {
  await until(
    `${count} workers: ${why}`,
    150_000,
    async () => {
      const { replicas, readyReplicas } = await status(space, NAME);
      return replicas === count && readyReplicas === count ? true : null;
    },
    async () => `${await kubectl(['describe', 'hpa', NAME, '-n', space])}\n${await story(space, NAME)}`,
  );
};

test('a HorizontalPodAutoscaler is followed, and not fought over while the load decides', async () => {
  await applyLoadJob(space, NAME);
  await untilReady(space, NAME);
  await applyScaler(3, 4);
  await untilReadyWorkers(3, 'its least');
  expect(await declared()).toBe(3);
  await applyScaler(1, 1);
  await untilReadyWorkers(1, 'its most');

  await kubectl(['patch', 'streamjob', NAME, '-n', space, '--type=merge', '-p', '{"spec":{"scaling":{"mode":"Apply"}}}']);
  await until('the load decides', 150_000, async () => ((await status(space, NAME)).scaling?.replicas === 1 ? true : null));
  await applyScaler(2, 4);
  const said = /spec.replicas went 1 → 2: not followed while scaling.mode is Apply; 1 worker stays/;
  const sayings = async (): Promise<readonly string[]> => ((await status(space, NAME)).decisions ?? []).filter((one) => said.test(one));
  await until(
    'it says that it does not follow',
    150_000,
    async () => ((await sayings()).length > 0 ? true : null),
    () => story(space, NAME),
  );
  // What it wrote stays: nobody writes it back, so there is nothing to repeat.
  expect(await declared()).toBe(2);
  expect(await status(space, NAME)).toMatchObject({ replicas: 1, scaling: { replicas: 1, declared: 2 } });
  const generation = (await job(space, NAME))?.metadata.generation;
  await applyScaler(2, 5);
  await until('it has looked once more', 150_000, async () => {
    const scaler = await get<Scaler>('hpa', space, NAME);
    return scaler?.status?.observedGeneration === scaler?.metadata.generation ? scaler : null;
  });
  expect((await job(space, NAME))?.metadata.generation).toBe(generation);
  expect(await sayings()).toHaveLength(1);

  await kubectl(['patch', 'streamjob', NAME, '-n', space, '--type=merge', '-p', '{"spec":{"scaling":{"mode":"Off"}}}']);
  await untilReadyWorkers(2, 'its least, once the load decides no more');
}, 900_000);
