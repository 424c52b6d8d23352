// Fields of a machine's context that every assignment makes longer and none makes shorter.

import type { Code } from '../../crds/stream-job/code.ts';
import type { MachineSpec, MachineState } from '../../crds/stream-job/machine.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { actionsOf, eachState } from './machine-walk.ts';

export type Growth = { readonly field: string; readonly path: readonly PathPart[] };

export function growthOf({ field, path: at }: Growth, path: readonly PathPart[]): Issue {
  return {
    path: formatPath([...path, ...at]),
    message: `context.${field} only grows: every assignment adds to it, until the actor is larger than stateBytesMax and refuses events`,
    fix: 'keep a sum or the last few, or clear it somewhere',
  };
}

export function warnGrowth(machine: MachineSpec, path: readonly PathPart[]): readonly Issue[] {
  const assigned: { readonly field: string; readonly code: Code; readonly path: readonly PathPart[] }[] = [];
  eachState(machine as MachineState, (state, _keys, at) => {
    for (const { action, path: place } of actionsOf(state))
      for (const [field, code] of Object.entries(action.assign ?? {}))
        assigned.push({ field, code, path: [...at, ...place, 'assign', field] });
  });
  const isLong = (field: string): boolean => typeof machine.context[field] === 'string' || Array.isArray(machine.context[field]);
  return [...Map.groupBy(assigned, ({ field }) => field)]
    .filter(([field, all]) => all.every(({ code }) => typeof code === 'string' && addsTo(code, field, isLong(field))))
    .flatMap(([, [first]]) => (first === undefined ? [] : [growthOf(first, path)]));
}

/** `context.f + …` or `… + context.f`, where f is a list or a text: by its initial value, or because a list is added. */
function addsTo(code: string, field: string, isLong: boolean): boolean {
  const text = code.trim();
  const own = `context.${field}`;
  const isBefore = text.startsWith(`${own} + `);
  if (!isBefore && !text.endsWith(` + ${own}`)) return false;
  const other = (isBefore ? text.slice(own.length + 3) : text.slice(0, -own.length - 3)).trim();
  return isLong || (other.startsWith('[') && other.endsWith(']'));
}
