import { expect, test } from 'vitest';
import { STATUS_STAGES_MAX, type StreamJobStatus } from '../crds/stream-job/status.ts';
import { MetricSet } from '../runtime/telemetry/metric-set.ts';
import { tellJobs } from './job-metrics.ts';
import type { AnyObject } from './kube/kube-object.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00Z');

function job(name: string, status: StreamJobStatus, spec: object = {}): AnyObject {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name, namespace: 'shop', uid: name, resourceVersion: '1' },
    spec,
    status,
  };
}

function told(...jobs: readonly AnyObject[]): readonly string[] {
  const metrics = new MetricSet();
  tellJobs(metrics, jobs, NOW_MS);
  return metrics
    .text('prometheus')
    .split('\n')
    .filter((line) => line.startsWith('millrace'));
}

const condition = (type: string, status: 'True' | 'False' | 'Unknown') =>
  ({ type, status, observedGeneration: 1, lastTransitionTime: '', reason: '', message: '' }) as const;
const stage = (name: string, known: Partial<NonNullable<StreamJobStatus['stages']>[number]>) =>
  ({ name, partitions: 4, running: 3, rate: '1', watermark: 'ended', ...known }) as const;

test('every phase has a figure, also one that no job is in', () => {
  const lines = told(job('orders', { phase: 'Running' }), job('new', {}));
  expect(lines).toContain('millrace_jobs{phase="Running"} 1');
  expect(lines).toContain('millrace_jobs{phase="Pending"} 1');
  expect(lines).toContain('millrace_jobs{phase="Failed"} 0');
});

test('a condition that is Unknown is not told', () => {
  const conditions = [condition('Ready', 'True'), condition('Stalled', 'False'), condition('ConservationOK', 'Unknown')];
  expect(told(job('orders', { conditions })).filter((line) => line.includes('condition'))).toEqual([
    'millrace_job_condition{job="shop_orders",condition="Ready"} 1',
    'millrace_job_condition{job="shop_orders",condition="Stalled"} 0',
  ]);
});

test('figures of stages are told as far as they are known', () => {
  const stages = [
    stage('a', { lag: '12', rate: '4', watermark: '2026-01-01T00:09:30Z' }),
    stage('b', { lag: 'Unknown', watermark: 'Unknown' }),
    stage('c', { watermark: '2026-01-01T00:20:00Z' }), // its clock is ten minutes ahead
  ];
  expect(told(job('orders', { stages })).filter((line) => line.includes('stage='))).toEqual([
    'millrace_job_lag_events{job="shop_orders",stage="a",pool="default"} 12',
    'millrace_job_lag_seconds{job="shop_orders",stage="a",pool="default"} 3',
    ...['a', 'b', 'c'].map((name) => `millrace_job_unowned_partitions{job="shop_orders",stage="${name}",pool="default"} 1`),
    `millrace_job_watermark_timestamp_seconds{job="shop_orders",stage="a"} ${NOW_MS / 1_000 - 30}`,
    `millrace_job_watermark_timestamp_seconds{job="shop_orders",stage="c"} ${NOW_MS / 1_000 + 600}`,
    'millrace_job_watermark_lag_seconds{job="shop_orders",stage="a"} 30',
    'millrace_job_watermark_lag_seconds{job="shop_orders",stage="c"} 0',
  ]);
});

test.each([
  { fact: 'what waits takes as long as its rate says', lag: '1200', rate: '400', seconds: 3 },
  { fact: 'what does not wait takes no time, whatever the rate', lag: '0', rate: '0', seconds: 0 },
  { fact: 'nor does it where the rate is not known', lag: '0', rate: 'Unknown', seconds: 0 },
  { fact: 'while nothing is taken in it is not known how long it takes', lag: '7', rate: '0', seconds: null },
  { fact: 'nor without a rate', lag: '7', rate: 'Unknown', seconds: null },
  { fact: 'nor when it is not known what waits', lag: 'Unknown', rate: '400', seconds: null },
])('lag in seconds: $fact', ({ lag, rate, seconds }) => {
  const lines = told(job('orders', { stages: [stage('a', { lag, rate })] })).filter((line) => line.startsWith('millrace_job_lag_seconds{'));
  expect(lines).toEqual(seconds === null ? [] : [`millrace_job_lag_seconds{job="shop_orders",stage="a",pool="default"} ${seconds}`]);
});

test('each pool has its workers, and its stages their pool', () => {
  const pools = [
    { name: 'heavy', replicas: 3, ready: '2/4' },
    { name: 'leaves', replicas: 1, ready: '1/0' },
  ];
  const spec = { pools: [{ name: 'heavy', stages: ['b'] }] };
  const stages = [stage('a', { lag: '1' }), stage('b', { lag: '2' })];
  const lines = told(job('orders', { replicas: 2, readyReplicas: 1, ready: '4/6', pools, stages }, spec));
  const figures = (metric: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`millrace_job_${metric}{`)).map((line) => line.replace(/.*,pool="(.*)"} /, '$1 '));
  expect(figures('workers')).toEqual(['default 2', 'heavy 3', 'leaves 1']);
  expect(figures('ready_workers')).toEqual(['default 1', 'heavy 2', 'leaves 1']);
  expect(figures('wanted_workers')).toEqual(['default 2', 'heavy 4', 'leaves 0']);
  expect(figures('lag_events')).toEqual(['default 1', 'heavy 2']);
  expect(figures('unowned_partitions')).toEqual(['default 1', 'heavy 1']);
});

test('workers of which nothing is known are not told', () => {
  expect(told(job('new', {})).filter((line) => line.includes('workers'))).toEqual([]);
  expect(told(job('odd', { replicas: 1, ready: 'soon' })).filter((line) => line.includes('workers'))).toEqual([
    'millrace_job_workers{job="shop_odd",pool="default"} 1',
  ]);
});

test('a status of nonsense is no metric', () => {
  const stages = [stage('a', { lag: '-?"\n}', watermark: '<b>' })];
  expect(told(job('orders', { stages })).filter((line) => /lag|watermark/.test(line))).toEqual([]);
  expect(STATUS_STAGES_MAX).toBe(100); // as the reference says
});
