// Which inputs of a node come by an exchange of its stage to itself, and what their time means.

import { isFeedback, isLoop, type EdgePlan, type NodePlan } from '../plan/physical-plan.ts';

/** It gets something by such an exchange. */
export function receivesOwn({ inputs }: NodePlan, edges: readonly EdgePlan[]): boolean {
  return inputs.some((input) => input.kind === 'edge' && isFeedback(edges[input.edge] as EdgePlan));
}

/** Per input, whether its watermark counts for nothing: none comes by what actors send each other (feedback.ts, FB4). */
export function untimedInputs({ inputs }: NodePlan, edges: readonly EdgePlan[]): readonly boolean[] {
  return inputs.map((input) => {
    if (input.kind !== 'edge') return false;
    const edge = edges[input.edge] as EdgePlan;
    return input.untimed === true || (isFeedback(edge) && !isLoop(edge));
  });
}
