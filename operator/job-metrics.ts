// StreamJobs as metrics, from their status: what a person sees by kubectl and what an alert goes by is one thing. Pure.

import { phases, UNKNOWN, type StageStatus, type StreamJobStatus } from '../crds/stream-job/status.ts';
import type { MetricSet } from '../runtime/telemetry/metric-set.ts';
import type { AnyObject } from './kube/kube-object.ts';
import { identityOf, jobObjectOf } from './reconcile/stream-job-object.ts';

export function tellJobs(metrics: MetricSet, objects: readonly AnyObject[], nowMs: number): void {
  const jobs = objects.map(jobObjectOf);
  const byPhase = Map.groupBy(jobs, ({ status }) => status.phase ?? 'Pending');
  for (const phase of phases) metrics.add('millrace_jobs', { phase }, byPhase.get(phase)?.length ?? 0);
  for (const job of jobs) tellJob(metrics, identityOf(job), job.status, nowMs);
}

function tellJob(metrics: MetricSet, job: string, status: StreamJobStatus, nowMs: number): void {
  for (const { type, status: holds } of status.conditions ?? [])
    metrics.add('millrace_job_condition', { job, condition: type }, holds === 'Unknown' ? null : holds === 'True' ? 1 : 0);
  metrics.add('millrace_job_workers', { job }, status.replicas ?? null);
  metrics.add('millrace_job_ready_workers', { job }, status.readyReplicas ?? null);
  for (const stage of status.stages ?? []) tellStage(metrics, job, stage, nowMs);
}

function tellStage(metrics: MetricSet, job: string, { name, lag, watermark, partitions, running }: StageStatus, nowMs: number): void {
  const of = { job, stage: name };
  metrics.add('millrace_job_lag_events', of, lag === undefined || lag === UNKNOWN ? null : Number(lag));
  if (running !== undefined) metrics.add('millrace_job_unowned_partitions', of, Math.max(0, partitions - running));
  const atMs = Date.parse(watermark); // `ended`, `none yet` and `Unknown` are no dates
  if (Number.isNaN(atMs)) return;
  metrics.add('millrace_job_watermark_timestamp_seconds', of, atMs / 1_000);
  metrics.add('millrace_job_watermark_lag_seconds', of, Math.max(0, nowMs - atMs) / 1_000);
}
