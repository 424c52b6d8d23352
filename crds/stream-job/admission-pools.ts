// Admission (admission.ts): pools name stages that are there, and none of them twice. Rules of the schema may not compare two long
// lists, as the API server fears what that costs.

import type { AdmissionRule, Variable } from './admission-rule.ts';

export const poolVariables: readonly Variable[] = [
  {
    name: 'placeable',
    expression: `[object.spec.sources.map(x, x.name) + object.spec.stages.map(x, x.name) + object.spec.sinks.map(x, x.name)]
      .map(names, names.transformMapEntry(i, name, {name: true}))[0]`,
  },
  {
    name: 'unplaceable',
    expression: `object.spec.pools.map(p, p.stages.filter(s, !(s in variables.placeable)).map(s, p.name + ' names ' + s)).filter(list, size(list) > 0)`,
  },
];

const others = 'object.spec.pools.exists(q, q.name != p.name && s in q.stages)';

export const poolValidations: readonly AdmissionRule[] = [
  {
    rule: 'size(variables.unplaceable) == 0',
    message: 'a pool names a stage that is not declared; correct the name, or declare it',
    messageExpression: `'there is no source, stage or sink of that name; correct it, or declare it: pool ' +
      variables.unplaceable.map(list, list.join(', ')).join(', pool ')`,
  },
  {
    rule: `!object.spec.pools.exists(p, p.stages.exists(s, ${others}))`,
    message: 'a stage is in two pools; a stage is in one pool: keep one',
    messageExpression: `'a stage is in one pool, keep one: ' +
      object.spec.pools.filter(p, p.stages.exists(s, ${others})).map(p, 'pool ' + p.name + ' shares ' + p.stages.filter(s, ${others}).join(', ')).join(', ')`,
  },
];
