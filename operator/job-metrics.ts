// StreamJobs as metrics, from their status: what a person sees by kubectl and what an alert goes by is one thing. Pure.

import { DEFAULT_POOL } from '../crds/stream-job/pool-names.ts';
import type { PoolSpec } from '../crds/stream-job/pools.ts';
import { phases, UNKNOWN, type StageStatus } from '../crds/stream-job/status.ts';
import type { MetricSet } from '../runtime/telemetry/metric-set.ts';
import type { AnyObject } from './kube/kube-object.ts';
import type { JobObject } from './lifecycle/observed.ts';
import { poolFigures } from '../crds/stream-job/pool-figures.ts';
import { identityOf, jobObjectOf } from './reconcile/stream-job-object.ts';

export function tellJobs(metrics: MetricSet, objects: readonly AnyObject[], nowMs: number): void {
  const jobs = objects.map(jobObjectOf);
  const byPhase = Map.groupBy(jobs, ({ status }) => status.phase ?? 'Pending');
  for (const phase of phases) metrics.add('millrace_jobs', { phase }, byPhase.get(phase)?.length ?? 0);
  for (const job of jobs) tellJob(metrics, job, nowMs);
}

function tellJob(metrics: MetricSet, { name, namespace, spec, status }: JobObject, nowMs: number): void {
  const job = identityOf({ name, namespace });
  for (const { type, status: holds } of status.conditions ?? [])
    metrics.add('millrace_job_condition', { job, condition: type }, holds === 'Unknown' ? null : holds === 'True' ? 1 : 0);
  for (const { pool, workers, ready, wanted } of poolFigures(status)) {
    metrics.add('millrace_job_workers', { job, pool }, workers);
    metrics.add('millrace_job_ready_workers', { job, pool }, ready);
    metrics.add('millrace_job_wanted_workers', { job, pool }, wanted);
  }
  const pools = poolsOfStages(spec);
  for (const stage of status.stages ?? []) tellStage(metrics, job, stage, { pool: pools.get(stage.name) ?? DEFAULT_POOL, nowMs });
}

/** Pools by the stages that they name. The API server has checked the form of it. */
function poolsOfStages({ pools = [] }: { readonly pools?: unknown }): ReadonlyMap<string, string> {
  return new Map((pools as readonly PoolSpec[]).flatMap(({ name, stages }) => stages.map((stage) => [stage, name] as const)));
}

function tellStage(
  metrics: MetricSet,
  job: string,
  { name, lag, rate, watermark, partitions, running }: StageStatus,
  { pool, nowMs }: { readonly pool: string; readonly nowMs: number },
): void {
  const of = { job, stage: name };
  const lagEvents = lag === undefined || lag === UNKNOWN ? null : Number(lag);
  metrics.add('millrace_job_lag_events', { ...of, pool }, lagEvents);
  metrics.add('millrace_job_lag_seconds', { ...of, pool }, secondsOf(lagEvents, rate === UNKNOWN ? null : Number(rate)));
  if (running !== undefined) metrics.add('millrace_job_unowned_partitions', { ...of, pool }, Math.max(0, partitions - running));
  const atMs = Date.parse(watermark); // `ended`, `none yet` and `Unknown` are no dates
  if (Number.isNaN(atMs)) return;
  metrics.add('millrace_job_watermark_timestamp_seconds', of, atMs / 1_000);
  metrics.add('millrace_job_watermark_lag_seconds', of, Math.max(0, nowMs - atMs) / 1_000);
}

/** What waits, by what is taken in a second; null: unknown, as long as nothing is. */
function secondsOf(events: number | null, perS: number | null): number | null {
  if (events === null || events === 0) return events;
  return perS === null || perS === 0 ? null : events / perS;
}
