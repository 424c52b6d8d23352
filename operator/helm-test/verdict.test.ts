import { expect, test } from 'vitest';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { testJob } from './test-job.ts';
import { verdictOf } from './verdict.ts';

const ready = (status: 'True' | 'False', reason: string): NonNullable<StreamJobStatus['conditions']>[number] => ({
  type: 'Ready',
  status,
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  reason,
  message: 'said so',
});
const stage = (deadLetters: number): NonNullable<StreamJobStatus['stages']>[number] => ({
  name: 'count',
  partitions: 2,
  rate: '0',
  watermark: 'ended',
  deadLetters,
});

test.each<{ fact: string; status: StreamJobStatus | undefined; verdict: string }>([
  { fact: 'no status: wait', status: undefined, verdict: 'waiting the operator has not said anything about the job yet' },
  {
    fact: 'a status of an older declaration says nothing',
    status: { observedGeneration: 0, phase: 'Completed', conditions: [ready('True', 'Completed')] },
    verdict: 'waiting the operator has not said anything about the job yet',
  },
  {
    fact: 'a job on its way tells how far it is',
    status: { observedGeneration: 1, phase: 'Starting', conditions: [ready('False', 'PodsNotReady')] },
    verdict: 'waiting phase Starting: PodsNotReady: said so',
  },
  {
    fact: 'completed and ready is what is wanted',
    status: { observedGeneration: 1, phase: 'Completed', conditions: [ready('True', 'Completed')], stages: [stage(0)] },
    verdict: 'passed ',
  },
  {
    fact: 'completed alone is not enough',
    status: { observedGeneration: 1, phase: 'Completed', conditions: [ready('False', 'Completed')] },
    verdict: 'waiting the job is completed, and its condition Ready is False',
  },
  {
    fact: 'an event that was not processed fails the test',
    status: { observedGeneration: 1, phase: 'Completed', conditions: [ready('True', 'Completed')], stages: [stage(3)] },
    verdict: 'failed 3 of the events became dead letters',
  },
  {
    fact: 'a failed job fails the test, with its reason',
    status: { observedGeneration: 1, phase: 'Failed', conditions: [ready('False', 'NoSuchFile')] },
    verdict: 'failed the job has failed: NoSuchFile: said so',
  },
])('$fact', ({ status, verdict }) => {
  const got = verdictOf(status, 1);
  expect(`${got.kind} ${'why' in got ? got.why : ''}`).toBe(verdict);
});

test('the job of the test is a job that can be planned', () => {
  const job = streamJobSchema.parse(testJob({ name: 'it', namespace: 'here', configMap: 'files' }));
  const plan = planJob(job, { words: 1 }, { identity: 'here_it', deadLetterFile: false });
  expect(plan.stages.map(({ id }) => id)).toContain('count');
});
