import { expect, test } from 'vitest';
import { StageMeter } from '../telemetry/stage-meter.ts';
import type { TaskFigures } from '../worker/task-figures.ts';
import { NO_TIME } from '../worker/time-ledger.ts';
import type { WorkerMeasures } from '../worker/worker-meters.ts';
import type { WorkerReport } from '../worker/worker-report.ts';
import { workerMetrics } from './metrics.ts';

const NOW_MS = 10_000;
const counters = {
  eventsIn: 10,
  made: 0,
  absorbed: 0,
  held: 0,
  eventsOut: 7,
  filtered: 0,
  late: 2,
  deadLetters: 1,
  recoveries: 0,
  edgesIn: [],
  edgesOut: [],
};
const task = (stage: string, partition: number, changes: Partial<TaskFigures>): TaskFigures => ({
  task: `${stage}/${partition}`,
  stage,
  partition,
  state: 'running',
  epoch: 1,
  number: 1,
  counters,
  watermark: null,
  inboxBytes: 100,
  progress: null,
  positions: {},
  sequence: 1,
  busy: false,
  paused: null,
  taken: null,
  time: NO_TIME,
  ...changes,
});

const report: WorkerReport = {
  worker: 'w-1',
  tasks: [
    task('hourly', 0, { watermark: 5_000, held: true, heldMs: 700 }),
    task('hourly', 1, { watermark: 2_500, state: 'claiming', stalled: 'MR2111 ConsumerMissing: why' }),
    task('ended', 0, { watermark: Number.MAX_SAFE_INTEGER, state: 'done' }),
    task('young', 0, { backPressure: true, backPressureMs: 90 }),
    task('ahead', 0, { watermark: NOW_MS + 120_000 }), // another machine's clock is two minutes ahead
  ],
  commitLatency: {},
  endToEndLatency: {},
  memoryBytes: 1_000,
  cpuMs: 2_500,
  time: { busyMs: 1_000, blockedMs: 250, idleMs: 8_750 },
  spans: { sent: 12, dropped: 3 },
  troubles: [],
  revision: 3,
};

function measured(): WorkerMeasures {
  const meter = new StageMeter();
  const commit = {
    before: { ...counters, eventsIn: 4, eventsOut: 4 },
    after: counters,
    bytes: 500,
    durationMs: 4,
    traceId: 'abc',
    nowMs: NOW_MS,
  };
  meter.committed(commit);
  meter.committed({ ...commit, before: counters, traceId: null });
  meter.restored(20, { isTakeover: false, isWarm: false });
  meter.restored(30, { isTakeover: true, isWarm: true });
  meter.fenced++;
  meter.ended({ busyMs: 500, blockedMs: 0, idleMs: 0 });
  const held = [
    { inboxBytes: 100, stateBytes: 50, checkpointBytes: 30, checkpointAgeMs: 4_000 },
    { inboxBytes: 1, stateBytes: 2, checkpointBytes: 3, checkpointAgeMs: 0 },
  ];
  const standbys = [
    { task: 'daily/0', stage: 'daily', lagRecords: 3, bytes: 40, isWarm: true },
    { task: 'daily/2', stage: 'daily', lagRecords: 1, bytes: 2, isWarm: true },
  ];
  return {
    troubles: 5,
    stages: [{ stage: 'hourly', meter, held, time: meter.time, heldMs: 1_200, backPressureMs: 800 }],
    standbys,
    values: { memoryBytes: 70, diskBytes: 4_096, written: 9, read: 5 },
  };
}

const runner = { report, measures: measured };
const text = workerMetrics('shop_orders', { connected: true, reconnects: 2, runner }, NOW_MS).text('openmetrics');

test.each([
  'millrace_worker_nats_reconnects_total{job="shop_orders"} 2',
  'millrace_worker_cpu_seconds_total{job="shop_orders"} 2.5',
  'millrace_worker_revision{job="shop_orders"} 3',
  'millrace_worker_tasks{job="shop_orders",state="claiming"} 1',
  'millrace_worker_tasks{job="shop_orders",state="running"} 3',
  'millrace_worker_time_seconds_total{job="shop_orders",activity="blocked"} 0.25',
  'millrace_worker_spans_sent_total{job="shop_orders"} 12',
  'millrace_worker_spans_dropped_total{job="shop_orders"} 3',
  'millrace_worker_troubles_total{job="shop_orders"} 5',
  'millrace_worker_state_memory_bytes{job="shop_orders"} 70',
  'millrace_worker_state_disk_bytes{job="shop_orders"} 4096',
  'millrace_worker_state_disk_writes_total{job="shop_orders"} 9',
  'millrace_worker_state_disk_reads_total{job="shop_orders"} 5',
  'millrace_stage_input_events_total{job="shop_orders",stage="hourly"} 6',
  'millrace_stage_output_events_total{job="shop_orders",stage="hourly"} 3',
  'millrace_stage_commit_duration_seconds_bucket{job="shop_orders",stage="hourly",le="0.005"} 2 # {trace_id="abc"} 0.004 10',
  'millrace_stage_commit_duration_seconds_count{job="shop_orders",stage="hourly"} 2',
  'millrace_stage_commit_bytes_total{job="shop_orders",stage="hourly"} 1000',
  'millrace_stage_step_events_count{job="shop_orders",stage="hourly"} 1',
  'millrace_stage_inbox_bytes{job="shop_orders",stage="hourly"} 101',
  'millrace_stage_state_bytes{job="shop_orders",stage="hourly"} 52',
  'millrace_stage_checkpoint_age_seconds{job="shop_orders",stage="hourly"} 4',
  'millrace_stage_time_seconds_total{job="shop_orders",stage="hourly",activity="busy"} 0.5',
  'millrace_stage_recoveries_total{job="shop_orders",stage="hourly"} 1',
  'millrace_stage_restore_duration_seconds_count{job="shop_orders",stage="hourly"} 2',
  'millrace_stage_fenced_total{job="shop_orders",stage="hourly"} 1',
  'millrace_stage_watermark_timestamp_seconds{job="shop_orders",stage="hourly"} 2.5',
  'millrace_stage_watermark_lag_seconds{job="shop_orders",stage="hourly"} 7.5',
  'millrace_stage_stalled_splits{job="shop_orders",stage="hourly"} 1',
  'millrace_stage_held_splits{job="shop_orders",stage="hourly"} 1',
  'millrace_stage_held_seconds_total{job="shop_orders",stage="hourly"} 1.2',
  'millrace_stage_back_pressure_partitions{job="shop_orders",stage="young"} 1',
  'millrace_stage_back_pressure_seconds_total{job="shop_orders",stage="hourly"} 0.8',
])('says %s', (line) => {
  expect(text.split('\n')).toContain(line);
});

test('of what no partition does nothing is said', () => {
  expect(text).not.toMatch(/(idle_splits|(held|stalled)_splits\{[^}]*stage="young"|back_pressure_partitions\{[^}]*stage="hourly")/);
});

test('a watermark that is not known, or that has ended, is not told as a number', () => {
  expect(text).not.toMatch(/watermark_\w+\{[^}]*stage="(ended|young)"/);
});

test('a watermark that is ahead of the clock is not behind it', () => {
  expect(text).toContain('millrace_stage_watermark_lag_seconds{job="shop_orders",stage="ahead"} 0\n');
});

test('a hundred partitions make no more series than one', () => {
  const many = Array.from({ length: 100 }, (_, partition) => task('hourly', partition, { watermark: 1 }));
  const seriesOf = (tasks: readonly TaskFigures[]): number =>
    workerMetrics('j', { connected: true, reconnects: 0, runner: { report: { ...report, tasks }, measures: measured } }, NOW_MS)
      .text('prometheus')
      .split('\n').length;
  expect(seriesOf(many)).toBe(seriesOf(many.slice(0, 1)));
});

test('every family has a type and a help before its samples, once', () => {
  const names = text.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
  expect(new Set(names).size).toBe(names.length);
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#')))
    expect(
      names.some((name) => new RegExp(`^${name}(_total|_bucket|_sum|_count)?\\{`).test(line)),
      line,
    ).toBe(true);
});

test('a pod without a worker tells of its connection only', () => {
  const lines = workerMetrics('x', { connected: false, reconnects: 0, runner: null }, 0).text('prometheus').split('\n');
  expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
    'millrace_worker_nats_connected{job="x"} 0',
    'millrace_worker_nats_reconnects_total{job="x"} 0',
  ]);
});
