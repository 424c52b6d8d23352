import { expect, test } from 'vitest';
import { type HealthFacts, judgeHealth } from './health.ts';

const runs = (name: string, silentMs = 0): HealthFacts['tasks'][number] => ({ name, isRunning: true, silentMs });
const waits = (name: string): HealthFacts['tasks'][number] => ({ name, isRunning: false, silentMs: 0 });
const FACTS: HealthFacts = {
  nowMs: 100_000,
  hasStarted: true,
  isAssigned: true,
  isDraining: false,
  failure: null,
  completed: false,
  tasks: [runs('w/0')],
  beatenMs: 99_900,
  turnedMs: 99_900,
};

test.each<{
  fact: string;
  facts: Partial<HealthFacts>;
  is: readonly [started: boolean, ready: boolean, progressing: boolean];
  reason: RegExp;
}>([
  { fact: 'everything runs', facts: {}, is: [true, true, true], reason: /^all 1 tasks run$/ },
  {
    fact: 'before an assignment it has not started',
    facts: { hasStarted: false, isAssigned: false, tasks: [] },
    is: [false, false, true],
    reason: /no assignment/,
  },
  {
    fact: 'with nothing to do it is started and ready',
    facts: { hasStarted: false, tasks: [] },
    is: [true, true, true],
    reason: /no task is assigned here/,
  },
  {
    fact: 'a task that restores for the first time keeps it from having started',
    facts: { hasStarted: false, tasks: [runs('a/0'), waits('b/0')] },
    is: [false, false, true],
    reason: /^1 of 2 tasks do not run yet: b\/0$/,
  },
  {
    fact: 'later a task that restores keeps it from being ready only',
    facts: { tasks: [waits('b/0')] },
    is: [true, false, true],
    reason: /do not run yet/,
  },
  {
    fact: 'a job that failed is not ready, and nothing to start anew for',
    facts: { failure: 'MR4002', tasks: [waits('b/0')] },
    is: [true, false, true],
    reason: /^the job failed: MR4002$/,
  },
  { fact: 'a job that is completed is ready', facts: { completed: true }, is: [true, true, true], reason: /completed/ },
  { fact: 'who drains is not ready', facts: { isDraining: true }, is: [true, false, true], reason: /draining/ },
  {
    fact: 'a commit of which nothing comes back while the server answers: stuck',
    facts: { tasks: [runs('w/0', 31_000)] },
    is: [true, true, false],
    reason: /nothing has come back of a commit of w\/0 for 31 s/,
  },
  {
    fact: 'a commit that waits while the server is away is no reason',
    facts: { tasks: [runs('w/0', 31_000)], beatenMs: 90_000 },
    is: [true, true, true],
    reason: /all 1/,
  },
  {
    fact: 'a loop that has not turned is stuck',
    facts: { turnedMs: 60_000 },
    is: [true, true, false],
    reason: /the loop has not turned for 40 s/,
  },
])('$fact', ({ facts, is, reason }) => {
  const health = judgeHealth({ ...FACTS, ...facts });
  expect([health.started, health.ready, health.progressing]).toEqual(is);
  expect(health.reason).toMatch(reason);
});
