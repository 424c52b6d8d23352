import { expect, test } from 'vitest';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { toldLags, toldPools } from './told-pools.ts';

const AT = '2026-01-01T00:10:00Z';
const scaling = (now: string): NonNullable<StreamJobStatus['scaling']> => ({ replicas: 1, declared: 1, now });
const heavy = { name: 'heavy', replicas: 3, ready: '2/4', scaling: scaling('9,000 wait') };

test.each<{ readonly fact: string; readonly status: StreamJobStatus; readonly told: readonly string[] }>([
  { fact: 'nothing is known of a job that is new', status: {}, told: [] },
  {
    fact: 'a job of one pool has its figures and its last decision',
    status: {
      replicas: 1,
      readyReplicas: 1,
      ready: '1/2',
      scaling: scaling('calm'),
      decisions: [`${AT} workers 2 → 1: a`, `${AT} workers 1 → 2: b`],
    },
    told: ['default 1/2 calm | workers 1 → 2: b'],
  },
  {
    fact: 'each pool has its own; what was decided before there were pools is the default pool\u2019s',
    status: {
      replicas: 2,
      readyReplicas: 2,
      ready: '4/6',
      pools: [heavy],
      decisions: [`${AT} workers 1 → 2: old`, `${AT} pool heavy: workers 3 → 4: c`],
    },
    told: ['default 2/2 – | workers 1 → 2: old', 'heavy 2/4 9,000 wait | workers 3 → 4: c'],
  },
  {
    fact: 'a decision is the last of its pool',
    status: {
      replicas: 2,
      ready: '4/6',
      pools: [heavy],
      decisions: [`${AT} pool heavy: 1`, `${AT} pool default: 2`, `${AT} pool heavy: 3`],
    },
    told: ['default –/2 – | 2', 'heavy 2/4 9,000 wait | 3'],
  },
  {
    fact: 'nonsense is no decision',
    status: { replicas: 0, ready: 'x', decisions: ['yesterday pool heavy: 4', ''] },
    told: ['default –/– – | –'],
  },
])('$fact', ({ status, told }) => {
  const said = toldPools(status).map(
    ({ name, ready, wanted, now, decision }) => `${name} ${ready ?? '–'}/${wanted ?? '–'} ${now ?? '–'} | ${decision?.text ?? '–'}`,
  );
  expect(said).toEqual(told);
  for (const { decision } of toldPools(status)) if (decision !== null) expect(decision.atMs).toBe(Date.parse(AT));
});

test('what waits is told of the stages of which it is known, of sources too', () => {
  const stage = (name: string, lag?: string) => ({
    name,
    partitions: 1,
    rate: '1',
    watermark: 'ended',
    ...(lag === undefined ? {} : { lag }),
  });
  expect(toldLags({ stages: [stage('rows', '12'), stage('files', 'Unknown'), stage('old'), stage('sums', '0')] })).toEqual(
    new Map([
      ['rows', 12],
      ['sums', 0],
    ]),
  );
  expect(toldLags({})).toEqual(new Map());
});
