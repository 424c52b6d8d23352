// Admission (admission.ts): the partitions of a stage are fixed for the life of its state.

import type { AdmissionRule, Variable } from './admission-rule.ts';

const partitionsIn = (object: string): string =>
  `${object}.spec.stages.filter(x, has(x.keyBy)).transformMapEntry(i, x, {x.name: has(x.partitions) ? x.partitions : ${object}.spec.partitions})`;

export const changeVariables: readonly Variable[] = [
  {
    name: 'repartitioned',
    expression: `oldObject == null || object.spec.upgrade.strategy == 'stateless' ? [] :
      [${partitionsIn('oldObject')}].map(old, [${partitionsIn('object')}].map(now,
      now.map(name, name).filter(name, name in old && old[name] != now[name]).map(name, name + ' has ' + string(old[name]))))[0][0]`,
  },
];

export const changeValidations: readonly AdmissionRule[] = [
  {
    rule: 'size(variables.repartitioned) == 0',
    message:
      'the partitions of a stage are fixed for the life of its state; to drop the state, set upgrade.strategy: stateless with the change',
    messageExpression: `'the partitions of a stage are fixed for the life of its state; to drop the state, set upgrade.strategy: stateless with the change; ' +
      variables.repartitioned.join(', ')`,
  },
];
