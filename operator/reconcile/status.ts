// The status of a StreamJob, from what was observed and decided. Pure.
//
//   S1. A figure that nobody reported lately is Unknown, never zero (crds/stream-job/status.ts, T1).
//   S2. A condition's time changes only with its status.
//   S3. What a decision does not mention stays as it was.
//   S4. Who judged a condition says of which generation: one that was not judged keeps the generation that it was judged for.

import type { Condition, ConditionType, PoolStatus, ScalingStatus, StageStatus, StreamJobStatus } from '../../crds/stream-job/status.ts';
import { conditionTypes, STATUS_DECISIONS_MAX, STATUS_POOLS_MAX, STATUS_STAGES_MAX, UNKNOWN } from '../../crds/stream-job/status.ts';
import type { RunProgress, StageProgress } from '../../runtime/telemetry/progress.ts';
import type { Decision, Verdict } from '../lifecycle/decision.ts';
import type { Backlogs, Observed } from '../lifecycle/observed.ts';
import { workersAsked } from '../lifecycle/pools.ts';
import { selectorText } from '../resources/manifest.ts';
import { cut } from './cut.ts';
import { fitted } from './status-size.ts';

const MESSAGE_MAX = 1_024;
const DECISION_MAX = 320;

export function statusOf(observed: Observed, decision: Decision): StreamJobStatus {
  const { job, pods, defaultPods, pools, poolsLeft } = observed;
  const { revision, stableRevision, rejectedHash } = decision.remembers ?? {};
  const before = job.status;
  const rejected = rejectedHash === undefined ? before.rejectedHash : (rejectedHash ?? undefined);
  return fitted({
    ...kept(before),
    observedGeneration: job.generation,
    phase: decision.phase,
    conditions: conditionsOf(observed, decision),
    replicas: defaultPods.total,
    readyReplicas: defaultPods.ready,
    selector: selectorText(job.name),
    ready: `${pods.ready}/${isStopped(observed, decision) ? 0 : workersAsked(observed)}`,
    ...figuresOf(observed, decision),
    ...(revision === undefined ? {} : { revision }),
    ...(stableRevision === undefined ? {} : { stableRevision }),
    ...(rejected === undefined ? {} : { rejectedHash: rejected }),
    ...(observed.nats.kind === 'present' && observed.nats.record !== null ? { runId: observed.nats.record.runId } : {}),
    ...(decision.intent === null ? {} : { intent: decision.intent }),
    ...(observed.lastSavepoint === null ? {} : { lastSavepoint: observed.lastSavepoint }),
    ...(observed.scaling?.status ? { scaling: observed.scaling.status } : {}),
    ...(pools.length + poolsLeft.length === 0 ? {} : { pools: poolsStatus(observed, decision) }),
    decisions: decisionsOf(observed, decision),
  });
}

function isStopped({ cluster }: Observed, { phase }: Decision): boolean {
  return cluster.suspend || phase === 'Completed';
}

function poolsStatus(observed: Observed, decision: Decision): PoolStatus[] {
  const asked = (replicas: number): number => (isStopped(observed, decision) ? 0 : replicas);
  const own = observed.pools.map(({ name, pods, replicas, scaled }) => ({
    name,
    replicas: pods.total,
    ready: `${pods.ready}/${asked(replicas)}`,
    ...(scaled?.status ? { scaling: scaled.status } : {}),
  }));
  const left = observed.poolsLeft.map(({ name, pods }) => ({ name, replicas: pods.total, ready: `${pods.ready}/0` }));
  return [...own, ...left].slice(0, STATUS_POOLS_MAX);
}

/** What stays although nothing says so again. */
function kept({ revision, stableRevision, runId }: StreamJobStatus): StreamJobStatus {
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(stableRevision === undefined ? {} : { stableRevision }),
    ...(runId === undefined ? {} : { runId }),
  };
}

function conditionsOf({ job, nowMs }: Observed, { conditions }: Decision): Condition[] {
  const before = new Map((job.status.conditions ?? []).map((condition) => [condition.type, condition]));
  return conditionTypes.flatMap((type): Condition[] => {
    const verdict = conditions[type];
    const old = before.get(type);
    if (verdict === undefined) return old === undefined ? [] : [old]; // S4
    return [conditionOf(type, verdict, old, job.generation, nowMs)];
  });
}

/** One condition; its time is that of its last change of status (S2). */
export function conditionOf(
  type: ConditionType,
  { status, reason, message }: Verdict,
  old: Condition | undefined,
  generation: number,
  nowMs: number,
): Condition {
  const lastTransitionTime = old !== undefined && old.status === status ? old.lastTransitionTime : timeText(nowMs);
  return { type, status, observedGeneration: generation, lastTransitionTime, reason, message: cut(message, MESSAGE_MAX) };
}

type Figures = Pick<StreamJobStatus, 'lag' | 'watermark' | 'rate' | 'stages'>;

function figuresOf({ figures, backlogs }: Observed, { phase }: Decision): Figures {
  if (phase === 'Completed') return { lag: '0', watermark: 'ended', rate: '0' };
  if (figures === null) return { lag: UNKNOWN, watermark: UNKNOWN, rate: phase === 'Suspended' ? '0' : UNKNOWN };
  const { progress } = figures;
  const lags = progress.stages.map((stage) => lagOf(stage, backlogs));
  return {
    lag: lagText(lags.reduce((all, lag) => (all === null || lag === null ? null : all + lag), 0)),
    watermark: lowestWatermark(progress),
    rate: sourcesKnown(progress) ? rateText(sum(sources(progress).map(({ eventsInPerS }) => eventsInPerS))) : UNKNOWN,
    stages: progress.stages.slice(0, STATUS_STAGES_MAX).map((stage, i) => stageStatus(stage, lags[i] ?? null)),
  };
}

/** Events that wait to be taken in by it, by a source those in its stream; null: unknown (S1). */
function lagOf(stage: StageProgress, backlogs: Backlogs): number | null {
  if (!isKnown(stage)) return null;
  return stage.kind !== 'source' || stage.done ? (stage.lagEvents ?? 0) : (backlogs.get(stage.id) ?? null);
}

/** Events of messages of several lines are an estimate. */
function lagText(lag: number | null): string {
  return lag === null ? UNKNOWN : String(Math.round(lag));
}

function stageStatus(stage: StageProgress, lag: number | null): StageStatus {
  const running = stage.partitions.filter(({ owner, state }) => owner !== null || state === 'done').length;
  const known = isKnown(stage);
  return {
    name: stage.id,
    partitions: stage.partitions.length,
    running,
    ...(stage.partitions.some(({ standby }) => standby !== undefined)
      ? { standbys: stage.partitions.filter(({ standby }) => typeof standby === 'string').length }
      : {}),
    lag: lagText(lag),
    rate: known ? rateText(stage.eventsInPerS) : UNKNOWN,
    watermark: known ? watermarkText(stage.watermarkMs) : UNKNOWN,
    ...(known ? { deadLetters: stage.deadLetters } : {}),
  };
}

/** Every partition was reported lately, or has ended. */
function isKnown({ partitions }: StageProgress): boolean {
  return partitions.every(({ owner, state }) => owner !== null || state === 'done');
}

function sources({ stages }: RunProgress): readonly StageProgress[] {
  return stages.filter(({ kind }) => kind === 'source');
}

function sourcesKnown(progress: RunProgress): boolean {
  return sources(progress).every(isKnown);
}

/** Of all stages that have not ended the one furthest back. */
function lowestWatermark(progress: RunProgress): string {
  if (!progress.stages.every(isKnown)) return UNKNOWN;
  const marks = progress.stages.map(({ watermarkMs }) => watermarkMs);
  if (marks.some((mark) => mark === null)) return watermarkText(null);
  return watermarkText(Math.min(...marks.map((mark) => mark ?? 0)));
}

/** `2013-01-15T11:30:00Z`; `ended`; `none yet`. */
export function watermarkText(ms: number | null): string {
  if (ms === null) return 'none yet';
  if (ms >= 8_640_000_000_000_000) return 'ended';
  return timeText(ms);
}

/** Three digits that count: figures that only flicker are not worth a write. */
export function rateText(perS: number): string {
  if (perS < 0.05) return '0';
  return String(Number(perS.toPrecision(3)));
}

/** In ms, as Events have: what happened within a second stands in its order. */
function decisionsOf({ job, nowMs }: Observed, { events }: Decision): string[] {
  const scaled = events
    .filter(({ reason }) => reason === 'Scaled')
    .map(({ message }) => cut(`${new Date(nowMs).toISOString()} ${message}`, DECISION_MAX));
  return [...(job.status.decisions ?? []), ...scaled].slice(-STATUS_DECISIONS_MAX);
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Everything but figures: a change of these is written at once, a change of figures now and then. */
export function withoutFigures(status: StreamJobStatus): unknown {
  const { lag: _, watermark, rate, stages, scaling, pools, ...rest } = status;
  return {
    ...rest,
    scaled: withoutSeen(scaling),
    pools: pools?.map((pool) => ({ ...pool, scaling: withoutSeen(pool.scaling) })),
    // Not LAG: it alone is unknown only while the stream of a source does not answer, and that is written with the figures.
    known: [watermark, rate].map((figure) => figure === UNKNOWN),
    running: stages?.map(({ name, running }) => [name, running]),
  };
}

function withoutSeen(scaling: ScalingStatus | undefined): unknown {
  const { now: _, eventsPerWorker: __, ...scaled } = scaling ?? { now: '' };
  return scaled;
}
