// Sentences of conditions that hold whatever else is going on.

import { expect, test } from 'vitest';
import type { NatsAbsent } from './observed.ts';
import { declaredOf, figuresRunning, natsWith, observedWith } from './observed-sample.ts';
import { standing } from './verdicts.ts';

test.each([
  { nats: { kind: 'durable' }, says: { status: 'False', reason: 'Durable' } },
  { nats: { kind: 'degraded', reason: 'why' }, says: { status: 'True', reason: 'WritesMayBeLost', message: 'why' } },
  { nats: { kind: 'unknown', reason: 'why' }, says: { status: 'Unknown', reason: 'ServersSilent', message: 'why' } },
] as const)('of a NATS whose durability is $nats.kind it is said $says.status', ({ nats: durability, says }) =>
  expect(standing(observedWith({ declared: declaredOf('h1'), nats: natsWith({ durability }) })).DurabilityDegraded).toMatchObject(says),
);

test('of one that is away nothing is said, but for what is known of it all the same', () => {
  const said = (nats: NatsAbsent): unknown => standing(observedWith({ declared: declaredOf('h1'), nats })).DurabilityDegraded;
  expect(said({ kind: 'absent', reason: 'gone' })).toEqual({ status: 'Unknown', reason: 'NatsUnreachable', message: 'gone' });
  expect(said({ kind: 'absent', reason: 'MR1004: old', unfit: 'old' })).toEqual({
    status: 'True',
    reason: 'WritesMayBeLost',
    message: 'old',
  });
});

test.each([
  {
    fact: 'a partition that an event has stopped',
    marks: { standsStill: 'MR3006: why' },
    reason: 'PartitionsStopped',
    message: 'MR3006: why',
  },
  { fact: 'a split that cannot be read', marks: { stalled: 'MR2111: why' }, reason: 'SourcesStalled', message: 'MR2111: why' },
  {
    fact: 'of both the one that nobody mends',
    marks: { standsStill: 'MR3006: why', stalled: 'MR2111: why' },
    reason: 'PartitionsStopped',
    message: 'MR3006: why',
  },
])('$fact degrades its job, and says why', ({ marks, reason, message }) => {
  const declared = declaredOf('h1');
  const figures = figuresRunning(declared, 1);
  expect(standing(observedWith({ declared, figures })).Degraded).toMatchObject({ status: 'False', reason: 'AsExpected' });
  const stages = figures.progress.stages.map((stage) => ({
    ...stage,
    partitions: stage.partitions.map((one) => (stage.id === 'sums' && one.partition === 1 ? { ...one, ...marks } : one)),
  }));
  const stopped = { ...figures, progress: { ...figures.progress, stages } };
  expect(standing(observedWith({ declared, figures: stopped })).Degraded).toEqual({ status: 'True', reason, message });
});

test('credentials that NATS refuses degrade the jobs that go on with those of before', () => {
  const said = (credentialsTrouble: string | null): unknown =>
    standing(observedWith({ declared: declaredOf('h1'), nats: natsWith({ credentialsTrouble }) })).Degraded;
  expect(said('new ones are refused')).toEqual({ status: 'True', reason: 'CredentialsRefused', message: 'new ones are refused' });
  expect(said(null)).toMatchObject({ status: 'False', reason: 'AsExpected' });
});
