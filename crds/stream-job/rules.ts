// What the schema of a StreamJob can't say and the API server checks all the same: rules in CEL, by the place they are of.
//
//   L1. A rule says what is wrong with which value, and what to do.
//   L2. Cheap: the API server allows a rule 10 million units by its own worst-case estimate, and 1 million when it runs.
//       Names of one list are unique by its form (streamJobLists), which costs nothing; rules compare lists only.
//   L3. What lies in places without a type (`from`, `map`, `keyBy` …) no rule can see, and what is too dear by the estimate
//       no rule may look at: both are in admission.ts.
//   L4. A text with a parameter (`${name}`) is judged by the operator, which knows the value.

import type { CelRule, ListForm } from '../cel-rule.ts';
import { firstName } from '../cel-text.ts';
import { connectorRules } from './rules-connectors.ts';
import { scalingRules } from './rules-scaling.ts';
import { stageRules } from './rules-stages.ts';
import { workerRules } from './rules-workers.ts';

/** Lists whose items have a name: unique, merged by it, and compared with what they were. */
export const streamJobLists: readonly ListForm[] = [
  ...[
    'spec.parameters',
    'spec.sources',
    'spec.tables',
    'spec.stages',
    'spec.sinks',
    'spec.pools',
    'spec.workers.env',
    'status.stages',
    'status.pools',
  ].map((at) => ({
    at,
    keys: ['name'],
  })),
  { at: 'spec.workers.files', keys: ['configMap'] },
  { at: 'spec.workers.imagePullSecrets', isSet: true },
  { at: 'spec.sources[].nats.subjects', isSet: true },
  { at: 'spec.pools[].stages', isSet: true },
  { at: 'status.conditions', keys: ['type'] },
];

const RESERVED = "['dead-letters', 'dead-letters-subject', 'sinks', 'dead']";
const nameLists: readonly (readonly [list: string, what: string])[] = [
  ['sources', 'source'],
  ['tables', 'table'],
  ['stages', 'stage'],
  ['sinks', 'sink'],
];
const namesOf = (list: string): string => `self.${list}.map(x, x.name)`;

/** No element of `list` has a name of `others`. */
function apart(list: string, what: string, others: readonly string[]): CelRule {
  const taken = `[${others.map(namesOf).join(' + ')}]`;
  const says = 'sources, tables, stages and sinks share one set of names; rename one';
  return {
    at: 'spec',
    rule: `${taken}.all(taken, self.${list}.all(x, !(x.name in taken)))`,
    message: says,
    messageExpression: `${taken}.map(taken, '${what} "' + ${firstName(list, 'x.name in taken')} + '" has the name of another element: ${says}')[0]`,
  };
}

const nameRules: readonly CelRule[] = [
  {
    at: '',
    rule: "size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')",
    message:
      'the name of a StreamJob becomes part of NATS subjects and of labels: at most 63 lower-case letters, digits and dashes, a letter first',
  },
  apart('stages', 'stage', ['sources', 'tables', 'sinks']),
  apart('sinks', 'sink', ['sources', 'tables']),
  apart('sources', 'source', ['tables']),
  ...nameLists.map(([list, what]) => ({
    at: `spec.${list}[]`,
    rule: `!(self.name in ${RESERVED})`,
    message: `dead-letters, dead-letters-subject, sinks and dead belong to Millrace; give the ${what} another name`,
  })),
];

const parameterRules: readonly CelRule[] = [
  {
    at: 'spec',
    rule: 'self.parameters.all(p, has(p.default) || p.name in self.values)',
    message: 'a parameter without a default needs a value in spec.values',
    messageExpression: `'parameter "' + ${firstName('parameters', '!has(x.default) && !(x.name in self.values)')} +
      '" has no default: give it a value in spec.values'`,
  },
  {
    at: 'spec',
    rule: 'self.values.all(name, self.parameters.exists(p, p.name == name))',
    message: 'spec.values has a value for which no parameter is declared; declare it in spec.parameters, or remove it',
  },
];

/** The partitions of single stages: admission-changes.ts. */
const changeRules: readonly CelRule[] = [
  {
    at: 'spec',
    rule: "self.partitions == oldSelf.partitions || self.upgrade.strategy == 'stateless'",
    message:
      'spec.partitions is fixed for the life of the state; give new stages partitions of their own, or drop the state: upgrade.strategy: stateless with the change',
  },
];

export const streamJobRules: readonly CelRule[] = [
  ...nameRules,
  ...parameterRules,
  ...connectorRules,
  ...stageRules,
  ...workerRules,
  ...scalingRules,
  ...changeRules,
];
