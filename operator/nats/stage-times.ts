// How far event time has come in stages, beside what the stages before them have given: from what their tasks report. Pure.
//
//   ST1. Both are watermarks, so the lateness that sources allow is in both, and nothing here looks at a clock.
//   ST2. What a transform holds back by itself (an outer join, windows of keys) is in what its stage gives: it is no lag of who reads it.
//   ST3. Not known is not told: none yet, ended, a task that does not say it, or an input of dead letters, which have no event time.

import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import { taskName } from '../../runtime/plan/physical-plan.ts';
import { stageWatermark } from '../../runtime/telemetry/progress.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { StageTime } from '../autoscaler/sample.ts';

type Figures = ReadonlyMap<string, Pick<TaskFigures, 'watermark' | 'given' | 'idle'>>;

/** Of those `stages` of which it is known. */
export function stageTimes(plan: PhysicalPlan, stages: readonly StagePlan[], figures: Figures): readonly StageTime[] {
  return stages.flatMap((stage) => {
    const [givenMs, takenMs] = [givenTo(plan, stage, figures), watermarkOf(stage, figures, ({ watermark }) => watermark)];
    return givenMs === null || takenMs === null ? [] : [{ stage: stage.id, givenMs, takenMs }];
  });
}

/** The lowest that the stages before it have given out; what a stage sends itself is none of it. */
function givenTo({ edges, stages }: PhysicalPlan, stage: StagePlan, figures: Figures): number | null {
  const before = stage.inputs.map((index) => edges[index]).filter((edge) => edge?.fromStage !== stage.id);
  if (before.length === 0 || before.some((edge) => edge === undefined || edge.from.node === '*')) return null;
  const given = before.map((edge) => {
    const from = stages.find(({ id }) => id === edge?.fromStage);
    return from === undefined ? null : watermarkOf(from, figures, from.kind === 'source' ? (task) => task.watermark : (task) => task.given);
  });
  return given.every((ms) => ms !== null) ? Math.min(...given) : null;
}

function watermarkOf(
  { id, partitionCount }: StagePlan,
  figures: Figures,
  of: (task: Pick<TaskFigures, 'watermark' | 'given'>) => number | null | undefined,
): number | null {
  const tasks = Array.from({ length: partitionCount }, (_, partition) => figures.get(taskName(id, partition)));
  const told = tasks.flatMap((task) => {
    const watermark = task === undefined ? undefined : of(task);
    return watermark === undefined ? [] : [{ watermark, ...(task?.idle === true ? { idle: true as const } : {}) }];
  });
  const lowest = told.length === partitionCount ? stageWatermark(told) : null;
  return lowest === Number.MAX_SAFE_INTEGER ? null : lowest;
}
