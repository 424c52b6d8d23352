// What may be observed of a job, a row each, with what is decided then: from nothing to gone.

import type { Observed } from './observed.ts';
import { declaredOf, figuresRunning, natsWith, NOW_MS, recordOf, running, secondsAgo, type Given } from './observed-sample.ts';

const first = declaredOf('h1');
const isRunning = running(first);
export const up = figuresRunning(first, 1);
const noPods = { total: 0, ready: 0, terminating: 0, problems: [] };
const unready = { ...noPods, total: 1 };
const failure = { code: 'MR2105', message: 'the journal is broken', fix: 'Mend it.', task: 'sums/0', revision: 1 };
const settling = (seconds: number): Given => ({
  nats: isRunning.nats,
  job: {
    status: {
      phase: 'Starting',
      intent: { action: 'deploy', revision: { number: 1, hash: 'h1', generation: 1 }, since: secondsAgo(seconds) },
    },
  },
});

/** The second revision, as it was written over a stable first one. */
const second = declaredOf('h2', (text) => text.replace('amount > 0.0', 'amount > 5.0'), first.plan);
export const upgraded = (seconds: number, given: Partial<Extract<Observed['nats'], { kind: 'present' }>> = {}): Given => ({
  declared: second,
  nats: natsWith({ record: recordOf(second, 2), revision: { number: 2, hash: 'h2', generation: 2 }, kept: [1, 2], ...given }),
  job: {
    generation: 2,
    status: {
      ...isRunning.status,
      phase: 'Upgrading',
      intent: { action: 'upgrade', revision: { number: 2, hash: 'h2', generation: 2 }, since: secondsAgo(seconds) },
    },
  },
});

export type Row = {
  readonly fact: string;
  readonly given: Given;
  readonly phase: string;
  /** Status of Ready, and its reason. */
  readonly ready: string;
  readonly actions?: readonly string[];
  readonly replicas?: number | 'kept' | 'none';
  readonly says?: string;
};

export const rows: readonly Row[] = [
  // ---- from nothing to running
  {
    fact: 'a new job gets streams, then its revision, then workers',
    given: {},
    phase: 'Starting',
    ready: 'False Deploying',
    actions: ['ensure-streams', 'write-revision'],
    replicas: 1,
    says: 'revision 1 is deployed',
  },
  {
    fact: 'a job without finalizer gets it before anything else',
    given: { job: { hasFinalizer: false } },
    phase: 'Starting',
    ready: 'False Deploying',
    actions: ['add-finalizer', 'ensure-streams', 'write-revision'],
  },
  {
    fact: 'a deployment that was begun keeps its number',
    given: { job: { status: { intent: { action: 'deploy', revision: { number: 4, hash: 'h1', generation: 1 }, since: secondsAgo(9) } } } },
    phase: 'Starting',
    ready: 'False Deploying',
    says: 'revision 4 is deployed',
  },
  {
    fact: 'a job that was deleted with its state kept counts on',
    given: { job: { status: { revision: { number: 6, hash: 'h0', generation: 1 } } } },
    phase: 'Starting',
    ready: 'False Deploying',
    says: 'revision 7',
  },
  {
    fact: 'a source whose stream is missing is waited for',
    given: { declared: { kind: 'waiting', reasons: ['source orders: no stream holds "orders.in" yet'] } },
    phase: 'Pending',
    ready: 'False Waiting',
    actions: [],
    replicas: 'kept',
    says: 'no stream holds',
  },
  {
    fact: 'an invalid spec makes no pod',
    given: { declared: { kind: 'invalid', issues: [{ path: 'spec.stages[0].from', message: 'unknown stage "x"' }] } },
    phase: 'Pending',
    ready: 'False InvalidSpec',
    actions: [],
    replicas: 'kept',
    says: 'spec.stages[0].from: unknown stage "x"',
  },
  {
    fact: 'an invalid change leaves what runs alone',
    given: { ...isRunning, job: { status: isRunning.status }, declared: { kind: 'invalid', issues: [{ path: 'spec', message: 'no' }] } },
    phase: 'Running',
    ready: 'False InvalidSpec',
    replicas: 'kept',
    says: 'revision 1 goes on',
  },
  {
    fact: 'tasks that do not run yet are named',
    given: { ...settling(1), figures: figuresRunning(first, 1, ['sums/1']) },
    phase: 'Starting',
    ready: 'False Starting',
    says: 'waiting for sums/1',
  },
  {
    fact: 'all tasks run, but not for long: not ready yet',
    given: { ...settling(1), figures: up },
    phase: 'Starting',
    ready: 'False Starting',
  },
  {
    fact: 'all tasks have run for a while: ready and stable',
    given: { ...settling(5), figures: up },
    phase: 'Running',
    ready: 'True Running',
  },
  {
    fact: 'all tasks run, but the kubelet has no pod ready yet: not ready',
    given: { ...settling(5), figures: up, pods: unready },
    phase: 'Starting',
    ready: 'False Starting',
  },
  {
    fact: 'what ran and runs again is ready when a pod is',
    given: { nats: isRunning.nats, job: { status: isRunning.status }, figures: up, pods: unready },
    phase: 'Running',
    ready: 'False Recovering',
    says: 'waiting for a worker pod to be ready',
  },
  {
    fact: 'tasks that nobody reports are not running',
    given: { ...settling(5), figures: null },
    phase: 'Starting',
    ready: 'False Starting',
    says: '0 of',
  },
  {
    fact: 'a first revision that does not progress has nothing to go back to',
    given: { ...settling(500), figures: null },
    phase: 'Starting',
    ready: 'False ProgressDeadlineExceeded',
    says: 'after 2m',
  },

  {
    fact: 'a job that finds the state of one of its name gets the finalizer too',
    given: { nats: isRunning.nats, job: { hasFinalizer: false, status: isRunning.status }, figures: up },
    phase: 'Running',
    ready: 'True Running',
    actions: ['add-finalizer'],
  },

  // ---- running
  {
    fact: 'a stable job with all tasks is ready',
    given: { nats: isRunning.nats, job: { status: isRunning.status }, figures: up },
    phase: 'Running',
    ready: 'True Running',
    actions: [],
    replicas: 1,
  },
  {
    fact: 'a lost task is not hidden',
    given: { nats: isRunning.nats, job: { status: isRunning.status }, figures: figuresRunning(first, 1, ['out/0']) },
    phase: 'Running',
    ready: 'False Recovering',
    says: 'out/0',
  },
  {
    fact: 'drift in NATS is mended',
    given: { nats: { ...isRunning.nats, drift: ['bucket MR_shop_hourly is gone'] }, job: { status: isRunning.status }, figures: up },
    phase: 'Running',
    ready: 'True Running',
    actions: ['ensure-streams'],
  },
  {
    fact: 'a journal that is gone is not made anew',
    given: { nats: { ...isRunning.nats, lost: ['stream MR_shop_hourly_sums is gone'] }, job: { status: isRunning.status }, figures: up },
    phase: 'Failed',
    ready: 'False JournalLost',
    actions: [],
    says: 'MR_shop_hourly_sums',
  },
  {
    fact: 'a journal that is gone is no hindrance to starting over',
    given: {
      nats: { ...isRunning.nats, lost: ['stream MR_shop_hourly_sums is gone'] },
      pods: noPods,
      job: { status: isRunning.status },
      cluster: { upgrade: { strategy: 'stateless', progressDeadline: '2m', rollback: true } },
    },
    phase: 'Upgrading',
    ready: 'False Upgrading',
    actions: ['remove-state', 'ensure-streams', 'write-revision'],
  },
  {
    fact: 'a change of replicas is only that',
    given: { nats: isRunning.nats, job: { status: isRunning.status }, figures: up, cluster: { replicas: 4 } },
    phase: 'Running',
    ready: 'True Running',
    actions: [],
    replicas: 4,
  },
  {
    fact: 'no replicas is a wish, not a fault',
    given: { nats: isRunning.nats, job: { status: isRunning.status }, cluster: { replicas: 0 } },
    phase: 'Suspended',
    ready: 'True ScaledToZero',
    replicas: 0,
  },
  {
    fact: 'without NATS nothing is changed, and nothing is claimed',
    given: { nats: { kind: 'absent', reason: 'connection refused' }, job: { status: isRunning.status } },
    phase: 'Running',
    ready: 'Unknown NatsUnreachable',
    actions: [],
    replicas: 'kept',
  },

  // ---- the end
  {
    fact: 'a job that has processed all is complete and needs no pods',
    given: { nats: { ...isRunning.nats, completed: true }, job: { status: isRunning.status }, figures: up },
    phase: 'Completed',
    ready: 'True Completed',
    replicas: 0,
  },
  {
    fact: 'a failure stops the job and says what to do',
    given: { nats: { ...isRunning.nats, failure }, job: { status: isRunning.status }, figures: up },
    phase: 'Failed',
    ready: 'False JobFailed',
    says: 'MR2105 in sums/0: the journal is broken. Mend it.',
  },
  {
    fact: 'a failure of an older revision is over',
    given: { ...upgraded(5, { failure }), figures: figuresRunning(second, 2) },
    phase: 'Running',
    ready: 'True Running',
  },
  {
    fact: 'resuming a failed job tries again',
    given: { nats: { ...isRunning.nats, failure }, job: { status: { ...isRunning.status, phase: 'Suspended' } } },
    phase: 'Running',
    ready: 'False Recovering',
    actions: ['clear-failure'],
    says: 'tries again',
  },

  // ---- suspend and resume
  {
    fact: 'suspending lets workers hand in what they have',
    given: { nats: isRunning.nats, job: { status: isRunning.status }, cluster: { suspend: true } },
    phase: 'Suspending',
    ready: 'False Suspending',
    replicas: 0,
  },
  {
    fact: 'suspended means that no pod is left',
    given: {
      nats: isRunning.nats,
      job: { status: isRunning.status },
      cluster: { suspend: true },
      pods: noPods,
    },
    phase: 'Suspended',
    ready: 'True Suspended',
    replicas: 0,
  },
  {
    fact: 'a job that is born suspended has no children',
    given: { cluster: { suspend: true }, pods: noPods },
    phase: 'Suspended',
    ready: 'True Suspended',
    replicas: 'none',
    actions: [],
  },

  // ---- upgrades
  {
    fact: 'a changed filter starts its stage anew, in place',
    given: { ...isRunning, declared: second, job: { generation: 2, status: isRunning.status }, figures: up },
    phase: 'Upgrading',
    ready: 'False Upgrading',
    actions: ['ensure-streams', 'write-revision'],
    says: 'revision 2',
  },
  {
    fact: 'a change that its state cannot follow is refused, and the old revision goes on',
    given: {
      ...isRunning,
      declared: declaredOf('h2', (text) => text.replace('size: 1h', 'size: 2h'), first.plan),
      job: { generation: 2, status: isRunning.status },
      figures: up,
    },
    phase: 'Running',
    ready: 'False StateIncompatible',
    actions: [],
    says: 'stage sums',
  },
  {
    fact: 'stateless: workers stop before state is dropped',
    given: {
      ...isRunning,
      declared: second,
      job: { generation: 2, status: isRunning.status },
      cluster: { upgrade: { strategy: 'stateless', progressDeadline: '2m', rollback: true } },
    },
    phase: 'Upgrading',
    ready: 'False Upgrading',
    actions: [],
    replicas: 0,
  },
  {
    fact: 'stateless: without workers the state goes and a new run begins',
    given: {
      ...isRunning,
      declared: second,
      pods: noPods,
      job: { generation: 2, status: isRunning.status },
      cluster: { upgrade: { strategy: 'stateless', progressDeadline: '2m', rollback: true } },
    },
    phase: 'Upgrading',
    ready: 'False Upgrading',
    actions: ['remove-state', 'ensure-streams', 'write-revision'],
    replicas: 1,
  },
  {
    fact: 'savepoint: it is asked for first',
    given: {
      ...isRunning,
      declared: second,
      job: { generation: 2, status: isRunning.status },
      cluster: { upgrade: { strategy: 'savepoint', progressDeadline: '2m', rollback: true } },
    },
    phase: 'Upgrading',
    ready: 'False Upgrading',
    actions: ['create-savepoint'],
    says: 'hourly-before-2',
  },
  {
    fact: 'savepoint: one that failed stops the upgrade, not the job',
    given: {
      ...isRunning,
      declared: second,
      upgradeSavepoint: { name: 'hourly-before-2', phase: 'Failed' },
      job: { generation: 2, status: isRunning.status },
      cluster: { upgrade: { strategy: 'savepoint', progressDeadline: '2m', rollback: true } },
    },
    phase: 'Running',
    ready: 'False SavepointFailed',
    actions: [],
  },
  {
    fact: 'savepoint: behind it the upgrade goes on',
    given: {
      ...isRunning,
      declared: second,
      upgradeSavepoint: { name: 'hourly-before-2', phase: 'Completed' },
      job: { generation: 2, status: isRunning.status },
      cluster: { upgrade: { strategy: 'savepoint', progressDeadline: '2m', rollback: true } },
    },
    phase: 'Upgrading',
    ready: 'False Upgrading',
    actions: ['ensure-streams', 'write-revision'],
  },
  {
    fact: 'while a savepoint is taken no revision is written',
    given: { ...isRunning, declared: second, savepointRunning: true, job: { generation: 2, status: isRunning.status } },
    phase: 'Upgrading',
    ready: 'False Upgrading',
    actions: [],
  },

  // ---- rollback
  {
    fact: 'a new revision that fails is rolled back',
    given: upgraded(5, { failure: { ...failure, revision: 2 } }),
    phase: 'RollingBack',
    ready: 'False RollingBack',
    actions: ['restore-revision'],
    says: 'revision 1 is run again, as 3',
  },
  {
    fact: 'a new revision that does not progress in time is rolled back',
    given: { ...upgraded(500), figures: null },
    phase: 'RollingBack',
    ready: 'False RollingBack',
    actions: ['restore-revision'],
    says: 'after 2m',
  },
  {
    fact: 'rollback can be switched off',
    given: {
      ...upgraded(5, { failure: { ...failure, revision: 2 } }),
      cluster: { upgrade: { strategy: 'last-state', progressDeadline: '2m', rollback: false } },
    },
    phase: 'Failed',
    ready: 'False JobFailed',
    actions: [],
  },
  {
    fact: 'what was rolled back is not tried again',
    given: {
      declared: second,
      nats: natsWith({ record: recordOf(first, 3), revision: { number: 3, hash: 'h1', generation: 1 }, kept: [1, 2, 3] }),
      job: { generation: 2, status: { ...isRunning.status, rejectedHash: 'h2' } },
      figures: up,
    },
    phase: 'Running',
    ready: 'False RolledBack',
    actions: [],
    says: 'change the spec',
  },

  // ---- deletion
  {
    fact: 'Retain: the object goes, state stays',
    given: { ...isRunning, job: { deletedMs: NOW_MS, status: isRunning.status } },
    phase: 'Deleting',
    ready: 'False Deleting',
    actions: ['remove-finalizer'],
  },
  {
    fact: 'Delete: workers stop first',
    given: { ...isRunning, job: { deletedMs: NOW_MS, status: isRunning.status }, cluster: { deletionPolicy: 'Delete' } },
    phase: 'Deleting',
    ready: 'False Deleting',
    actions: [],
    replicas: 0,
  },
  {
    fact: 'Delete: then state goes, then the object',
    given: {
      ...isRunning,
      pods: noPods,
      job: { deletedMs: NOW_MS, status: isRunning.status },
      cluster: { deletionPolicy: 'Delete' },
    },
    phase: 'Deleting',
    ready: 'False Deleting',
    actions: ['remove-state', 'remove-finalizer'],
  },
  {
    fact: 'Delete: NATS is waited for',
    given: {
      nats: { kind: 'absent', reason: 'gone' },
      pods: noPods,
      job: { deletedMs: NOW_MS - 5_000 },
      cluster: { deletionPolicy: 'Delete' },
    },
    phase: 'Deleting',
    ready: 'False Deleting',
    actions: [],
  },
  {
    fact: 'Delete: but not for ever',
    given: {
      nats: { kind: 'absent', reason: 'gone' },
      pods: noPods,
      job: { deletedMs: NOW_MS - 60_000 },
      cluster: { deletionPolicy: 'Delete' },
    },
    phase: 'Deleting',
    ready: 'False Deleting',
    actions: ['remove-finalizer'],
  },
];
