// What the schema of a StreamSavepoint can't say and the API server checks all the same (stream-job/rules.ts, L1–L2).

import type { CelRule, ListForm } from '../cel-rule.ts';

export const streamSavepointLists: readonly ListForm[] = [{ at: 'status.conditions', keys: ['type'] }];

export const streamSavepointRules: readonly CelRule[] = [
  {
    at: '',
    rule: "size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')",
    message: 'the name of a StreamSavepoint becomes part of NATS names: at most 63 lower-case letters, digits and dashes, a letter first',
  },
  {
    at: 'spec.job',
    rule: 'self == oldSelf',
    message: 'a savepoint is of one job for ever; make another StreamSavepoint for another job',
    messageExpression: `'this savepoint is of job "' + oldSelf + '" for ever; make another StreamSavepoint for "' + self + '"'`,
  },
];
