// What comes back, as the builder says it.

import { expect, test } from 'vitest';
import type { BadDeclaration } from '../base/issues.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { job, type JobParts } from './job.ts';
import { file } from './source.ts';

type Part = { id: string; size: number };

const parts = (j: JobParts) => j.source('parts', file<Part>({ path: 'parts.ndjson' }));
const stagesOf = (declare: (j: JobParts) => void): StreamJob['spec']['stages'] => job('test', declare).build().spec.stages;

test('feedback names what comes back at the stage that reads the key', () => {
  const stages = stagesOf((j) => {
    const byId = parts(j).keyBy('id');
    const seen = byId.dedupe('1h').as('seen');
    byId.feedback(
      seen.filter(({ size }) => size > 1).map(({ id, size }) => ({ id, size: size / 2 })),
      { maxRounds: 20 },
    );
    seen.toFile('seen.ndjson');
  });
  expect(stages).toMatchObject([
    { name: 'seen', from: 'parts', feedback: { from: 'seen-map', maxRounds: 20 } },
    { name: 'seen-map', from: 'seen' },
  ]);
});

test('an output of the stage itself may come back, and a filter alone is a stage', () => {
  const [first, second] = stagesOf((j) => {
    const byId = parts(j).keyBy('id');
    const sums = byId.reduce<number, Part>({ init: () => 0, step: (sum) => sum }).as('sums');
    byId.feedback(sums.filter(({ size }) => size > 1));
    sums.toFile('sums.ndjson');
  });
  expect(first).toMatchObject({ name: 'sums', feedback: { from: 'sums-filter', maxRounds: 100 } });
  expect(second).toMatchObject({ name: 'sums-filter', from: 'sums' });
});

test.each([
  {
    fact: 'before the stage is there',
    says: 'nothing reads this key yet',
    declare: (j: JobParts) => {
      const all = parts(j);
      const byId = all.keyBy('id');
      byId.feedback(all);
      byId.dedupe('1h');
    },
  },
  {
    fact: 'of a key that several stages read',
    says: 'several stages read this key',
    declare: (j: JobParts) => {
      const byId = parts(j).keyBy('id');
      byId.feedback((byId.dedupe('1h'), byId.dedupe('2h')));
    },
  },
  {
    fact: 'twice',
    says: 'this key has a feedback already',
    declare: (j: JobParts) => {
      const byId = parts(j).keyBy('id');
      const seen = byId.dedupe('1h');
      byId.feedback(seen);
      byId.feedback(seen);
    },
  },
])('feedback $fact is a mistake', ({ says, declare }) => {
  let caught: unknown = null;
  try {
    stagesOf((j) => declare(j));
  } catch (error) {
    caught = error;
  }
  expect((caught as BadDeclaration).issues.map(({ message }) => message)).toContain(says);
});
