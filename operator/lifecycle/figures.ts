// What workers report of a job, as far as the operator decides by it or shows it. Pure.

import type { StagePlan } from '../../runtime/plan/physical-plan.ts';
import { taskName } from '../../runtime/plan/physical-plan.ts';
import type { RunProgress } from '../../runtime/telemetry/progress.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';

export type JobFigures = {
  readonly progress: RunProgress;
  /** Workers that report, with the revision that each runs. */
  readonly workers: readonly { readonly worker: string; readonly revision: number }[];
  /** Tasks that a worker runs under the newest revision that it knows, or that have ended. */
  readonly tasks: ReadonlyMap<string, { readonly revision: number; readonly state: 'claiming' | 'running' | 'done' }>;
};

/** Only reports that are fresh go in. */
export function figuresOf(progress: RunProgress, reports: readonly WorkerReport[]): JobFigures {
  const tasks = new Map<string, { revision: number; state: 'claiming' | 'running' | 'done' }>();
  for (const { revision, tasks: reported } of reports) {
    for (const { task, state } of reported) {
      const known = tasks.get(task);
      const isBetter = known === undefined || revision > known.revision || (revision === known.revision && state !== 'claiming');
      if (isBetter) tasks.set(task, { revision, state });
    }
  }
  return { progress, workers: reports.map(({ worker, revision }) => ({ worker, revision })), tasks };
}

export type Readiness = {
  readonly tasks: number;
  /** Tasks that run (or have ended) under `revision`. */
  readonly running: number;
  /** Names of some that do not, at most three. */
  readonly missing: readonly string[];
};

/** How much of `stages` runs under `revision`. */
export function readinessOf(stages: readonly StagePlan[], figures: JobFigures | null, revision: number): Readiness {
  const names = stages.flatMap(({ id, partitionCount }) => Array.from({ length: partitionCount }, (_, p) => taskName(id, p)));
  const missing = names.filter((name) => {
    const task = figures?.tasks.get(name);
    return task === undefined || task.state === 'claiming' || task.revision < revision;
  });
  return { tasks: names.length, running: names.length - missing.length, missing: missing.slice(0, 3) };
}
