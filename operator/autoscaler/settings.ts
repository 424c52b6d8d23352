// How a job is to be scaled: `spec.scaling` with durations in ms.

import type { ScalingSpec } from '../../crds/stream-job/scaling.ts';
import { parseDuration } from '../../runtime/base/duration.ts';

/** How much may change at once: by the larger of both where both are given. Absent limits: as much as is needed. */
export type Pace = {
  readonly stabilizationMs: number;
  readonly pods: number | null;
  readonly percent: number | null;
  readonly periodMs: number;
};

export type ScalingSettings = {
  readonly mode: 'Off' | 'Recommend' | 'Apply';
  readonly min: number;
  readonly max: number;
  readonly targetLagMs: number;
  readonly catchUpMs: number;
  /** 0 … 1 */
  readonly utilization: number;
  /** null: it never sleeps. */
  readonly idleMs: number | null;
  /** Whether keys may be named. */
  readonly hotKeys: 'Show' | 'Hide';
  readonly out: Pace;
  readonly in: Pace;
};

export function settingsOf({ mode, min, max, targetLag, catchUp, utilization, idle, hotKeys, behavior }: ScalingSpec): ScalingSettings {
  const { scaleUp, scaleDown } = behavior;
  return {
    mode,
    min,
    max,
    targetLagMs: parseDuration(targetLag),
    catchUpMs: Math.max(1_000, parseDuration(catchUp)),
    utilization: utilization / 100,
    idleMs: idle === undefined ? null : parseDuration(idle),
    hotKeys,
    out: paceOf(scaleUp),
    in: paceOf(scaleDown),
  };
}

function paceOf({ stabilization, pods, percent, period }: ScalingSpec['behavior']['scaleUp']): Pace {
  return {
    stabilizationMs: parseDuration(stabilization),
    pods: pods ?? null,
    percent: percent ?? null,
    periodMs: Math.max(1_000, parseDuration(period)),
  };
}
