// Rules on what workers get (rules.ts, L1–L4).

import type { CelRule } from '../cel-rule.ts';

const RESOURCES = ['cpu', 'memory'] as const;

/** Of what a pool may have of its own, too. */
function placementRules(at: 'spec.workers' | 'spec.pools[].workers'): readonly CelRule[] {
  return [
    ...RESOURCES.map((name) => ({
      at: `${at}.resources`,
      rule: `!has(self.requests) || !has(self.requests.${name}) || !has(self.limits) || !has(self.limits.${name})
        || quantity(self.requests.${name}).compareTo(quantity(self.limits.${name})) <= 0`,
      message: `a worker asks for more ${name} than its limit; the request is at most the limit`,
      messageExpression: `'requests.${name} ' + self.requests.${name} + ' is more than limits.${name} ' + self.limits.${name} + '; it is at most that'`,
    })),
    {
      at: `${at}.tolerations[]`,
      rule: "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
      message: 'a toleration without a key tolerates all taints: say so with operator: Exists, or name a key',
    },
    {
      at: `${at}.tolerations[]`,
      rule: "!has(self.value) || !has(self.operator) || self.operator != 'Exists'",
      message: 'a toleration with operator: Exists has no value; remove one of them',
    },
    {
      at: `${at}.tolerations[]`,
      rule: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
      message: 'tolerationSeconds goes with effect: NoExecute',
    },
    {
      at: `${at}.nodeSelector{}`,
      rule: "self.matches('^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$')",
      message: 'a value of nodeSelector is that of a label: letters, digits, -, _ and ., at most 63, a letter or digit at both ends',
    },
  ];
}

export const workerRules: readonly CelRule[] = [
  ...placementRules('spec.workers'),
  ...placementRules('spec.pools[].workers'),
  {
    at: 'spec.workers.env[]',
    rule: 'has(self.value) != has(self.secret)',
    message: 'a variable has exactly one of value, secret',
    messageExpression: `'the variable ' + self.name + (has(self.value) ? ' has a value and a secret: keep one' : ' has neither a value nor a secret: give it one')`,
  },
  {
    at: 'spec.workers.env[]',
    rule: "!self.name.startsWith('MILLRACE_')",
    message: 'variables that begin with MILLRACE_ are set by the operator; take another name',
    messageExpression: `'the variable ' + self.name + ' is set by the operator, as all that begin with MILLRACE_; take another name'`,
  },
  {
    at: 'spec.workers.egress[]',
    rule: 'isCIDR(self.cidr)',
    message: 'cidr is no range of addresses; write one such as 10.1.0.0/16 or fd00::/8',
    messageExpression: `'"' + self.cidr + '" is no range of addresses; write one such as 10.1.0.0/16 or fd00::/8'`,
  },
  {
    at: 'spec.workers.image',
    rule: "!self.matches('\\\\s')",
    message: 'an image has no blanks in its name',
  },
];
