import { expect, test } from 'vitest';
import { POOLS_MAX, poolSchema } from '../../crds/stream-job/pools.ts';
import { STATUS_DECISIONS_MAX, streamJobStatusSchema } from '../../crds/stream-job/status.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { decide } from '../lifecycle/decide.ts';
import { declaredOf, figuresRunning, observedWith, running, secondsAgo, type Given } from '../lifecycle/observed-sample.ts';
import type { PoolObserved } from '../lifecycle/observed.ts';
import { rateText, statusOf, watermarkText, withoutFigures } from './status.ts';

const declared = declaredOf('h1');
const steady: Given = { nats: running(declared).nats, job: { status: running(declared).status } };
const absent = { kind: 'absent', reason: 'connection refused' } as const;

function statusWith(given: Given): ReturnType<typeof statusOf> {
  const observed = observedWith(given);
  return statusOf(observed, decide(observed));
}

test('figures that all workers report are told', () => {
  const status = statusWith({ ...steady, figures: figuresRunning(declared, 1) });
  expect(status).toMatchObject({ phase: 'Running', ready: '1/1', rate: '12.3', watermark: '2026-01-01T00:09:55Z' });
  expect(status.stages?.find(({ name }) => name === 'sums')).toEqual({
    name: 'sums',
    partitions: 2,
    running: 2,
    lag: '7',
    rate: '12.3',
    watermark: '2026-01-01T00:09:55Z',
    deadLetters: 0,
  });
});

const sourceOf = (status: ReturnType<typeof statusOf>): string | undefined => status.stages?.find(({ name }) => name === 'orders')?.lag;

test('what waits in the stream of a source is lag of the source, and of the job', () => {
  const behind = declared.plan.stages.filter(({ kind }) => kind !== 'source').length * 7;
  const status = statusWith({ ...steady, figures: figuresRunning(declared, 1), backlogs: new Map([['orders', 1_200]]) });
  expect([sourceOf(status), status.lag]).toEqual(['1200', String(1_200 + behind)]);
});

test('a source whose stream does not answer, or that reads files, has an Unknown lag, and so has the job; never zero', () => {
  for (const backlogs of [new Map(), new Map([['orders', null]])]) {
    const status = statusWith({ ...steady, figures: figuresRunning(declared, 1), backlogs });
    expect([sourceOf(status), status.lag]).toEqual(['Unknown', 'Unknown']);
    expect(status).toMatchObject({ rate: '12.3', watermark: '2026-01-01T00:09:55Z' });
  }
});

test('that a stream does not answer is no change that is written at once, and other figures are none either', () => {
  const [known, unknown, more] = [5, null, 900].map((events) =>
    statusWith({ ...steady, figures: figuresRunning(declared, 1), backlogs: new Map([['orders', events]]) }),
  );
  if (known === undefined || unknown === undefined || more === undefined) throw new Error('three of them');
  expect(withoutFigures(unknown)).toEqual(withoutFigures(known));
  expect(withoutFigures(more)).toEqual(withoutFigures(known));
  const silent = statusWith({ ...steady, figures: null });
  expect(withoutFigures(silent)).not.toEqual(withoutFigures(known));
});

test('a suspended job asks for no pod', () => {
  expect(
    statusWith({ ...steady, cluster: { suspend: true, replicas: 3 }, pods: { total: 0, ready: 0, terminating: 0, problems: [] } }),
  ).toMatchObject({ phase: 'Suspended', ready: '0/0', replicas: 0 });
});

test('without reports figures are Unknown, not zero', () => {
  expect(statusWith({ ...steady, figures: null })).toMatchObject({ lag: 'Unknown', watermark: 'Unknown', rate: 'Unknown' });
});

test('one partition that nobody reports makes its stage Unknown, and the job', () => {
  const status = statusWith({ ...steady, figures: figuresRunning(declared, 1, ['sums/1']) });
  expect(status).toMatchObject({ lag: 'Unknown', watermark: 'Unknown', rate: '12.3' });
  expect(status.stages?.find(({ name }) => name === 'sums')).toEqual({
    name: 'sums',
    partitions: 2,
    running: 1,
    lag: 'Unknown',
    rate: 'Unknown',
    watermark: 'Unknown',
  });
});

test('a condition keeps its time while its status stays', () => {
  const before = statusWith({ ...steady, figures: figuresRunning(declared, 1) });
  const old = before.conditions?.map((condition) => ({ ...condition, lastTransitionTime: '2025-12-31T00:00:00Z' })) ?? [];
  const after = statusWith({ ...steady, job: { status: { ...before, conditions: old } }, figures: null });
  const time = (type: string): string | undefined => after.conditions?.find((condition) => condition.type === type)?.lastTransitionTime;
  expect(time('Ready')).toBe('2026-01-01T00:10:00Z'); // True became False
  expect(time('Stalled')).toBe('2025-12-31T00:00:00Z');
});

test('a condition that was not judged in this round keeps its generation; what was judged has the new one', () => {
  const conserved = {
    status: 'True',
    reason: 'Conserved',
    message: 'all',
    observedGeneration: 1,
    lastTransitionTime: secondsAgo(60),
  } as const;
  const conditions = [{ type: 'ConservationOK', ...conserved }];
  const status = statusWith({ ...steady, job: { generation: 2, status: { ...running(declared).status, conditions } }, figures: null });
  const generations = Object.fromEntries(status.conditions?.map((one) => [one.type, one.observedGeneration]) ?? []);
  expect(generations).toEqual({ Ready: 2, Reconciling: 2, Stalled: 2, Degraded: 2, DurabilityDegraded: 2, ConservationOK: 1 });
});

test('scaling is remembered as a sentence, the last few of them', () => {
  const decisions = Array.from({ length: STATUS_DECISIONS_MAX }, (_, i) => `${i}`);
  const status = statusWith({
    ...steady,
    job: { status: { ...running(declared).status, decisions } },
    cluster: { replicas: 4 },
    figures: null,
  });
  expect(status.decisions).toHaveLength(STATUS_DECISIONS_MAX);
  expect(status.decisions?.at(-1)).toBe('2026-01-01T00:10:00.000Z workers 1 → 4');
});

test('what a decision does not mention stays', () => {
  const status = statusWith({ ...steady, job: { status: { ...running(declared).status, runId: 'run1' } }, nats: absent });
  expect(status).toMatchObject({ runId: 'run1', revision: { number: 1 }, stableRevision: { number: 1 } });
});

test('the last savepoint is the newest one that is there; when none is left, none is told', () => {
  const before = { name: 'monday', takenAt: secondsAgo(60), bytes: 7 };
  const job = { status: { ...running(declared).status, lastSavepoint: before } };
  const tuesday = { name: 'tuesday', takenAt: secondsAgo(5), bytes: 8 };
  expect(statusWith({ ...steady, job, lastSavepoint: tuesday }).lastSavepoint).toEqual(tuesday);
  expect(statusWith({ ...steady, job, lastSavepoint: null })).not.toHaveProperty('lastSavepoint');
});

test('the status of a job with 100 stages has at most 32 kB, and is what its schema says', () => {
  const status = statusWith(largeJob([]));
  expect(status.stages?.length).toBe(100);
  expect(JSON.stringify(status).length).toBeLessThan(32 * 1024);
  expect(streamJobStatusSchema.parse(status)).toEqual(status);
});

/** Stages are shared out to the pools. */
function largeJob(pools: readonly string[]): Given {
  const stages = Array.from({ length: 98 }, (_, i) => {
    const name = `a-stage-with-a-rather-long-name-as-people-give-them-${String(i).padStart(3, '0')}`;
    return { name, from: 'orders', keyBy: `event.k${i}`, dedupe: { ttl: '1h' } };
  });
  const text = JSON.stringify({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'large' },
    spec: {
      sources: [
        {
          name: 'orders',
          nats: { subjects: ['orders.in'] },
          schema: Object.fromEntries(stages.map((_, i) => [`k${i}`, 'string'])),
          eventTime: { at: 'timeMs' },
        },
      ],
      stages,
      pools: pools.map((name, p) => ({ name, stages: stages.filter((_, i) => i % pools.length === p).map((stage) => stage.name) })),
    },
  });
  const job = readStreamJob(text, { file: 'large', parameters: {} });
  const large = {
    kind: 'valid',
    job,
    plan: planJob(job, {}, { identity: 'a_large', deadLetterFile: false }),
    hash: 'h',
    code: null,
  } as const;
  return {
    declared: large,
    nats: running(large).nats,
    job: { status: running(large).status },
    figures: figuresRunning(large, 1),
  };
}

test('with as many pools as there may be, each with all that scaling may say, too', () => {
  const pools = Array.from({ length: POOLS_MAX }, (_, i) =>
    pooled(`pool-of-a-rather-long-name-${String(i).padStart(3, '0')}`, 'x'.repeat(600)),
  );
  const status = statusWith({ ...steady, ...largeJob(pools.map(({ name }) => name)), pools });
  expect(status.pools).toHaveLength(POOLS_MAX);
  expect(JSON.stringify(status).length).toBeLessThan(32 * 1024);
  expect(streamJobStatusSchema.parse(status)).toEqual(status);
});

test('the scale subresource is that of the default pool; READY counts all pools', () => {
  const pods = { total: 3, ready: 2, terminating: 0, problems: [] };
  const left = { name: 'old', pods: { ...pods, total: 1, ready: 1 }, runsTasks: true };
  const own = { total: 1, ready: 1, terminating: 0, problems: [] };
  const status = statusWith({ ...steady, pods, defaultPods: own, pools: [{ ...pooled('heavy', ''), scaled: null }], poolsLeft: [left] });
  expect(status).toMatchObject({
    replicas: 1,
    readyReplicas: 1,
    ready: '2/3',
    pools: [
      { name: 'heavy', replicas: 2, ready: '1/2' },
      { name: 'old', replicas: 1, ready: '1/0' },
    ],
  });
  expect(status.selector).not.toContain('pool');
});

function pooled(name: string, says: string): PoolObserved {
  const { scaling, workers, replicas } = poolSchema.parse({ name, stages: ['s'], replicas: 2 });
  const at = '2026-01-01T00:00:00.000Z';
  const trial = { from: 100, since: at, eventsPerS: 123_456, eventsPerWorker: 12_345 };
  const status = {
    replicas: 2,
    declared: 1,
    eventsPerWorker: 2_400,
    lastOut: at,
    lastIn: at,
    trial,
    hold: { until: at, times: 3, why: says },
    wakeTo: 2,
    now: says,
  };
  const scaled = { replicas, status, sentences: [], verdicts: { limited: null, hot: null } };
  const pods = { total: 2, ready: 1, terminating: 0, problems: [] };
  return { name, scaling, workers, replicas, pods, deployedReplicas: 2, rollout: 'done', load: { kind: 'absent', reason: '' }, scaled };
}

test.each([
  [0, '0'],
  [0.04, '0'],
  [1234.5, '1230'],
  [99.96, '100'],
  [0.123, '0.123'],
])('a rate of %d is told as %s', (rate, text) => expect(rateText(rate)).toBe(text));

test.each([
  [null, 'none yet'],
  [Number.MAX_SAFE_INTEGER, 'ended'],
  [0, '1970-01-01T00:00:00Z'],
])('a watermark of %s is told as %s', (ms, text) => expect(watermarkText(ms)).toBe(text));
