// What scaling remembers of a job, in its status: little, so that an operator that starts anew goes on.

import type { ScalingStatus } from '../../crds/stream-job/status.ts';

/** Workers were added and must show that it helped. */
export type Trial = {
  readonly from: number;
  readonly sinceMs: number;
  /** Events a second that those before could do, all together and each. */
  readonly perS: number;
  readonly perWorkerPerS: number;
};
/** No more workers until then, because they did not help. */
export type Hold = { readonly untilMs: number; readonly times: number; readonly why: string };

/** Times are of the wall clock: they outlive the process. */
export type ScalingMemory = {
  readonly replicas: number;
  /** What `spec.replicas` was when it was looked at last. */
  readonly declared: number;
  readonly perWorkerPerS: number | null;
  readonly outMs: number;
  readonly inMs: number;
  readonly trial: Trial | null;
  readonly hold: Hold | null;
  /** How many there were when events came last, for when it wakes. */
  readonly wakeTo: number;
};

export function memoryOf(status: ScalingStatus): ScalingMemory {
  const { replicas, declared, eventsPerWorker, lastOut, lastIn, trial, hold, wakeTo } = status;
  return {
    replicas,
    declared,
    perWorkerPerS: eventsPerWorker ?? null,
    outMs: timeOf(lastOut),
    inMs: timeOf(lastIn),
    trial:
      trial === undefined
        ? null
        : { from: trial.from, sinceMs: timeOf(trial.since), perS: trial.eventsPerS, perWorkerPerS: trial.eventsPerWorker },
    hold: hold === undefined ? null : { untilMs: timeOf(hold.until), times: hold.times, why: hold.why },
    wakeTo: wakeTo ?? 1,
  };
}

/** `now`: what is the case, as a sentence. */
export function statusOfMemory(memory: ScalingMemory, now: string): ScalingStatus {
  const { replicas, declared, perWorkerPerS, outMs, inMs, trial, hold, wakeTo } = memory;
  return {
    replicas,
    declared,
    ...(perWorkerPerS === null ? {} : { eventsPerWorker: Math.max(1, Number(perWorkerPerS.toPrecision(2))) }),
    ...(outMs > 0 ? { lastOut: textOf(outMs) } : {}),
    ...(inMs > 0 ? { lastIn: textOf(inMs) } : {}),
    ...(trial === null
      ? {}
      : {
          trial: {
            from: trial.from,
            since: textOf(trial.sinceMs),
            eventsPerS: Math.round(trial.perS),
            eventsPerWorker: Math.round(trial.perWorkerPerS),
          },
        }),
    ...(hold === null ? {} : { hold: { until: textOf(hold.untilMs), times: hold.times, why: hold.why.slice(0, WHY_MAX) } }),
    ...(wakeTo > 1 ? { wakeTo } : {}),
    now: now.slice(0, NOW_MAX),
  };
}

const WHY_MAX = 256;
const NOW_MAX = 512;

function timeOf(text: string | undefined): number {
  const ms = Date.parse(text ?? '');
  return Number.isFinite(ms) ? ms : 0;
}

function textOf(ms: number): string {
  return new Date(ms).toISOString();
}
