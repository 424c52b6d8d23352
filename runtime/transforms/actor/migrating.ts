// State of an older version of a declaration, made into that of this one when the transform starts.
//
// Cells: namespace VERSION, key '': the version of all cells of the transform in this partition. Absent: 1.
//   V1. A version is the `to` of the last migration. All cells are of one version: they are migrated together, before the first event,
//       and what was made is stored with the first step; a crash before it repeats it.
//   V2. State for which there is no way to this version stops the task with the reason: it is never read as what it is not.
//   V3. It can be done before the transform is there, in portions (`migrationsOf`): whoever restores much state has other work between.
//       Then there is nothing left to do here.

import type { MigrationSpec } from '../../../crds/stream-job/state.ts';
import { MillraceError } from '../../base/errors.ts';
import type { Key, Value } from '../../event/batch.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { decodeKey, keyText } from '../../event/key.ts';
import { compileCode } from '../../expression/expression.ts';
import { problemOf } from '../failure.ts';
import type { RestoreContext, Transform } from '../transform.ts';

const STATE = 0;
const VERSION = -2;

type Step = { readonly from: number; readonly to: number; readonly change: (cell: Value, key: Key) => Value };

/** Cells that are migrated at once (V3). */
const PORTION_CELLS = 256;

/** V3: what is to be done for a transform, a portion each time it is asked. Throws MR2110. */
export function* migrationsOf(op: OpPlan, context: Pick<RestoreContext, 'cells' | 'nodeId'>): Generator<void, void> {
  if (!('migrate' in op) || op.migrate === undefined) return;
  const actors = op.kind !== 'reduce';
  const steps = op.migrate.map((migration) => compileStep(migration, actors));
  yield* migrate(context, steps, steps.at(-1)?.to ?? 1);
}

/** `inner`, whose cells are brought to the last version. `actors`: cells are machines' (the code is over their context). */
export function migrating<T extends Transform>(
  inner: T,
  migrations: readonly MigrationSpec[],
  { actors }: { readonly actors: boolean },
): T {
  const steps = migrations.map((migration) => compileStep(migration, actors));
  const version = steps.at(-1)?.to ?? 1;
  const restored = inner.restored?.bind(inner);
  const onBatch = inner.onBatch.bind(inner);
  let isMarked = false;
  inner.restored = (context): void => {
    for (const _ of migrate(context, steps, version)); // nothing waits for portions here
    isMarked = context.cells.get(VERSION, '') !== undefined;
    restored?.(context);
  };
  inner.onBatch = (batch, context, side): void => {
    if (!isMarked) context.cells.put(VERSION, '', version);
    isMarked = true;
    onBatch(batch, context, side);
  };
  return inner;
}

/** Where there is no state yet, nothing says its version. */
function* migrate(
  { cells, nodeId }: Pick<RestoreContext, 'cells' | 'nodeId'>,
  steps: readonly Step[],
  version: number,
): Generator<void, void> {
  const marked = cells.get(VERSION, '') as number | undefined;
  if (marked === undefined && cells.size(STATE) === 0) return;
  const found = marked ?? 1;
  if (found === version) return;
  const first = steps.findIndex(({ from }) => from === found);
  if (first < 0) {
    const problem = `its state is of version ${found}, and the declaration leads ${describeSteps(steps)}`;
    throw new MillraceError('MR2110', { transform: nodeId, problem });
  }
  let portion = 0;
  for (const [key, cell] of cells.entries(STATE)) {
    if (++portion % PORTION_CELLS === 0) yield;
    try {
      cells.put(
        STATE,
        key,
        steps.slice(first).reduce((state, { change }) => change(state, key), cell),
      );
    } catch (cause) {
      const problem = `its state of version ${found} of key ${keyText(key)} can't be migrated: ${problemOf(cause)}`;
      throw new MillraceError('MR2110', { transform: nodeId, problem }, { cause });
    }
  }
  cells.put(VERSION, '', version);
}

function compileStep({ from, to, state: code }: MigrationSpec, actors: boolean): Step {
  if (!actors) {
    const run = compileCode(code, ['state', 'key']);
    return { from, to, change: (cell, key) => given(run(cell, decodeKey(key))) };
  }
  const run = compileCode(code, ['context', 'key', 'state']);
  return {
    from,
    to,
    change: (cell, key) => {
      const actor = cell as { readonly value: Value; readonly context: Value };
      return { ...actor, context: given(run(actor.context, decodeKey(key), actor.value)) };
    },
  };
}

function given(state: Value): Value {
  if (state === undefined || state === null || state instanceof Promise) throw new TypeError('it gave no state');
  return state;
}

function describeSteps(steps: readonly Step[]): string {
  return `from ${[...steps.map(({ from }) => from), steps.at(-1)?.to].join(' to ')}`;
}
