// Rules on scaling and on pools (rules.ts, L1–L4). That a pool names stages which are there: admission-pools.ts.

import type { CelRule } from '../cel-rule.ts';
import { DEFAULT_POOL, RESERVED_POOL_PART } from './pool-names.ts';

function rulesOfScaling(at: string): readonly CelRule[] {
  return [
    {
      at,
      // The default of the whole is checked before those of its fields are in.
      rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
      message: 'scaling.min is more than scaling.max; it is at most that',
    },
    {
      at: `${at}.targetLag`,
      rule: "self.matches('[1-9]')",
      message: 'a targetLag of no time at all cannot be held, as some event is always under way; take 1s or more',
    },
  ];
}

const poolNameRules: readonly CelRule[] = [
  {
    at: 'spec.pools[].name',
    rule: `self != '${DEFAULT_POOL}'`,
    message: `"${DEFAULT_POOL}" is the pool of all stages that no pool names: spec.replicas, spec.scaling and spec.workers describe it; take another name`,
  },
  {
    at: 'spec.pools[].name',
    rule: `!self.matches('(^|-)${RESERVED_POOL_PART}(-|$)')`,
    message: `a pool whose name has the part "${RESERVED_POOL_PART}" could have a Deployment of the name of another job's; take another name`,
  },
  {
    at: 'spec.scaling.idle',
    rule: "self.matches('[1-9]')",
    message: 'idle of no time at all would put a job to sleep between two events; take 1s or more, or leave it out',
  },
];

export const scalingRules: readonly CelRule[] = [
  ...rulesOfScaling('spec.scaling'),
  ...rulesOfScaling('spec.pools[].scaling'),
  ...poolNameRules,
];
