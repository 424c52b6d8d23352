// State of an older version, of all transforms of a stage, made into that of this declaration before its task begins: in portions, so that
// whoever restores it does other work between (transforms/actor/migrating.ts, V3).

import type { StagePlan } from '../plan/physical-plan.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { migrationsOf } from '../transforms/actor/migrating.ts';

/** A portion each time it is asked. Throws MR2110 for state that there is no way for. */
export function* migrations({ nodes }: Pick<StagePlan, 'nodes'>, state: PartitionState): Generator<void, void> {
  for (const { id, op } of nodes) if ('migrate' in op) yield* migrationsOf(op, { nodeId: id, cells: state.cells(id) });
}
