// When nothing more can come of what actors of a stage send each other, and that its tasks let each other rest.

import { expect, test } from 'vitest';
import type { EdgePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { PartitionState } from '../state/partition-state.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { NO_COUNTS } from './counters.ts';
import { Feedback, type OwnRecord } from './feedback.ts';
import type { InboxRecord } from './inbox.ts';
import { TaskCore } from './step.ts';

function planOf(more: object): PhysicalPlan {
  const on = { x: { actions: [{ sendTo: { key: "'k'", type: 'y' } }] }, y: {} };
  const machine = { eventType: "'x'", initial: 'a', states: { a: { on } } };
  return planOfSpec(
    {
      sources: [{ name: 's', nats: { subjects: ['a'] } }],
      stages: [{ name: 'm', from: 's', keyBy: 'event.id', partitions: 2, machine, ...more }],
      sinks: [],
    },
    { s: 1 },
  );
}

const plan = planOf({});
const stage = plan.stages.find(({ id }) => id === 'm') as StagePlan;
const own = plan.edges.find(({ fromStage, toStage }) => fromStage === toStage) as EdgePlan;
const outer = stage.inputs.filter((index) => index !== own.index);
const at = { sequence: 1, isClaim: false };

/** What a partition's record says. `end`: its inputs have ended; its watermark has, too. */
function record(sent: number, taken: number, end: 'no' | 'inputs' | 'watermark'): OwnRecord {
  const edgesOut = stage.outputs.map((index) => (index === own.index ? sent : 0));
  const edgesIn = stage.inputs.map((index) => (index === own.index ? taken : 0));
  return {
    counters: { ...NO_COUNTS, eventsIn: taken, edgesIn, edgesOut },
    inputs: stage.inputs.map((edge) => ({ edge, sequence: 1, watermarks: [end === 'no' ? 5 : Infinity] })),
    nodeWatermarks: { m: end === 'watermark' ? [Infinity, Infinity] : [5, 5] },
  };
}

test('it is settled when all inputs have ended and as much was taken in as was sent, by all together', () => {
  const feedback = new Feedback(own, stage, outer);
  const steps: readonly (readonly [partition: number, OwnRecord, settled: boolean, over: boolean])[] = [
    [0, record(3, 0, 'inputs'), false, false],
    [1, record(0, 3, 'no'), false, false],
    [1, record(1, 3, 'inputs'), false, false], // it has answered
    [0, record(3, 1, 'inputs'), true, false],
    [0, record(4, 1, 'watermark'), false, false], // a timer has sent once more
    [1, record(1, 4, 'watermark'), true, true],
  ];
  for (const [partition, says, settled, over] of steps) {
    feedback.note(partition, says, at);
    expect([feedback.isSettled(1), feedback.isSettled(2)]).toEqual([settled, over]);
  }
});

test('what is known goes on from the numbers of a record', () => {
  const [before, after] = [new Feedback(own, stage, outer), new Feedback(own, stage, outer)];
  before.note(0, record(3, 1, 'inputs'), at);
  before.note(1, record(1, 3, 'inputs'), at);
  after.restore(before.numbers(), true);
  expect(after.isSettled(1)).toBe(true);
  expect(after.numbers()).toEqual(before.numbers());
});

test.each([
  { fact: 'by event time', more: {} },
  { fact: 'by the clock', more: { processingTime: {} } },
])('a position that another task stores is no reason to store anything, or tasks would wake each other for ever: $fact', ({ more }) => {
  const clocked = planOf(more);
  const core = new TaskCore({
    plan: clocked,
    stage: clocked.stages.find(({ id }) => id === 'm') as StagePlan,
    partition: 0,
    makeTransform,
    table: () => {
      throw new Error('there is no table');
    },
    sink: null,
  });
  core.restore(null, new PartitionState(), false);
  const others = (sequence: number): InboxRecord => ({
    stage: 'm',
    partition: 1,
    sequence,
    number: sequence,
    kind: 'commit',
    more: false,
    watermarks: [],
    segments: [],
    bytes: 0,
    own: record(0, 0, 'no'),
  });
  core.takeRecords([others(1)], 1_000);
  core.step(1_000, { force: true }); // the first one is news
  for (let sequence = 2; sequence < 5; sequence++) {
    core.takeRecords([others(sequence)], sequence * 1_000);
    expect(core.step(sequence * 1_000, { force: false })).toBeNull();
    expect([core.owes, core.state.isChanged]).toEqual([false, false]);
  }
  expect(core.own.ownSequence).toBe(4);
});
