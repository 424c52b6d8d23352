// The statechart of a transform as text: an XState configuration in YAML, with the expressions in it.

import { stringify } from 'yaml';
import { BadDeclaration } from '../runtime/base/issues.ts';
import type { OpPlan, PhysicalPlan } from '../runtime/plan/physical-plan.ts';
import { patternMachine } from '../runtime/transforms/pattern/pattern-machine.ts';

/** Throws BadDeclaration when there is none of that name. */
export function statechartText(plan: PhysicalPlan, name: string): string {
  const charts = plan.stages.flatMap(({ nodes }) => nodes.map(({ id, op }) => ({ id, chart: chartOf(op) })));
  const found = charts.find(({ id }) => id === name)?.chart ?? null;
  if (found !== null) return stringify(JSON.parse(JSON.stringify(found, shown)), { lineWidth: 0, aliasDuplicateObjects: false });
  const known = charts.flatMap(({ id, chart }) => (chart === null ? [] : [id]));
  const fix = known.length === 0 ? 'this job has no pattern and no machine' : `one of ${known.join(', ')}`;
  throw new BadDeclaration('millrace plan', [{ path: '--statechart', message: `${name} is no pattern and no machine`, fix }]);
}

function chartOf(op: OpPlan): unknown {
  if (op.kind === 'pattern') return patternMachine(op.spec).machine;
  if (op.kind === 'machine') return op.spec;
  return op.kind === 'xstate' ? ((op.machine as { readonly config?: unknown }).config ?? null) : null;
}

/** Functions by their names. */
function shown(_name: string, value: unknown): unknown {
  return typeof value === 'function' ? `code: ${value.name || 'a function'}` : value;
}
