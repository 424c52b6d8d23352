// What Flux, Argo CD and other tools that wait by kstatus make of each state that a job can be in: kstatus's rules for custom resources
// (sigs.k8s.io/cli-utils, pkg/kstatus: deletion, then generation, then Reconciling and Stalled, then Ready).

import { expect, test } from 'vitest';
import type { Condition } from '../../crds/stream-job/status.ts';
import { decide } from '../lifecycle/decide.ts';
import { rows } from '../lifecycle/decide-sample.ts';
import { observedWith, secondsAgo } from '../lifecycle/observed-sample.ts';
import type { Observed } from '../lifecycle/observed.ts';
import { statusOf } from './status.ts';

type Kstatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

/** By the reason of Ready. */
const expected: Readonly<Record<string, Kstatus>> = {
  Running: 'Current',
  Suspended: 'Current',
  ScaledToZero: 'Current',
  Completed: 'Current',
  Deploying: 'InProgress',
  Starting: 'InProgress',
  Waiting: 'InProgress',
  Recovering: 'InProgress',
  Upgrading: 'InProgress',
  RollingBack: 'InProgress',
  Suspending: 'InProgress',
  NatsUnreachable: 'InProgress',
  InvalidSpec: 'Failed',
  ProgressDeadlineExceeded: 'Failed',
  JournalLost: 'Failed',
  JobFailed: 'Failed',
  StateIncompatible: 'Failed',
  SavepointFailed: 'Failed',
  RolledBack: 'Failed',
  Deleting: 'Terminating',
};

test.each(rows)('$fact: $ready', ({ given, ready }) => {
  const [, reason = ''] = ready.split(' ');
  const observed = observedWith({ ...given, job: { ...given.job, status: { conditions: stale, ...given.job?.status } } });
  expect(kstatusOf(observed)).toBe(expected[reason]);
});

/** Judged for another generation, and all of them wrong: what a round does not judge anew would be believed. */
const stale = ['Ready', 'Reconciling', 'Stalled'].map((type): Condition => ({
  type,
  status: 'Unknown',
  observedGeneration: 0,
  lastTransitionTime: secondsAgo(60),
  reason: 'Old',
  message: '',
}));

function kstatusOf(observed: Observed): Kstatus {
  const { job } = observed;
  const { observedGeneration, conditions = [] } = statusOf(observed, decide(observed));
  const judged = conditions.filter((one) => ['Ready', 'Reconciling', 'Stalled'].includes(one.type));
  expect(judged.map((one) => one.observedGeneration)).toEqual([job.generation, job.generation, job.generation]);
  const is = (type: string): boolean => judged.some((one) => one.type === type && one.status === 'True');
  if (job.deletedMs !== null) return 'Terminating';
  if (observedGeneration !== job.generation || is('Reconciling')) return 'InProgress';
  if (is('Stalled')) return 'Failed';
  return is('Ready') ? 'Current' : 'InProgress';
}
