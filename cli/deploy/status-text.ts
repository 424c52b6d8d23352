// StreamJobs as text: a table of all, or the whole story of one. Pure.
//
//   T1. The columns are those of `kubectl get streamjobs`, so that both tell the same.

import { UNKNOWN, type Condition, type PoolStatus, type StageStatus, type StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { wrapped } from '../run/readable.ts';

type Row = readonly string[];

const MESSAGE_WIDTH = 100;
const COLUMNS: Row = ['NAME', 'PHASE', 'READY', 'LAG', 'WATERMARK', 'RATE', 'REPLICAS', 'AGE'];

export function jobsText(
  jobs: readonly AnyObject[],
  { nowMs, withNamespace }: { readonly nowMs: number; readonly withNamespace: boolean },
): string {
  const rows = jobs.map((job): Row => [...(withNamespace ? [job.metadata.namespace ?? ''] : []), ...rowOf(job, nowMs)]);
  return table([withNamespace ? ['NAMESPACE', ...COLUMNS] : COLUMNS, ...rows]);
}

/** Everything that the status says of one job. */
export function jobText(job: AnyObject, nowMs: number): string {
  const status = statusOf(job);
  const sections = [
    jobsText([job], { nowMs, withNamespace: false }),
    `${revisionLines(status).join('\n')}\n`,
    titled('Stages', stagesText(status.stages ?? []), status.stages),
    titled('Pools', table([POOL_COLUMNS, ...(status.pools ?? []).map(poolRow)]), status.pools),
    titled('Conditions', (status.conditions ?? []).map((one) => conditionText(one, nowMs)).join(''), status.conditions),
    titled('Last decisions', (status.decisions ?? []).map((text) => `  ${text}\n`).join(''), status.decisions),
  ];
  return sections.filter((text) => text.trim() !== '').join('\n');
}

/** `45s`, `12m`, `3h`, `17d`: as kubectl tells an age. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 3 * 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function rowOf(job: AnyObject, nowMs: number): Row {
  const { phase = 'Pending', ready = UNKNOWN, lag = UNKNOWN, watermark = UNKNOWN, rate = UNKNOWN } = statusOf(job);
  const { replicas } = (job['spec'] ?? {}) as { readonly replicas?: number };
  const age = ageText(nowMs - Date.parse(job.metadata.creationTimestamp ?? ''));
  return [job.metadata.name, phase, ready, lag, watermark, rate, String(replicas ?? UNKNOWN), age];
}

function revisionLines({ revision, stableRevision, intent, lastSavepoint, rejectedHash }: StreamJobStatus): readonly string[] {
  const lines: string[] = [];
  if (revision !== undefined) {
    const proven = stableRevision?.hash === revision.hash ? 'seen to progress' : 'not yet seen to progress';
    lines.push(`Revision ${revision.number} (${revision.hash}), ${proven}`);
  }
  if (intent !== undefined) {
    const more = intent.stagesMore === undefined ? '' : ` and ${intent.stagesMore} more`;
    const stages = intent.stages === undefined ? '' : `, which starts anew: ${intent.stages.join(', ') || 'nothing'}${more}`;
    lines.push(`Now: ${intent.action} to revision ${intent.revision.number} since ${intent.since}${stages}`);
  }
  if (rejectedHash !== undefined) lines.push(`Rolled back and not tried again until the spec changes: ${rejectedHash}`);
  if (lastSavepoint !== undefined)
    lines.push(`Last savepoint: ${lastSavepoint.name}, ${lastSavepoint.takenAt}, ${lastSavepoint.bytes} bytes`);
  return lines;
}

const POOL_COLUMNS: Row = ['  NAME', 'READY', 'SCALING'];

function poolRow({ name, ready, scaling }: PoolStatus): Row {
  return [`  ${name}`, ready, scaling?.now ?? '–'];
}

const STAGE_COLUMNS: Row = ['  NAME', 'PARTITIONS', 'RUNNING', 'LAG', 'RATE', 'WATERMARK', 'DEAD LETTERS'];

/** With a column of standbys where there are some to be. */
function stagesText(stages: readonly StageStatus[]): string {
  const rows = [STAGE_COLUMNS, ...stages.map(stageRow)];
  if (stages.every(({ standbys }) => standbys === undefined)) return table(rows);
  const standbys = ['STANDBYS', ...stages.map((stage) => (stage.standbys === undefined ? '–' : String(stage.standbys)))];
  return table(rows.map((row, at) => [...row.slice(0, 3), standbys[at] ?? '', ...row.slice(3)]));
}

function stageRow({ name, partitions, running, lag, rate, watermark, deadLetters }: StageStatus): Row {
  const known = (value: number | undefined): string => (value === undefined ? UNKNOWN : String(value));
  return [`  ${name}`, String(partitions), known(running), lag ?? '–', rate, watermark, known(deadLetters)];
}

function conditionText({ type, status, reason, message, lastTransitionTime }: Condition, nowMs: number): string {
  const since = ageText(nowMs - Date.parse(lastTransitionTime));
  const lines = wrapped(message, MESSAGE_WIDTH).map((line) => `    ${line}\n`);
  return `  ${type} ${status} (${reason}) for ${since}\n${lines.join('')}`;
}

function titled(title: string, text: string, items: readonly unknown[] | undefined): string {
  return (items ?? []).length === 0 ? '' : `${title}\n${text}`;
}

/** Columns as wide as their widest cell, three blanks between them. */
function table(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

function statusOf(job: AnyObject): StreamJobStatus {
  return (job['status'] ?? {}) as StreamJobStatus;
}
