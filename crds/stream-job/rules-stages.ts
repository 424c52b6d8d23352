// Rules on stages of a StreamJob on a cluster (rules.ts, L1–L4). Its verb, key, inputs and aggregates: admission.ts.

import type { CelRule } from '../cel-rule.ts';
import { firstName } from '../cel-text.ts';

/** What both CEL and we read as a duration: `d` is ours alone, a parameter has its value later. */
const READABLE = "'^([0-9.]+(h|m|s|ms))+$'";

/** `shorter` before `longer`, where both are there and CEL can read them. */
function ordered(
  at: string,
  rule: { readonly shorter: string; readonly longer: string; readonly isEqualAllowed: boolean; readonly says: string },
): CelRule {
  const { shorter, longer, isEqualAllowed, says } = rule;
  const readable = [shorter, longer].map((field) => `!self.${field}.matches(${READABLE})`).join(' || ');
  return {
    at,
    rule: `!has(self.${shorter}) || ${readable} || duration(self.${shorter}) ${isEqualAllowed ? '<=' : '<'} duration(self.${longer})`,
    message: says,
    messageExpression: `'${shorter} ' + self.${shorter} + ' and ${longer} ' + self.${longer} + ': ${says}'`,
  };
}

function notZero(at: string, field: string): CelRule {
  return {
    at,
    rule: `!has(self.${field}) || self.${field}.matches('[1-9$]')`,
    message: `${field} is no time at all; it is at least 1ms`,
  };
}

export const stageRules: readonly CelRule[] = [
  {
    at: 'spec.stages[]',
    rule: '!has(self.window) || has(self.aggregate)',
    message: 'a window needs an aggregate: aggregate: { count: { count: {} } }',
    messageExpression: `'window of stage "' + self.name + '" has no aggregate; add one: aggregate: { count: { count: {} } }'`,
  },
  {
    at: 'spec.stages[].window',
    rule: '[has(self.tumbling), has(self.sliding), has(self.session), has(self.count), has(self.global)].filter(given, given).size() == 1',
    message: 'a window has exactly one of tumbling, sliding, session, count, global',
  },
  {
    at: 'spec.stages[].window',
    rule: '!has(self.accumulation) || has(self.allowedLateness) || has(self.early) || has(self.global)',
    message: 'accumulation says what further results of a window have: add early or allowedLateness, or remove accumulation',
  },
  {
    at: 'spec.stages[].window',
    rule: '!has(self.global) || has(self.early)',
    message: 'a global window ends with the input only: say by early when its results come',
  },
  {
    at: 'spec.stages[].window',
    rule: '!has(self.global) || !has(self.allowedLateness)',
    message: 'a global window has no end after which an event could be late: remove allowedLateness',
  },
  {
    at: 'spec.stages[].window.early[]',
    rule: 'has(self.every) || has(self.processingTime) || has(self.count) || has(self.when)',
    message: 'a trigger says at least one of every, processingTime, count, when',
  },
  notZero('spec.stages[].window.early[]', 'every'),
  notZero('spec.stages[].window.early[]', 'processingTime'),
  {
    at: 'spec.stages[].window',
    rule: '!has(self.count) || !(has(self.early) || has(self.allowedLateness) || has(self.accumulation))',
    message: 'a window by count has one result, when it is full: remove early, allowedLateness and accumulation',
  },
  {
    at: 'spec.stages[].window.count',
    rule: '!has(self.every) || self.every <= self.size',
    message: 'events between windows would count nowhere; every is at most size',
  },
  {
    at: 'spec.stages[].window.count',
    rule: '!has(self.orAfter) || !has(self.every) || self.every == self.size',
    message: 'windows that overlap have no time bound; remove orAfter or every',
  },
  notZero('spec.stages[].window.count', 'orAfter'),
  notZero('spec.stages[].window', 'allowedLateness'),
  {
    at: 'spec.stages[].window',
    rule: '!has(self.keyWatermark) || !(has(self.count) || has(self.global) || has(self.early) || has(self.allowedLateness))',
    message:
      'keyWatermark goes with tumbling, sliding or session alone: an event is late for its key only, so give more time by maxOutOfOrder, and remove early and allowedLateness',
  },
  notZero('spec.stages[].window.keyWatermark', 'closeAfter'),
  {
    at: 'spec.stages[]',
    rule: '!has(self.processingTime) || !has(self.window) || !has(self.window.keyWatermark)',
    message: 'with processingTime the clock closes windows: remove keyWatermark',
  },
  {
    at: 'spec.stages[]',
    rule: '!has(self.rows) || (has(self.aggregate) && !has(self.window))',
    message: 'rows goes with an aggregate without window',
  },
  {
    at: 'spec.stages[].aggregate',
    rule: 'size(self) > 0',
    message: 'aggregate names no field; give at least one: field: { count: {} }',
  },
  ordered('spec.stages[].window.sliding', {
    shorter: 'every',
    longer: 'size',
    isEqualAllowed: true,
    says: 'events between windows would count nowhere; every is at most size',
  }),
  ordered('spec.stages[].window.tumbling', {
    shorter: 'offset',
    longer: 'size',
    isEqualAllowed: false,
    says: 'an offset shifts windows within one step; it is smaller than size',
  }),
  ordered('spec.stages[].window.sliding', {
    shorter: 'offset',
    longer: 'every',
    isEqualAllowed: false,
    says: 'an offset shifts windows within one step; it is smaller than every',
  }),
  ordered('spec.stages[].onError', {
    shorter: 'backoff',
    longer: 'backoffMax',
    isEqualAllowed: true,
    says: 'the longest wait is at least as long as the first one',
  }),
  {
    at: 'spec',
    rule: 'has(self.code) || self.stages.all(s, !has(s.onError) || s.onError.retries == 0)',
    message: 'retries are for functions, and the job has none (spec.code): an expression says the same of the same event for ever',
  },
  notZero('spec.stages[].window.tumbling', 'size'),
  notZero('spec.stages[].window.sliding', 'size'),
  notZero('spec.stages[].window.sliding', 'every'),
  notZero('spec.stages[].window.session', 'gap'),
  notZero('spec.stages[].dedupe', 'ttl'),
  {
    at: 'spec.stages[].join',
    rule: '[has(self.within), has(self.window), has(self.temporal), has(self.table)].filter(given, given).size() == 1',
    message: 'a join has exactly one of within, window, temporal, table: without a bound both sides would be kept for ever',
  },
  {
    at: 'spec.stages[].join',
    rule: "!has(self.temporal) || self.type in ['inner', 'left']",
    message: 'a temporal join is inner or left: rows wait for events, none of them is ever without a match',
  },
  {
    at: 'spec.stages[].join.window',
    rule: 'has(self.tumbling) != has(self.sliding)',
    message: 'the window of a join has exactly one of tumbling, sliding',
  },
  ordered('spec.stages[].join.window.sliding', {
    shorter: 'every',
    longer: 'size',
    isEqualAllowed: true,
    says: 'events between windows of the join would have no match; every is at most size',
  }),
  notZero('spec.stages[].join.window.tumbling', 'size'),
  notZero('spec.stages[].join.window.sliding', 'size'),
  notZero('spec.stages[].join.window.sliding', 'every'),
  notZero('spec.stages[].join.temporal', 'validFor'),
  notZero('spec.tables[]', 'validFor'),
  {
    at: 'spec',
    rule: '[self.tables.map(t, t.name)].all(tables, self.stages.all(s, !has(s.enrich) || s.enrich.all(e, e.table in tables)))',
    message: 'a stage looks up a table that is not declared; declare it in spec.tables',
    messageExpression: `[self.tables.map(t, t.name)].map(tables, 'stage "' +
      ${firstName('stages', 'has(x.enrich) && x.enrich.exists(e, !(e.table in tables))')} +
      '" looks up a table that is not declared; correct the name, or declare it in spec.tables')[0]`,
  },
  {
    at: 'spec',
    rule: 'has(self.code) || self.stages.all(s, !has(s.reduce) && !has(s.xstate) && !(has(s.lookup) && has(s.lookup.code)))',
    message:
      'reduce, xstate and lookup.code are code, and the job has none (spec.code); write the job in TypeScript and use millrace deploy, or use machine',
    messageExpression: `'stage "' + ${firstName('stages', 'has(x.reduce) || has(x.xstate) || (has(x.lookup) && has(x.lookup.code))')} +
      '" is code, and the job has none (spec.code); write the job in TypeScript and use millrace deploy, or use machine'`,
  },
  {
    at: 'spec.stages[]',
    rule: '!has(self.state) || has(self.reduce) || has(self.machine) || has(self.xstate) || (has(self.aggregate) && (!has(self.window) || has(self.window.count) || has(self.window.global)))',
    message:
      'state goes with reduce, machine, aggregate without a window, and windows by count and global: other windows, dedupe, joins and patterns forget by themselves',
  },
  {
    at: 'spec.stages[]',
    rule: '!has(self.migrate) || has(self.reduce) || has(self.machine) || has(self.xstate)',
    message: 'migrate goes with reduce and machine: no other state has a form that a job decides',
  },
  notZero('spec.stages[].state', 'ttl'),
  {
    at: 'spec.stages[]',
    rule: '!has(self.feedback) || has(self.changelog) || has(self.dedupe) || has(self.machine) || has(self.reduce) || has(self.xstate) || (has(self.aggregate) && !has(self.window))',
    message: 'feedback goes with aggregate without window, changelog, dedupe, machine and reduce: elsewhere events wait, or have no key',
  },
  {
    at: 'spec.stages[]',
    rule: "!has(self.feedback) || !(has(self.processingTime) || has(self.tables) || has(self.bootstrap) || (has(self.machine) && has(self.machine.order) && self.machine.order == 'eventTime'))",
    message:
      'what comes back by feedback keeps its time and waits for nothing: remove processingTime, tables, bootstrap and order: eventTime',
  },
  {
    // The API server takes the bound of the schema for a whole number, which is 0.
    at: 'spec.stages[].rateLimit',
    rule: 'self.perSecond > 0.0',
    message: 'a rate that lets nothing go on stops the job: perSecond is above 0',
  },
  {
    // As above.
    at: 'spec.stages[].aggregate{}.heavyHitters',
    rule: 'self.share > 0.0',
    message: 'share is above 0: all values have a share of nothing',
  },
  {
    at: 'spec.stages[].lookup',
    rule: 'has(self.http) != has(self.code)',
    message: 'a lookup has exactly one of http and code',
  },
  {
    at: 'spec.stages[].lookup.http',
    rule: "!has(self.body) || self.method == 'POST'",
    message: 'only a POST request has a body: method: POST, or use query',
  },
  ordered('spec.stages[].lookup', {
    shorter: 'backoff',
    longer: 'backoffMax',
    isEqualAllowed: true,
    says: 'the longest wait is at least as long as the first one',
  }),
  notZero('spec.stages[].lookup', 'timeout'),
  notZero('spec.stages[].lookup.cache', 'ttl'),
  notZero('spec.stages[].lookup.breaker', 'openFor'),
  {
    at: 'spec',
    rule: '!self.stages.exists(s, has(s.lookup) && has(s.lookup.http)) || (has(self.workers) && has(self.workers.egress) && size(self.workers.egress) > 0)',
    message: 'a lookup asks by http, and workers may reach nobody: declare in spec.workers.egress where they may go',
  },
  {
    at: 'spec.stages[].machine',
    rule: 'size(self.states) > 0',
    message: 'a machine has at least one state',
  },
];
