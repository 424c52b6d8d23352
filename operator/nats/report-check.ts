// Whether what came on a job's subject is a report. Its workers may say anything there: a figure that is none would break the status of
// their job, and with it all that the operator does for it. Pure.
//
//   C1. What older workers do not tell yet may be absent.

import { OPEN_TOLD_MAX, TRANSITIONS_TOLD_MAX } from '../../runtime/transforms/figures.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';

/** Furthest back that a date can be (ECMA-262); a watermark at its end is Number.MAX_SAFE_INTEGER. */
const TIME_MIN_MS = -8_640_000_000_000_000;
const BUCKETS_MAX = 1_000;
const states: readonly unknown[] = ['claiming', 'running', 'done'] satisfies TaskFigures['state'][];

/** null for what is no report. */
export function reportIn(bytes: Uint8Array): WorkerReport | null {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
    return isReport(value) ? value : null;
  } catch {
    return null;
  }
}

export function isReport(value: unknown): value is WorkerReport {
  if (!isRecord(value)) return false;
  const { worker, pool, revision, tasks, memoryBytes, cpuMs, commitLatency, endToEndLatency, time, nodes, standbys } = value;
  const isNamed = typeof worker === 'string' && (pool === undefined || typeof pool === 'string');
  const isSaid = isNamed && isCount(revision) && isCount(memoryBytes) && isCount(cpuMs);
  const areLatencies = [commitLatency, endToEndLatency].every(
    (latencies) => isRecord(latencies) && Object.keys(latencies).length <= BUCKETS_MAX && Object.values(latencies).every(isCount),
  );
  const areLater = isAbsentOr(time, isTime) && isAbsentOr(nodes, areNodes) && isAbsentOr(standbys, areStandbys);
  return isSaid && areLatencies && areLater && Array.isArray(tasks) && tasks.every(isTask);
}

function areStandbys(value: unknown): boolean {
  const isOne = (one: unknown): boolean =>
    isRecord(one) &&
    [one['task'], one['stage']].every((name) => typeof name === 'string') &&
    [one['lagRecords'], one['bytes']].every(isCount) &&
    typeof one['isWarm'] === 'boolean';
  return Array.isArray(value) && value.every(isOne);
}

function areNodes(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((figures) => isRecord(figures) && (isActors(figures) || isWindows(figures)));
}

function isActors({ kind, states, transitions }: Readonly<Record<string, unknown>>): boolean {
  if (kind !== 'actors' || !isRecord(states) || !Object.values(states).every(isCount)) return false;
  return isListOf(
    transitions,
    TRANSITIONS_TOLD_MAX,
    (one) => one.length === 4 && one.every((part, at) => (at === 3 ? isCount(part) : typeof part === 'string')),
  );
}

function isWindows({ kind, open, spans, results }: Readonly<Record<string, unknown>>): boolean {
  return (
    kind === 'windows' &&
    isCount(open) &&
    isCount(results) &&
    isListOf(spans, OPEN_TOLD_MAX, (one) => one.length === 3 && one.every(isNumber))
  );
}

function isListOf(value: unknown, max: number, is: (one: readonly unknown[]) => boolean): boolean {
  return Array.isArray(value) && value.length <= max && value.every((one) => Array.isArray(one) && is(one));
}

function isTask(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { task, stage, partition, state, epoch, number, counters, watermark, inboxBytes, progress, positions } = value;
  const { given, sequence, time, heavyKey, idle, held, heldMs, backPressure, backPressureMs, cannotRest, standsStill, stalled } = value;
  const isPlaced = typeof stage === 'string' && isCount(partition) && task === `${stage}/${partition}` && states.includes(state);
  const isCounted = [epoch, number, inboxBytes].every(isCount) && isCounters(counters);
  const isAt = isWatermark(watermark) && isAbsentOr(given, isWatermark);
  const isShare = progress === null || isCount(progress);
  const arePositions = isRecord(positions) && Object.values(positions).every(isCount);
  const areLater =
    isAbsentOr(sequence, isCount) &&
    isAbsentOr(time, isTime) &&
    isAbsentOr(heavyKey, isKeyShare) &&
    isAbsentOr(idle, (flag) => flag === true) &&
    isAbsentOr(held, (flag) => flag === true) &&
    isAbsentOr(heldMs, isCount) &&
    isAbsentOr(backPressure, (flag) => flag === true) &&
    isAbsentOr(backPressureMs, isCount) &&
    isAbsentOr(cannotRest, isCount) &&
    isAbsentOr(standsStill, isText) &&
    isAbsentOr(stalled, isText);
  return isPlaced && isCounted && isAt && isShare && arePositions && areLater;
}

function isWatermark(value: unknown): boolean {
  return value === null || (isNumber(value) && value >= TIME_MIN_MS);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isCounters(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { edgesIn, edgesOut, ...counts } = value;
  const areEdges = [edgesIn, edgesOut].every((edges) => Array.isArray(edges) && edges.every(isCount));
  return areEdges && ['eventsIn', 'eventsOut', 'filtered', 'late', 'deadLetters', 'recoveries'].every((name) => isCount(counts[name]));
}

function isTime(value: unknown): boolean {
  return isRecord(value) && ['busyMs', 'blockedMs', 'idleMs'].every((name) => isCount(value[name]));
}

function isKeyShare(value: unknown): boolean {
  return isRecord(value) && typeof value['key'] === 'string' && isCount(value['share']) && value['share'] <= 1;
}

function isAbsentOr(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}

function isCount(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value <= Number.MAX_SAFE_INTEGER;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
