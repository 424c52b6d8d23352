// One actor per key: a plain function `(state, event, context) => state`, as a transform.

import type { OpPlan } from '../../plan/physical-plan.ts';
import type { Transform } from '../transform.ts';

export function makeReduce(op: Extract<OpPlan, { kind: 'reduce' }>): Transform {
  void op;
  throw new Error('being written');
}
