// What a worker knows of itself as metrics. Pure. See telemetry/metric-catalogue.ts for what each means.

import { MetricSet } from '../telemetry/metric-set.ts';
import { stageWatermark } from '../telemetry/progress.ts';
import type { TaskFigures } from '../worker/task-figures.ts';
import type { TimeSpent } from '../worker/time-ledger.ts';
import type { WorkerMeasures } from '../worker/worker-meters.ts';
import type { WorkerReport } from '../worker/worker-report.ts';

/** Null parts: no worker runs yet. */
export type Measured = {
  readonly connected: boolean;
  readonly reconnects: number;
  readonly runner: { readonly report: WorkerReport | null; measures(): WorkerMeasures } | null;
};

const ENDED = Number.MAX_SAFE_INTEGER;
const states = ['claiming', 'running', 'done'] as const;

export function workerMetrics(job: string, { connected, reconnects, runner }: Measured, nowMs: number): MetricSet {
  const metrics = new MetricSet();
  metrics.add('millrace_worker_nats_connected', { job }, connected ? 1 : 0);
  metrics.add('millrace_worker_nats_reconnects', { job }, reconnects);
  if (runner === null) return metrics;
  const { report } = runner;
  const measures = runner.measures();
  addValues(metrics, job, measures.values);
  if (report !== null) addProcess(metrics, job, report, measures);
  for (const stage of measures.stages) addStage(metrics, job, stage);
  addStandbys(metrics, job, measures.standbys);
  if (report !== null) addWatermarks(metrics, job, report.tasks, nowMs);
  return metrics;
}

function addProcess(metrics: MetricSet, job: string, report: WorkerReport, { troubles }: WorkerMeasures): void {
  const { cpuMs, memoryBytes, revision, tasks, time } = report;
  metrics.add('millrace_worker_cpu_seconds', { job }, cpuMs / 1_000);
  metrics.add('millrace_worker_memory_bytes', { job }, memoryBytes);
  metrics.add('millrace_worker_revision', { job }, revision);
  for (const state of states) metrics.add('millrace_worker_tasks', { job, state }, tasks.filter((task) => task.state === state).length);
  for (const [activity, seconds] of activities(time)) metrics.add('millrace_worker_time_seconds', { job, activity }, seconds);
  metrics.add('millrace_worker_troubles', { job }, troubles);
  metrics.add('millrace_worker_spans_sent', { job }, report.spans?.sent ?? null);
  metrics.add('millrace_worker_spans_dropped', { job }, report.spans?.dropped ?? null);
}

function addValues(metrics: MetricSet, job: string, values: WorkerMeasures['values']): void {
  if (values === null) return;
  metrics.add('millrace_worker_state_memory_bytes', { job }, values.memoryBytes);
  metrics.add('millrace_worker_state_disk_bytes', { job }, values.diskBytes);
  metrics.add('millrace_worker_state_disk_writes', { job }, values.written);
  metrics.add('millrace_worker_state_disk_reads', { job }, values.read);
}

function addStage(metrics: MetricSet, job: string, measures: WorkerMeasures['stages'][number]): void {
  const { stage, meter, held, time, heldMs, backPressureMs } = measures;
  const of = { job, stage };
  const total = (pick: (task: (typeof held)[number]) => number): number => held.reduce((sum, task) => sum + pick(task), 0);
  const { eventsIn, eventsOut, filtered, late, deadLetters } = meter.events;
  metrics.add('millrace_stage_input_events', of, eventsIn);
  metrics.add('millrace_stage_output_events', of, eventsOut);
  metrics.add('millrace_stage_filtered_events', of, filtered);
  metrics.add('millrace_stage_late_events', of, late);
  metrics.add('millrace_stage_dead_letters', of, deadLetters);
  metrics.add('millrace_stage_commit_duration_seconds', of, meter.commitDuration);
  metrics.add('millrace_stage_commit_bytes', of, meter.commitBytes);
  metrics.add('millrace_stage_step_events', of, meter.stepEvents);
  metrics.add('millrace_stage_end_to_end_duration_seconds', of, meter.endToEndDuration);
  metrics.add(
    'millrace_stage_inbox_bytes',
    of,
    total(({ inboxBytes }) => inboxBytes),
  );
  metrics.add(
    'millrace_stage_state_bytes',
    of,
    total(({ stateBytes }) => stateBytes),
  );
  metrics.add(
    'millrace_stage_checkpoint_bytes',
    of,
    total(({ checkpointBytes }) => checkpointBytes),
  );
  metrics.add('millrace_stage_checkpoint_age_seconds', of, Math.max(0, ...held.map(({ checkpointAgeMs }) => checkpointAgeMs)) / 1_000);
  for (const [activity, seconds] of activities(time)) metrics.add('millrace_stage_time_seconds', { ...of, activity }, seconds);
  metrics.add('millrace_stage_held_seconds', of, heldMs === undefined ? null : heldMs / 1_000);
  metrics.add('millrace_stage_back_pressure_seconds', of, backPressureMs === undefined ? null : backPressureMs / 1_000);
  metrics.add('millrace_stage_recoveries', of, meter.recoveries);
  metrics.add('millrace_stage_warm_starts', of, meter.warmStarts);
  metrics.add('millrace_stage_restore_duration_seconds', of, meter.restoreDuration);
  metrics.add('millrace_stage_fenced', of, meter.fenced);
}

function addStandbys(metrics: MetricSet, job: string, standbys: WorkerMeasures['standbys']): void {
  for (const [stage, own] of Map.groupBy(standbys, (standby) => standby.stage)) {
    metrics.add('millrace_stage_standbys', { job, stage }, own.length);
    metrics.add('millrace_stage_standby_lag_records', { job, stage }, Math.max(...own.map(({ lagRecords }) => lagRecords)));
    metrics.add(
      'millrace_stage_standby_state_bytes',
      { job, stage },
      own.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }
}

function addWatermarks(metrics: MetricSet, job: string, tasks: readonly TaskFigures[], nowMs: number): void {
  for (const [stage, own] of Map.groupBy(tasks, (task) => task.stage)) {
    const [idle, stalled, held, pressing] = (['idle', 'stalled', 'held', 'backPressure'] as const).map(
      (what) => own.filter((task) => task[what] !== undefined).length,
    );
    metrics.add('millrace_stage_idle_splits', { job, stage }, idle || null);
    metrics.add('millrace_stage_stalled_splits', { job, stage }, stalled || null);
    metrics.add('millrace_stage_held_splits', { job, stage }, held || null);
    metrics.add('millrace_stage_back_pressure_partitions', { job, stage }, pressing || null);
    const lowest = stageWatermark(own);
    if (lowest === null || lowest === ENDED) continue;
    metrics.add('millrace_stage_watermark_timestamp_seconds', { job, stage }, lowest / 1_000);
    metrics.add('millrace_stage_watermark_lag_seconds', { job, stage }, Math.max(0, nowMs - lowest) / 1_000);
  }
}

function activities({ busyMs, blockedMs, idleMs }: TimeSpent): readonly (readonly [activity: string, seconds: number])[] {
  return [
    ['busy', busyMs / 1_000],
    ['blocked', blockedMs / 1_000],
    ['idle', idleMs / 1_000],
  ];
}
