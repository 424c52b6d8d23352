// How far a stage's journal may be purged. Pure.

import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { liveOutputs, taskName } from '../plan/physical-plan.ts';
import type { TaskFigures } from './task-figures.ts';

/** Lowest stored position of all tasks that read what the stage writes; 0 while one was not heard of (J9), Infinity when nobody
 *  reads it. Whoever read an exchange that is gone has no say any more; a stage that is gone is left as it is. */
export function slowestReader(plan: PhysicalPlan, stageId: string, heard: ReadonlyMap<string, TaskFigures>): number {
  const stage = plan.stages.find(({ id }) => id === stageId);
  if (stage === undefined) return 0;
  let slowest = Infinity;
  for (const { index, toStage } of liveOutputs(plan, stage)) {
    const reader = plan.stages.find(({ id }) => id === toStage);
    if (reader === undefined) return 0; // a journal sink: its results stay
    for (let partition = 0; partition < reader.partitionCount; partition++)
      slowest = Math.min(slowest, heard.get(taskName(reader.id, partition))?.positions[String(index)] ?? 0);
  }
  return slowest;
}
