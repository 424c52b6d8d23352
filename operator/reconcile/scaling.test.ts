import { expect, test } from 'vitest';
import { poolSchema } from '../../crds/stream-job/pools.ts';
import { scalingSchema } from '../../crds/stream-job/scaling.ts';
import { Autoscaler } from '../autoscaler/autoscaler.ts';
import type { Sample } from '../autoscaler/sample.ts';
import { decide } from '../lifecycle/decide.ts';
import { declaredOf, figuresRunning, NOW_MS, observedWith, running, type Given } from '../lifecycle/observed-sample.ts';
import type { Observed } from '../lifecycle/observed.ts';
import { scaledJob } from './scaling.ts';
import { statusOf } from './status.ts';

const declared = declaredOf('h1');
const steady: Given = { declared, nats: running(declared).nats, figures: figuresRunning(declared, 1) };

/** At second t: 900 events a second come, all are taken in, one worker is busy 95 % with them. */
function sample(t: number): Sample {
  const time = { busyMs: 950 * t, blockedMs: 0, idleMs: 50 * t };
  const part = { busyMs: 450 * t, blockedMs: 0, idleMs: 0 };
  const task = (stage: string, partition: number, share: number) => ({
    task: `${stage}/${partition}`,
    stage,
    worker: 'w1',
    epoch: 1,
    eventsIn: 900 * t * share,
    edgesOut: [900 * t * share],
    time: part,
  });
  return {
    atMs: t * 1_000,
    workers: [{ id: 'w1', time }],
    tasks: [task('sums', 0, 0.5), task('sums', 1, 0.5), { ...task('orders', 0, 1), time: { ...part, busyMs: 50 * t } }],
    sources: [{ stage: 'orders', takenEvents: 900 * t, backlogEvents: 0 }],
    lags: new Map(),
    missing: null,
  };
}

/** Looks at the job every 4 s, each time with the status of the look before. */
function looks(given: Given, count: number): readonly { readonly observed: Observed; readonly status: Observed['job']['status'] }[] {
  const autoscaler = new Autoscaler();
  let status = running(declared).status;
  return Array.from({ length: count }, (_, i) => {
    const seen = observedWith({
      ...steady,
      nowMs: NOW_MS + i * 4_000,
      load: { kind: 'known', sample: sample(20 + i * 4) },
      deployedReplicas: status.scaling?.replicas ?? 1,
      ...given,
      job: { status },
    });
    const observed = scaledJob(autoscaler, seen);
    status = statusOf(observed, decide(observed));
    return { observed, status };
  });
}
const scaling = (more: object = {}): NonNullable<Given['cluster']> => ({
  scaling: scalingSchema.parse({ mode: 'Apply', ...more }),
  replicas: 1,
});

test('what scaling decides takes the place of spec.replicas, stands in the status, and is told once', () => {
  const [first, second, third] = looks({ cluster: scaling() }, 3);
  expect(first?.observed.cluster.replicas).toBe(1);
  expect(first?.status.scaling?.now).toMatch(/no two measurements/);
  expect(second?.observed.cluster.replicas).toBe(2);
  expect(decide(second?.observed as Observed)).toMatchObject({
    replicas: 2,
    events: [{ reason: 'Scaled', message: expect.stringMatching(/^workers 1 → 2: 900 events\/s come/) }],
  });
  expect(second?.status.scaling).toMatchObject({ replicas: 2, declared: 1, trial: { from: 1 } });
  expect(second?.status.decisions).toHaveLength(1);
  expect(third?.status.decisions).toEqual(second?.status.decisions);
  expect(third?.status.ready).toBe('1/2');
});

test('Off changes nothing, and leaves nothing in the status', () => {
  const [, second] = looks({ cluster: { replicas: 3 } }, 2);
  expect(second?.observed.cluster.replicas).toBe(3);
  expect(second?.status.scaling).toBeUndefined();
  expect(second?.status.conditions?.map(({ type }) => type)).not.toContain('ScalingLimited');
});

test('Recommend says it once and does nothing', () => {
  const all = looks({ cluster: scaling({ mode: 'Recommend' }) }, 4);
  expect(all.map(({ observed }) => observed.cluster.replicas)).toEqual([1, 1, 1, 1]);
  expect(all.at(-1)?.status.decisions).toEqual([
    expect.stringMatching(/recommended, not done \(scaling.mode is Recommend\): workers 1 → 2/),
  ]);
  expect(all.at(-1)?.status.scaling?.replicas).toBe(2);
});

test('an operator that starts anew goes on with what stands in the status', () => {
  const status = { ...running(declared).status, scaling: { replicas: 5, declared: 1 } };
  const seen = observedWith({
    ...steady,
    cluster: scaling(),
    deployedReplicas: 2,
    job: { status },
    load: { kind: 'absent', reason: 'not connected' },
  });
  const observed = scaledJob(new Autoscaler(), seen);
  // the widest stage has two partitions: more than that would have nothing to do
  expect(observed.cluster.replicas).toBe(2);
  expect(observed.scaling?.sentences).toEqual(['workers 5 → 2: the widest stage has 2 partitions']);
});

test('kubectl scale is not followed, which is said once; replicas 0 is', () => {
  const before = { ...running(declared).status, scaling: { replicas: 2, declared: 1 } };
  const with_ = (replicas: number): Observed =>
    scaledJob(
      new Autoscaler(),
      observedWith({ ...steady, cluster: { ...scaling(), replicas }, deployedReplicas: 2, job: { status: before } }),
    );
  expect(with_(7).cluster.replicas).toBe(2);
  expect(with_(7).scaling?.sentences).toEqual(['spec.replicas went 1 → 7: not followed while scaling.mode is Apply; 2 workers stay']);
  expect(with_(0).cluster.replicas).toBe(0);
});

test('a pool is scaled by itself, and the default pool stays as it is', () => {
  const pooled = declaredOf('h1', (text) => `${text}  pools: [{ name: heavy, stages: [sums] }]\n`);
  const { workers, ...heavy } = poolSchema.parse({ name: 'heavy', stages: ['sums'], scaling: { mode: 'Apply' } });
  const autoscaler = new Autoscaler();
  let status = running(pooled).status;
  const all = Array.from({ length: 3 }, (_, i) => {
    const whole = sample(20 + i * 4);
    const own = {
      ...whole,
      tasks: whole.tasks.filter(({ stage }) => stage === 'sums'),
      sources: [{ ...whole.sources[0]!, stage: 'sums' }],
    };
    const pool = {
      ...heavy,
      workers,
      pods: { total: 1, ready: 1, terminating: 0, problems: [] },
      deployedReplicas: status.pools?.[0]?.scaling?.replicas ?? 1,
      rollout: 'done' as const,
      load: { kind: 'known' as const, sample: own },
      scaled: null,
    };
    const given = { ...running(pooled), declared: pooled, figures: figuresRunning(pooled, 1), nowMs: NOW_MS + i * 4_000, pools: [pool] };
    const observed = scaledJob(autoscaler, observedWith({ ...given, job: { status } }));
    status = statusOf(observed, decide(observed));
    return { observed, status };
  });
  expect(all[1]?.observed.cluster.replicas).toBe(1);
  expect(all.map(({ observed }) => observed.pools[0]?.replicas)).toEqual([1, 2, 2]);
  expect(all[2]?.status.pools?.[0]).toMatchObject({ name: 'heavy', scaling: { replicas: 2, declared: 1, trial: { from: 1 } } });
  expect(all[2]?.status.scaling).toBeUndefined();
  expect(all[2]?.status.decisions).toEqual([expect.stringMatching(/ pool heavy: workers 1 → 2: 900 events\/s come/)]);
});

test('a job that sleeps is Ready and looked at every second', () => {
  const status = { ...running(declared).status, scaling: { replicas: 0, declared: 1 } };
  const seen = observedWith({ ...steady, cluster: scaling({ idle: '1m' }), deployedReplicas: 0, job: { status } });
  const decision = decide(scaledJob(new Autoscaler(), seen));
  expect(decision).toMatchObject({
    phase: 'Suspended',
    replicas: 0,
    againMs: 1_000,
    conditions: { Ready: { status: 'True', reason: 'Asleep' } },
  });
});
