import { expect, test } from 'vitest';
import type { StagePlan } from '../runtime/plan/physical-plan.ts';
import type { LiveStage } from './api.ts';
import { livePools, type ToldPool } from './pools.ts';

const stage = (id: string, pool?: string): StagePlan => ({
  id,
  index: 0,
  kind: 'keyed',
  partitionCount: 1,
  nodes: [],
  inputs: [],
  outputs: [],
  stream: '',
  subjectPrefix: '',
  reasons: [],
  ...(pool === undefined ? {} : { pool }),
});
const live = (id: string, lagEvents: number | null, eventsInPerS: number): LiveStage => ({
  id,
  eventsIn: 0,
  eventsOut: 0,
  eventsInPerS,
  lagEvents,
  watermarkMs: null,
  isEnded: false,
  deadLetters: 0,
  late: 0,
  filtered: 0,
  isDone: false,
  load: null,
  partitions: [],
});
const told = (name: string, ready: number, wanted: number): ToldPool => ({ name, ready, wanted, now: null, decision: null });

const plan = [stage('in'), stage('sums', 'heavy'), stage('more', 'heavy'), stage('out', 'light')];
const figures = [live('in', null, 5), live('sums', 10, 3), live('more', 4, 2), live('out', 1, 1)];

const row = (pools: ReturnType<typeof livePools>): readonly string[] =>
  pools.map(
    ({ name, stages, workers, ready, wanted, lagEvents, eventsInPerS }) =>
      `${name}: ${stages.join('+')} ${workers} ${ready ?? '–'}/${wanted ?? '–'} lag ${lagEvents ?? '–'} ${eventsInPerS}/s`,
  );

test('a local run: every worker runs the stages of all pools', () => {
  expect(row(livePools({ plan, live: figures, workers: [undefined, undefined], told: [] }))).toEqual([
    'default: in 2 –/– lag – 5/s',
    'heavy: sums+more 2 –/– lag 14 5/s',
    'light: out 2 –/– lag 1 1/s',
  ]);
});

test('a cluster: each pool has its own workers, also one that is on its way out', () => {
  const pools = [told('default', 1, 1), told('heavy', 2, 4), told('light', 0, 0), told('leaves', 1, 0)];
  expect(row(livePools({ plan, live: figures, workers: ['default', 'heavy', 'heavy', 'leaves'], told: pools }))).toEqual([
    'default: in 1 1/1 lag – 5/s',
    'heavy: sums+more 2 2/4 lag 14 5/s',
    'light: out 0 0/0 lag 1 1/s',
    'leaves:  1 1/0 lag – 0/s',
  ]);
});

test.each([
  { fact: 'a job of one pool that nobody scales has none to show', told: [], pools: [] },
  { fact: 'of one on a cluster its numbers are shown', told: [told('default', 2, 3)], pools: ['default: in+out 2 2/3 lag 7 3/s'] },
])('$fact', ({ told: known, pools }) => {
  const shown = livePools({
    plan: [stage('in'), stage('out')],
    live: [live('in', null, 1), live('out', 7, 2)],
    workers: ['default', 'default'],
    told: known,
  });
  expect(row(shown)).toEqual(pools);
});
