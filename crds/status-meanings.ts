// What phases and conditions mean, for the reference. A phase without a meaning does not compile.

import type { ConditionType, Phase } from './stream-job/status.ts';
import type { savepointPhases } from './stream-savepoint/spec.ts';

export const phaseMeanings: Readonly<Record<Phase, string>> = {
  Pending: 'Nothing was started yet: the operator has not seen it, or refuses it (condition Stalled says why).',
  Starting: 'Streams, plan and pods are being made.',
  Running: 'The workers run what the spec declares.',
  Upgrading: 'A changed spec takes over; only stages that changed begin anew.',
  RollingBack: 'A revision did not progress within `upgrade.progressDeadline`; the one before takes over again.',
  Suspending: 'Workers hand in what they have, and stop.',
  Suspended: 'There are no workers; the state is kept.',
  Completed: 'All sources are bounded and read to their end, and every result is written.',
  Failed: 'It cannot go on by itself; condition Stalled says why.',
  Deleting: 'It is being deleted; what becomes of its state, `deletionPolicy` says.',
};

export const conditionMeanings: Readonly<Record<ConditionType, string>> = {
  Ready: 'The job is in the state that its spec asks for; the reason says which: Running, Completed or Suspended.',
  Reconciling: 'The operator is at work on it.',
  Stalled: 'The operator can do no more until something is changed; the message says what.',
  Degraded: 'It runs, but not as it should; the message says what is missing.',
  ScalingLimited: 'It lags, and more workers are not added or would not help; the message says why.',
  HotPartition: 'One partition alone has more work than a worker can do; the message names it.',
  DurabilityDegraded:
    'NATS may lose what it has acknowledged (version, `sync_interval`); the message says why. `Unknown`: not all of its servers answer.',
  ConservationOK:
    'Each event is accounted for: by the records of all partitions, what was given out was taken in or waits, and no record is gone. `False` names what is missing.',
};

export const savepointPhaseMeanings: Readonly<Record<(typeof savepointPhases)[number], string>> = {
  Pending: 'Not begun.',
  Running: 'State is being copied.',
  Completed: 'It can be restored from.',
  Failed: 'It was not taken; the message says why.',
};
