// State of an older version of a declaration, made into that of this one when the transform starts.
//
// Cells: namespace VERSION, key '': the version of all cells of the transform in this partition. Absent: 1.
//   V1. A version is the `to` of the last migration. All cells are of one version: they are migrated together, before the first event,
//       and what was made is stored with the first step; a crash before it repeats it.
//   V2. State for which there is no way to this version stops the task with the reason: it is never read as what it is not.

import type { MigrationSpec } from '../../../crds/stream-job/state.ts';
import { MillraceError } from '../../base/errors.ts';
import type { Key, Value } from '../../event/batch.ts';
import { decodeKey, keyText } from '../../event/key.ts';
import { compileCode } from '../../expression/expression.ts';
import { problemOf } from '../failure.ts';
import type { RestoreContext, Transform } from '../transform.ts';

const STATE = 0;
const VERSION = -2;

type Step = { readonly from: number; readonly to: number; readonly change: (cell: Value, key: Key) => Value };

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
    isMarked = migrate(context, steps, version);
    restored?.(context);
  };
  inner.onBatch = (batch, context, side): void => {
    if (!isMarked) context.cells.put(VERSION, '', version);
    isMarked = true;
    onBatch(batch, context, side);
  };
  return inner;
}

/** False: there is no state yet, so nothing says its version. */
function migrate({ cells, nodeId }: RestoreContext, steps: readonly Step[], version: number): boolean {
  const marked = cells.get(VERSION, '') as number | undefined;
  if (marked === undefined && cells.size(STATE) === 0) return false;
  const found = marked ?? 1;
  if (found === version) return true;
  const first = steps.findIndex(({ from }) => from === found);
  if (first < 0) {
    const problem = `its state is of version ${found}, and the declaration leads ${describeSteps(steps)}`;
    throw new MillraceError('MR2110', { transform: nodeId, problem });
  }
  for (const [key, cell] of cells.entries(STATE)) {
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
  return true;
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
