// One actor per key: a machine declared in YAML, as a transform.

import type { OpPlan } from '../../plan/physical-plan.ts';
import type { Transform } from '../transform.ts';

/** `id` names the node in messages. Throws BadDeclaration for what the machine may not have (invoke, spawn). */
export function makeMachine(op: Extract<OpPlan, { kind: 'machine' }>): Transform {
  void op;
  throw new Error('being written');
}

export function makeXState(op: Extract<OpPlan, { kind: 'xstate' }>): Transform {
  void op;
  throw new Error('being written');
}
