// Feedback in plans: where it runs, what a person reads of it, and what an upgrade may change.

import { describe, expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { compareForUpgrade } from './compatibility.ts';
import { explainPlan } from './explain.ts';
import { isLoop, type PhysicalPlan } from './physical-plan.ts';
import { planJob } from './plan.ts';

type Stage = Readonly<Record<string, unknown>>;

const STEPS: Stage = { name: 'steps', from: 'rows', keyBy: 'event.id', dedupe: { ttl: '1h' }, partitions: 2 };
const AGAIN: Stage = { name: 'again', from: 'steps', filter: 'event.n > 0' };
const BACK = { feedback: { from: 'again' } };

function planOf(stages: readonly Stage[], before: PhysicalPlan | null = null): PhysicalPlan {
  const spec = {
    sources: [{ name: 'rows', nats: { subjects: ['rows'] }, eventTime: { at: 'event.at' } }],
    stages,
    sinks: [{ name: 'out', from: 'steps', nats: { subject: 'out' } }],
  };
  const job = streamJobSchema.parse({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'j' }, spec });
  return planJob(job, {}, { deadLetterFile: false, before });
}

describe('where it runs', () => {
  test('what comes back gets its key beside the stage that it comes back to, and goes by an exchange to itself', () => {
    const plan = planOf([{ ...STEPS, filter: 'event.n < 9', ...BACK }, AGAIN]);
    const steps = plan.stages.find(({ id }) => id === 'steps');
    expect(steps?.nodes.map(({ id }) => id)).toEqual(['steps', 'again', 'steps/feedback/filter', 'steps/feedback']);
    const loops = plan.edges.filter(isLoop);
    expect(loops).toMatchObject([{ id: 'steps/feedback→steps', from: { node: 'steps/feedback', output: null }, partitioning: 'key' }]);
    expect(steps?.nodes[0]?.inputs.map((input) => input.kind === 'edge' && input.edge)).toContain(loops[0]?.index);
  });

  test('a stage with feedback shares its tasks with no other of its key', () => {
    const other = { ...STEPS, name: 'other' };
    const ids = ({ stages }: PhysicalPlan): readonly string[] => stages.filter(({ kind }) => kind === 'keyed').map(({ id }) => id);
    expect(ids(planOf([STEPS, AGAIN, other]))).toEqual(['steps']);
    expect(ids(planOf([{ ...STEPS, ...BACK }, AGAIN, other]))).toEqual(['steps', 'other']);
    expect(ids(planOf([other, { ...STEPS, ...BACK }, AGAIN]))).toEqual(['other', 'steps']);
  });

  test('events that only count cross their exchange whole when they come back', () => {
    const plan = planOf([
      { name: 'steps', from: 'rows', keyBy: 'event.id', aggregate: { n: { count: {} } }, feedback: { from: 'again' } },
      { name: 'again', from: 'steps', filter: 'event.n < 3' },
    ]);
    const carries = plan.stages.flatMap(({ nodes }) => nodes.flatMap(({ id, op }) => (op.kind === 'keyBy' ? [[id, op.carry]] : [])));
    expect(carries).toEqual([
      ['steps/key', 'nothing'],
      ['steps/feedback', undefined],
    ]);
  });
});

test('the plan tells it', () => {
  const text = explainPlan(planOf([{ ...STEPS, feedback: { from: 'again', maxRounds: 20 } }, AGAIN]), 'text');
  const [, stage] = text.split('\n\n').slice(1);
  expect(stage).toMatchInlineSnapshot(`
    "steps ────────────────────────────────────────────────────── keyed, 2 partitions
      runs    steps › again › steps/feedback
      why     the key changes to event.id: equal keys meet in one partition
              what comes back to it comes by an exchange to itself; the watermark
                stays behind what is on its way
              again runs here too: it needs no other key
      sends   by id back to itself, up to 20 rounds
              steps to out
      journal stream MR_j_steps, subjects mr.j.steps.0 … 1"
  `);
});

describe('an upgrade', () => {
  const before = planOf([{ ...STEPS, ...BACK }, AGAIN]);
  const compare = (stages: readonly Stage[]): ReturnType<typeof compareForUpgrade> => compareForUpgrade(before, planOf(stages, before));

  test.each([
    { fact: 'may bring other events back', stages: [{ ...STEPS, feedback: { from: 'steps.late' } }, AGAIN] },
    { fact: 'may change the number of rounds', stages: [{ ...STEPS, feedback: { from: 'again', maxRounds: 3 } }, AGAIN] },
  ])('$fact', ({ stages }) => {
    expect(compare(stages)).toMatchObject({ restarted: ['steps'], incompatible: [] });
  });

  test('may begin to bring events back', () => {
    const [old, now] = [planOf([STEPS, AGAIN]), planOf([{ ...STEPS, ...BACK }, AGAIN])];
    expect(compareForUpgrade(old, now).incompatible).toEqual([]);
  });

  test('may not lose what is on its way back', () => {
    expect(compare([STEPS, AGAIN]).incompatible).toEqual([
      {
        stage: 'steps',
        reason: 'it would have no feedback, and events that are on their way back would be lost',
        fix: expect.stringContaining('keep feedback'),
      },
    ]);
  });
});
