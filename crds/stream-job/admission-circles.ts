// Admission (admission.ts): events flow one way.
//
// What comes back by `feedback` is no input here.
//
// Stages that read no other stage are struck off, then those that read only what was struck off, and so on. CEL has no loops,
// so the rounds are written out. When a round strikes nothing and stages are left, they read each other in a circle. When the
// rounds end before that, nothing is said (V1): chains longer than ROUNDS are judged by the operator.

import type { AdmissionRule, Variable } from './admission-rule.ts';

const ROUNDS = 24;

export const circleVariables: readonly Variable[] = [
  { name: 'left0', expression: `size(variables.unknown) > 0 ? {} : variables.inputs` },
  ...Array.from({ length: ROUNDS }, (_, round) => ({
    name: `left${round + 1}`,
    expression: `variables.left${round}.transformMap(name, from, from.exists(f, f in variables.left${round}), from)`,
  })),
];

const last = `variables.left${ROUNDS}`;

export const circleValidations: readonly AdmissionRule[] = [
  {
    rule: `size(${last}) == 0 || size(${last}) < size(variables.left${ROUNDS - 1})`,
    message:
      'stages read each other in a circle; events flow one way: break the circle, or let a stage with a key take what comes back by feedback',
    messageExpression: `'stages read each other in a circle (or read one that does); events flow one way, break the circle, or let a stage with a key take what comes back by feedback: ' + ${last}.map(name, name).join(', ')`,
  },
];
