// Which stages another revision of the job leaves alone.

import { assert } from '../base/assert.ts';
import { unchangedStages } from '../plan/compatibility.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
import type { WorkerRevision } from './worker.ts';

/** Stages of which tasks go on untouched: the same in both plans, with the same side inputs. */
export function goingOn(before: WorkerRevision, next: WorkerRevision): ReadonlySet<string> {
  for (const edge of before.plan.edges)
    assert(next.plan.edges[edge.index]?.id === edge.id, () => `exchange ${edge.index} is ${edge.id} in revision ${next.revision} too`);
  const isSame = (table: string): boolean => before.tableVersions[table] === next.tableVersions[table];
  const tablesOf = (stage: StagePlan): readonly string[] =>
    stage.nodes.flatMap(({ op }) => (op.kind === 'enrich' ? op.lookups.map(({ table }) => table) : []));
  const same = unchangedStages(before.plan, next.plan);
  return new Set(next.plan.stages.filter((stage) => same.has(stage.id) && tablesOf(stage).every(isSame)).map(({ id }) => id));
}
