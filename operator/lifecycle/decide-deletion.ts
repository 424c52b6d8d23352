// A StreamJob that is being deleted: workers stop, state goes or stays, and the object never waits for NATS for ever.
//
//   X1. Retain: nothing in NATS is touched.
//   X2. Delete: state is removed after the workers are gone, and the finalizer after the state.
//   X3. When NATS does not answer for NATS_WAIT_MS, the object goes without it, and an event says what was left.

import type { Decision, Told } from './decision.ts';
import type { Observed } from './observed.ts';
import { reconciling } from './verdicts.ts';

const NATS_WAIT_MS = 30_000;
const PODS_WAIT_MS = 45_000;
const SOON_MS = 1_000;

export function decideDeletion(observed: Observed): Decision {
  const { job, nats, pods, cluster, nowMs } = observed;
  const sinceMs = nowMs - (job.deletedMs ?? nowMs);
  if (!job.hasFinalizer) return leaving(observed, [], 'its objects are removed');
  const streams = `streams MR_${job.namespace}_${job.name}_* and bucket MR_${job.namespace}_${job.name}`;
  if (cluster.deletionPolicy === 'Retain')
    return leaving(observed, [{ kind: 'remove-finalizer' }], 'its state is kept', {
      type: 'Normal',
      reason: 'StateRetained',
      message: `${streams} stay in NATS (deletionPolicy: Retain); a StreamJob of this name goes on from them`,
    });
  const isStopped = pods.total + pods.terminating === 0 || sinceMs > PODS_WAIT_MS;
  if (!isStopped) return leaving(observed, [], 'workers stop before state is removed');
  if (nats.kind === 'present')
    return leaving(observed, [{ kind: 'remove-state', of: 'job' }, { kind: 'remove-finalizer' }], 'its state is removed', {
      type: 'Normal',
      reason: 'StateDeleted',
      message: `${streams} were removed (deletionPolicy: Delete)`,
    });
  if (sinceMs < NATS_WAIT_MS) return leaving(observed, [], `NATS does not answer (${nats.reason}); state is removed when it does`);
  return leaving(observed, [{ kind: 'remove-finalizer' }], 'its state is left', {
    type: 'Warning',
    reason: 'StateRetained',
    message: `NATS did not answer for ${NATS_WAIT_MS / 1000} s: ${streams} may be left; remove them with \`nats stream rm\` when it is back`,
  });
}

function leaving(observed: Observed, actions: Decision['actions'], message: string, told?: Told): Decision {
  return {
    phase: 'Deleting',
    conditions: reconciling('Deleting', message),
    intent: null,
    actions,
    replicas: observed.deployedReplicas === null ? 'none' : 0,
    stops: true,
    events: told === undefined ? [] : [told],
    againMs: SOON_MS,
  };
}
