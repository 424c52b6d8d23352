// What one task measures of itself: latencies for reports, counts for its stage's metrics, and how old its checkpoint is.

import type { Clock } from '../base/clock.ts';
import type { TaskCounters } from '../journal/record.ts';
import { liveOutputs } from '../plan/physical-plan.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import type { Step } from '../task/step-record.ts';
import { LatencyHistogram } from '../telemetry/latency-histogram.ts';
import type { StageMeter } from '../telemetry/stage-meter.ts';
import type { Committer } from './committer.ts';

/** What is held now, for metrics. */
export type TaskHeld = {
  readonly inboxBytes: number;
  readonly stateBytes: number;
  readonly checkpointBytes: number;
  /** Since the state was last stored whole; 0: nothing has changed since. */
  readonly checkpointAgeMs: number;
};

export type TaskMeterParts = {
  readonly plan: PhysicalPlan;
  readonly stage: StagePlan;
  readonly clock: Clock;
  /** Of all tasks of the stage on this worker. */
  readonly meter: StageMeter;
};

export class TaskMeter {
  readonly commitLatency = new LatencyHistogram();
  readonly endToEndLatency = new LatencyHistogram();
  readonly #parts: TaskMeterParts;
  readonly #isLast: boolean;
  readonly #beganMs: number;
  #counted: TaskCounters | null = null;
  #checkpoint: { readonly number: number; readonly bytes: number; readonly sinceMs: number; readonly isBehind: boolean } | null = null;

  constructor(parts: TaskMeterParts) {
    this.#parts = parts;
    this.#isLast = isLast(parts);
    this.#beganMs = parts.clock.monotonicMs();
  }

  /** The partition is claimed and its state restored. */
  restored(counters: TaskCounters, { committer, isWarm }: { readonly committer: Committer; readonly isWarm: boolean }): void {
    const { clock, meter } = this.#parts;
    this.#counted = counters;
    meter.restored(clock.monotonicMs() - this.#beganMs, { isTakeover: committer.place.epoch > 1, isWarm });
    this.#note(committer);
  }

  /** The step's record is stored, `durationMs` after it was sent. */
  committed(step: Step, { bytes, durationMs }: { readonly bytes: number; readonly durationMs: number }, committer: Committer): void {
    const { clock, meter } = this.#parts;
    const after = step.header.counters;
    this.commitLatency.add(durationMs);
    meter.committed({ before: this.#counted ?? after, after, bytes, durationMs, traceId: traceOf(step), nowMs: clock.nowMs() });
    this.#counted = after;
    this.#note(committer);
  }

  /** What the step gives is visible: at the end of a way through the job, so are its results. Since when the oldest event of it was in the job,
   *  ms; null: it is no end, or not known. */
  visible(step: Step): number | null {
    if (!this.#isLast || step.header.ingestMs <= 0 || (step.payload === null && step.events.length === 0)) return null;
    const { clock, meter } = this.#parts;
    const nowMs = clock.nowMs();
    const durationMs = nowMs - step.header.ingestMs;
    this.endToEndLatency.add(durationMs);
    meter.endedToEnd(Math.max(0, durationMs), traceOf(step), nowMs); // clocks differ
    return durationMs;
  }

  held(inboxBytes: number, stateBytes: number): TaskHeld {
    const { bytes, sinceMs, isBehind } = this.#checkpoint ?? { bytes: 0, sinceMs: 0, isBehind: false };
    const checkpointAgeMs = isBehind ? this.#parts.clock.monotonicMs() - sinceMs : 0;
    return { inboxBytes, stateBytes, checkpointBytes: bytes, checkpointAgeMs };
  }

  #note({ named, place }: Committer): void {
    const number = named?.number ?? 0;
    const before = this.#checkpoint;
    const sinceMs = before?.number === number ? before.sinceMs : this.#parts.clock.monotonicMs();
    this.#checkpoint = { number, bytes: named?.bytes ?? 0, sinceMs, isBehind: place.number > number };
  }
}

/** True when what the stage writes is read by nobody but people: it ends a way through the job. */
function isLast({ plan, stage }: Pick<TaskMeterParts, 'plan' | 'stage'>): boolean {
  return stage.kind === 'sink' || liveOutputs(plan, stage).some(({ toStage }) => !plan.stages.some(({ id }) => id === toStage));
}

/** A trace that goes through the step: what an exemplar leads to. */
function traceOf({ spans }: Step): string | null {
  return spans[0]?.traceId ?? null;
}
