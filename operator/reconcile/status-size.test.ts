import { expect, test } from 'vitest';
import { POOLS_MAX } from '../../crds/stream-job/pools.ts';
import {
  conditionTypes,
  INTENT_STAGES_MAX,
  STATUS_BYTES_MAX,
  STATUS_DECISIONS_MAX,
  STATUS_POOLS_MAX,
  STATUS_STAGES_MAX,
  streamJobStatusSchema,
  type PoolStatus,
  type ScalingStatus,
  type StreamJobStatus,
} from '../../crds/stream-job/status.ts';
import { isCutOf } from './cut.ts';
import { fitted } from './status-size.ts';

const at = '2026-01-01T00:00:00.000Z';
const revision = { number: 999, hash: '0123456789abcdef', generation: 9_999 };
const names = many(STATUS_STAGES_MAX, (n) => `${n}-`.padEnd(63, 'n'));

test('all at its bound, 100 stages with the longest names: every stage is there, with the newest decision, in 32 kB', () => {
  const { status, bytes } = check(fullStatus({ pools: 0, letter: 'x' }));
  expect(status.stages).toHaveLength(STATUS_STAGES_MAX);
  expect(bytes).toBeLessThanOrEqual(STATUS_BYTES_MAX);
});

test.each(['x', 'é', '"', '界', '\n'])('with as many pools as there may be, too, whatever letters the texts have: %j', (letter) => {
  const { status } = check(fullStatus({ pools: STATUS_POOLS_MAX, letter }));
  expect(status.pools).toHaveLength(STATUS_POOLS_MAX);
  expect(status.stages?.length).toBeGreaterThan(STATUS_STAGES_MAX / 2);
});

test('100 stages and 16 pools with names as people give them: every stage is there', () => {
  const { stages = [], pools = [], ...rest } = fullStatus({ pools: POOLS_MAX, letter: 'x' });
  const { status } = check({
    ...rest,
    stages: stages.map((stage, n) => ({ ...stage, name: `orders-by-customer-${n}` })),
    pools: pools.map((pool, n) => ({ ...pool, name: `heavy-${n}` })),
  });
  expect(status.stages).toHaveLength(STATUS_STAGES_MAX);
});

test('what fits stays as it is', () => {
  const { stages = [], ...rest } = fullStatus({ pools: 0, letter: 'x' });
  const { stages: _, ...intent } = rest.intent!;
  const small = { ...rest, intent, stages: stages.slice(0, 20), decisions: ['one', 'two'] };
  expect(fitted(small)).toEqual(small);
});

test('what gives way does not flicker with the figures', () => {
  const full = fullStatus({ pools: 3, letter: 'x' });
  const idle = { ...full, lag: '0', stages: full.stages?.map((stage) => ({ ...stage, lag: '0', rate: '0', deadLetters: 0 })) ?? [] };
  const withoutFigures = ({ conditions, decisions, pools, stages }: StreamJobStatus): unknown => [
    conditions,
    decisions,
    pools,
    stages?.map(({ name }) => name),
  ];
  expect(withoutFigures(fitted(idle))).toEqual(withoutFigures(fitted(full)));
});

test.each([
  ['a message', 'a message', true],
  ['a mess…', 'a message', true],
  ['a mess', 'a message', false],
  ['another…', 'a message', false],
])('%j is what was cut from %j: %s', (cutText, text, is) => expect(isCutOf(cutText, text)).toBe(is));

/** Small enough, what the schema says, the same when it is done again, and with all that the operator reads again. */
function check(full: StreamJobStatus): { readonly status: StreamJobStatus; readonly bytes: number } {
  const status = fitted(full);
  const bytes = Buffer.byteLength(JSON.stringify(status));
  expect(bytes).toBeLessThanOrEqual(STATUS_BYTES_MAX);
  expect(streamJobStatusSchema.parse(status)).toEqual(status);
  expect(fitted(status)).toEqual(status);
  expect(status).toMatchObject({ revision, stableRevision: revision, intent: { action: 'upgrade', revision, since: at } });
  expect(status.intent).toMatchObject({ stages: names.slice(0, INTENT_STAGES_MAX), stagesMore: names.length - INTENT_STAGES_MAX });
  expect([status.scaling, ...(status.pools ?? []).map((pool) => pool.scaling)].map(memoryOf)).toEqual(
    [full.scaling, ...(full.pools ?? []).map((pool) => pool.scaling)].map(memoryOf),
  );
  expect(status.conditions).toHaveLength(conditionTypes.length);
  expect(status.decisions?.at(-1)).toBe(full.decisions?.at(-1));
  return { status, bytes };
}

function memoryOf(scaling: ScalingStatus | undefined): unknown {
  if (scaling === undefined) return undefined;
  const { now: _, hold, ...memory } = scaling;
  return { ...memory, hold: { until: hold?.until, times: hold?.times } };
}

function many<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

/** Every field at its bound; of the pools half are on their way out, as those that the spec has are at most half. */
function fullStatus({ pools, letter }: { readonly pools: number; readonly letter: string }): StreamJobStatus {
  const figures = { rate: '1230000000', watermark: at };
  const text = (length: number): string => letter.repeat(length);
  const pool = (n: number): PoolStatus => ({
    name: `${n}-`.padEnd(32, 'p'),
    replicas: 1_024,
    ready: '1024/1024',
    ...(n < POOLS_MAX ? { scaling: fullScaling(text) } : {}),
  });
  return {
    observedGeneration: 9_999,
    phase: 'RollingBack',
    conditions: conditionTypes.map((type) => ({
      type,
      status: 'Unknown',
      observedGeneration: 9_999,
      lastTransitionTime: at,
      reason: 'ProgressDeadlineExceeded',
      message: text(1_024),
    })),
    replicas: 1_024,
    readyReplicas: 1_024,
    selector: 's'.repeat(256),
    ready: '16384/16384',
    lag: String(Number.MAX_SAFE_INTEGER),
    ...figures,
    stages: names.map((name) => ({
      name,
      partitions: 1_024,
      running: 1_024,
      standbys: 1_024,
      lag: String(Number.MAX_SAFE_INTEGER),
      ...figures,
      deadLetters: 9_999_999,
    })),
    runId: 'r'.repeat(36),
    revision,
    stableRevision: revision,
    rejectedHash: revision.hash,
    intent: { action: 'upgrade', revision, since: at, stages: names },
    lastSavepoint: { name: 'n'.repeat(63), takenAt: at, bytes: Number.MAX_SAFE_INTEGER },
    scaling: fullScaling(text),
    ...(pools === 0 ? {} : { pools: many(pools, pool) }),
    decisions: many(STATUS_DECISIONS_MAX, () => text(320)),
  };
}

function fullScaling(text: (length: number) => string): ScalingStatus {
  return {
    replicas: 1_024,
    declared: 1_024,
    eventsPerWorker: 1_234_567.891,
    lastOut: at,
    lastIn: at,
    trial: { from: 1_024, since: at, eventsPerS: 1_234_567.891, eventsPerWorker: 1_234_567.891 },
    hold: { until: at, times: 99, why: text(256) },
    wakeTo: 1_024,
    now: text(512),
  };
}
