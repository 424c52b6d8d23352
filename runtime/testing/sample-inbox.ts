// Records of a stage as they wait to be taken in by the next one, for tests of tasks.

import type { Batch } from '../event/batch.ts';
import { encodeEvents } from '../event/segment.ts';
import type { EdgePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import type { InboxRecord } from '../task/inbox.ts';

export type InboxFields = {
  readonly sequence: number;
  readonly batch: Batch;
  readonly watermark: number;
  readonly isIdle?: boolean;
  readonly partition?: number;
};

/** A commit of a partition (0 when it is not said) of the stage before, with what it sends over `edge`. */
export function makeInboxRecord(
  plan: PhysicalPlan,
  edge: EdgePlan,
  { sequence, batch, watermark, isIdle = false, partition = 0 }: InboxFields,
): InboxRecord {
  const from = plan.stages.find(({ id }) => id === edge.fromStage) as StagePlan;
  const count = batch.values.length;
  return {
    stage: from.id,
    partition,
    sequence,
    number: sequence,
    kind: 'commit',
    more: false,
    watermarks: from.outputs.map((output) => (output === edge.index ? watermark : null)),
    idle: isIdle ? [from.outputs.indexOf(edge.index)] : [],
    segments: count === 0 ? [] : [{ edge: edge.index, count, bytes: encodeEvents([batch]) }],
    bytes: 1,
  };
}
