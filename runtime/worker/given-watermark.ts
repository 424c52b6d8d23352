// What a task says of the event time that it gives to others: where a transform holds it back, that is behind what the task has taken in. Pure.

import { WATERMARK_MIN } from '../event/batch.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import type { TaskFigures } from './task-figures.ts';

type Given = { readonly plan: Pick<PhysicalPlan, 'edges'>; readonly stage: Pick<StagePlan, 'kind' | 'outputs'> };

/** `watermarks`: by place in the stage's outputs (journal/record.ts). Nothing of a source, whose `watermark` says it, and of who gives to nobody. */
export function givenWatermark({ plan, stage }: Given, watermarks: readonly (number | null)[]): Pick<TaskFigures, 'given'> {
  if (stage.kind === 'source') return {};
  const data = stage.outputs.flatMap((index, place) => {
    const edge = plan.edges[index];
    return edge === undefined || edge.retired === true || edge.from.node === '*' ? [] : [watermarks[place] ?? WATERMARK_MIN];
  });
  if (data.length === 0) return {};
  const lowest = Math.min(...data);
  return { given: lowest === WATERMARK_MIN ? null : Math.min(lowest, Number.MAX_SAFE_INTEGER) };
}
