// Plans and progress of runs that never were, for tests of what a person sees.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunProgress, StageProgress } from '../../runtime/telemetry/progress.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';

const FLIGHTS = fileURLToPath(new URL('../../examples/flights/stream-job.yaml', import.meta.url));

export function planOfText(text: string): PhysicalPlan {
  return planJob(readStreamJob(text, { file: 'stream-job.yaml', parameters: {} }), {});
}

export function flightsPlan(): PhysicalPlan {
  return planOfText(readFileSync(FLIGHTS, 'utf8'));
}

/** A stage of `plan` as it stands before anything is known of it, with what `known` changes. */
export function stageProgress(plan: PhysicalPlan, id: string, known: Partial<StageProgress> = {}): StageProgress {
  const stage = plan.stages.find((found) => found.id === id);
  if (stage === undefined) throw new Error(`the plan has no stage ${id}`);
  const partitions = Array.from({ length: stage.partitionCount }, (_, partition) => ({
    partition,
    owner: null,
    state: 'unknown' as const,
  }));
  const nothing = {
    eventsIn: 0,
    eventsOut: 0,
    eventsInPerS: 0,
    lagEvents: stage.kind === 'source' ? null : 0,
    watermarkMs: null,
    deadLetters: 0,
    late: 0,
    filtered: 0,
    done: false,
  };
  return { id, kind: stage.kind, partitions, ...nothing, ...known };
}

/** Partitions drawn, one character each: the digit of the worker that runs it, `(0)` while it claims, `.` without one. */
export function owned(drawing: string): StageProgress['partitions'] {
  return [...drawing.matchAll(/\((\d)\)|(\d)|\./g)].map(([, claiming, running], partition) => {
    const place = claiming ?? running;
    if (place === undefined) return { partition, owner: null, state: 'unknown' };
    return { partition, owner: `w${place}-0-abcdef`, state: claiming === undefined ? 'running' : 'claiming' };
  });
}

/** A run of `plan` of which `stages` and `known` are known. */
export function runProgress(
  plan: PhysicalPlan,
  stages: Readonly<Record<string, Partial<StageProgress>>> = {},
  known: Partial<RunProgress> = {},
): RunProgress {
  return {
    elapsedMs: 0,
    stages: plan.stages.map(({ id }) => stageProgress(plan, id, stages[id])),
    workers: [],
    progress: null,
    remainingMs: null,
    deadLetters: 0,
    late: 0,
    recoveries: 0,
    commitMs: { p50: null, p99: null },
    endToEndMs: { p50: null, p99: null },
    peakMemoryBytes: 0,
    cpuMs: 0,
    ...known,
  };
}

/** `count` workers as a run names them. */
export function someWorkers(count: number): RunProgress['workers'] {
  return Array.from({ length: count }, (_, place) => ({ id: `w${place}-0-abcdef`, memoryBytes: 100 * 1024 * 1024, cpuMs: 1000, tasks: 1 }));
}
