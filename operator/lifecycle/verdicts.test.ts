// Sentences of conditions that hold whatever else is going on.

import { expect, test } from 'vitest';
import { declaredOf, figuresRunning, observedWith } from './observed-sample.ts';
import { standing } from './verdicts.ts';

test('a partition that an event has stopped degrades its job, and says why', () => {
  const declared = declaredOf('h1');
  const figures = figuresRunning(declared, 1);
  expect(standing(observedWith({ declared, figures })).Degraded).toMatchObject({ status: 'False', reason: 'AsExpected' });
  const stages = figures.progress.stages.map((stage) => ({
    ...stage,
    partitions: stage.partitions.map((one) => (stage.id === 'sums' && one.partition === 1 ? { ...one, standsStill: 'MR3006: why' } : one)),
  }));
  const stopped = { ...figures, progress: { ...figures.progress, stages } };
  expect(standing(observedWith({ declared, figures: stopped })).Degraded).toEqual({
    status: 'True',
    reason: 'PartitionsStopped',
    message: 'MR3006: why',
  });
});
