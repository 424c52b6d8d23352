// Rules on scaling (rules.ts, L1–L4).

import type { CelRule } from '../cel-rule.ts';

export const scalingRules: readonly CelRule[] = [
  {
    at: 'spec.scaling',
    // The default of the whole is checked before those of its fields are in.
    rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
    message: 'scaling.min is more than scaling.max; it is at most that',
  },
  {
    at: 'spec.scaling.targetLag',
    rule: "self.matches('[1-9]')",
    message: 'a targetLag of no time at all cannot be held, as some event is always under way; take 1s or more',
  },
  {
    at: 'spec.scaling.idle',
    rule: "self.matches('[1-9]')",
    message: 'idle of no time at all would put a job to sleep between two events; take 1s or more, or leave it out',
  },
];
