import { expect, test } from 'vitest';
import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { ageText, jobsText, jobText } from './status-text.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:00Z');
const object = (name: string, namespace: string, status: object): AnyObject => ({
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'StreamJob',
  metadata: { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-05T09:40:00Z' },
  spec: { replicas: 2 },
  status,
});
const flights = object('flights', 'demo', {
  phase: 'Upgrading',
  ready: '1/2',
  lag: '1204',
  watermark: '2013-01-15T11:30:00Z',
  rate: '5100',
  revision: { number: 3, hash: 'ab12', generation: 5 },
  stableRevision: { number: 3, hash: 'ab12', generation: 5 },
  intent: {
    action: 'upgrade',
    revision: { number: 4, hash: 'cd34', generation: 6 },
    since: '2026-01-05T09:59:00Z',
    stages: ['hourly'],
    stagesMore: 2,
  },
  lastSavepoint: { name: 'before', takenAt: '2026-01-05T09:50:00Z', bytes: 4096 },
  stages: [
    { name: 'flights', partitions: 1, running: 1, rate: '5100', watermark: '2013-01-15T11:30:00Z', deadLetters: 0 },
    { name: 'hourly', partitions: 8, lag: 'Unknown', rate: 'Unknown', watermark: 'Unknown' },
  ],
  conditions: [
    {
      type: 'Ready',
      status: 'False',
      reason: 'Upgrading',
      message: 'revision 4: 3 of 9 tasks run',
      observedGeneration: 6,
      lastTransitionTime: '2026-01-05T09:59:30Z',
    },
  ],
  decisions: ['2026-01-05T09:45:00Z workers 1 → 2'],
});

test('a line for each job, with the columns of kubectl; what is not known is Unknown', () => {
  expect(jobsText([flights, object('new', 'other', {})], { nowMs: NOW_MS, withNamespace: true })).toBe(
    `NAMESPACE   NAME      PHASE       READY     LAG       WATERMARK              RATE      REPLICAS   AGE
demo        flights   Upgrading   1/2       1204      2013-01-15T11:30:00Z   5100      2          20m
other       new       Pending     Unknown   Unknown   Unknown                Unknown   2          20m
`,
  );
});

test('one job tells its revision, what is going on, stages, conditions, decisions', () => {
  expect(jobText(flights, NOW_MS)).toBe(`NAME      PHASE       READY   LAG    WATERMARK              RATE   REPLICAS   AGE
flights   Upgrading   1/2     1204   2013-01-15T11:30:00Z   5100   2          20m

Revision 3 (ab12), seen to progress
Now: upgrade to revision 4 since 2026-01-05T09:59:00Z, which starts anew: hourly and 2 more
Last savepoint: before, 2026-01-05T09:50:00Z, 4096 bytes

Stages
  NAME      PARTITIONS   RUNNING   LAG       RATE      WATERMARK              DEAD LETTERS
  flights   1            1         –         5100      2013-01-15T11:30:00Z   0
  hourly    8            Unknown   Unknown   Unknown   Unknown                Unknown

Conditions
  Ready False (Upgrading) for 30s
    revision 4: 3 of 9 tasks run

Last decisions
  2026-01-05T09:45:00Z workers 1 → 2
`);
});

test('a job that nobody looked at yet is one line', () => {
  expect(
    jobText(object('new', 'demo', {}), NOW_MS)
      .trimEnd()
      .split('\n'),
  ).toHaveLength(2);
});

test.each([
  [-5_000, '0s'],
  [119_000, '119s'],
  [120_000, '2m'],
  [3 * 3_600_000, '3h'],
  [49 * 3_600_000, '2d'],
])('an age of %i ms is %s', (ms, text) => expect(ageText(ms)).toBe(text));

test('standbys are a column of jobs that are to have some', () => {
  const stages = [
    { name: 'rows', partitions: 1, running: 1, rate: '5', watermark: 'ended' },
    { name: 'counts', partitions: 4, running: 4, standbys: 3, rate: '5', watermark: 'ended' },
  ];
  const text = jobText(object('followed', 'demo', { stages }), NOW_MS);
  expect(text).toContain(`  NAME     PARTITIONS   RUNNING   STANDBYS   LAG   RATE   WATERMARK   DEAD LETTERS
  rows     1            1         –          –     5      ended       Unknown
  counts   4            4         3          –     5      ended       Unknown
`);
});
