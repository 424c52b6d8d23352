// The savepoints of one job, as far as its decisions and its status need them: by what the cache has.
//
//   V1. Nothing is remembered: a savepoint counts while its object is there, and none whose object is being deleted.

import type { StreamSavepointSpec, StreamSavepointStatus } from '../../crds/stream-savepoint/spec.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import { savepointName } from '../lifecycle/decide-upgrade.ts';
import type { JobObject, NatsObserved, Observed } from '../lifecycle/observed.ts';
import { clusterPart } from './declared.ts';
import type { Cache } from './observe.ts';

type SavepointsObserved = Pick<Observed, 'upgradeSavepoint' | 'restoreSavepoint' | 'savepointRunning' | 'lastSavepoint'>;

export function observeSavepoints(cache: Cache, job: JobObject, nats: NatsObserved): SavepointsObserved {
  const own = cache
    .list(job.namespace)
    .map(savepointOf)
    .filter(({ spec }) => spec.job === job.name);
  return {
    upgradeSavepoint: upgradeSavepoint(own, job, nats),
    restoreSavepoint: restoreSavepoint(cache, job),
    savepointRunning: own.some(({ status }) => status.phase === 'Running'),
    lastSavepoint: lastSavepoint(own),
  };
}

type Savepoint = {
  readonly name: string;
  readonly isLeaving: boolean;
  readonly spec: StreamSavepointSpec;
  readonly status: StreamSavepointStatus;
};

function savepointOf(object: AnyObject): Savepoint {
  return {
    name: object.metadata.name,
    isLeaving: object.metadata.deletionTimestamp !== undefined,
    spec: object['spec'] as StreamSavepointSpec,
    status: (object['status'] ?? {}) as StreamSavepointStatus,
  };
}

function upgradeSavepoint(own: readonly Savepoint[], job: JobObject, nats: NatsObserved): Observed['upgradeSavepoint'] {
  if (nats.kind !== 'present' || nats.record === null) return null;
  const next = Math.max(nats.record.revision, job.status.revision?.number ?? 0) + 1;
  const found = own.find(({ name }) => name === savepointName(job.name, next));
  return found === undefined ? null : { name: found.name, phase: found.status.phase ?? 'Pending' };
}

function restoreSavepoint(cache: Cache, { namespace, spec }: JobObject): Observed['restoreSavepoint'] {
  const { restoreFrom } = clusterPart(spec);
  if (restoreFrom === undefined) return null;
  const name = restoreFrom.savepoint;
  const found = cache.get(namespace, name);
  if (found === undefined) return { name, problem: `spec.restoreFrom: there is no StreamSavepoint ${name} in namespace ${namespace}` };
  const { phase } = savepointOf(found).status;
  return {
    name,
    problem: phase === 'Completed' ? null : `spec.restoreFrom: StreamSavepoint ${name} is ${phase ?? 'Pending'}, not Completed`,
  };
}

/** V1. Of several of one second the one whose name is last, so that it is the same one in each round. */
function lastSavepoint(own: readonly Savepoint[]): Observed['lastSavepoint'] {
  const taken = own.flatMap(({ name, isLeaving, status: { phase, takenAt, bytes } }) =>
    phase === 'Completed' && !isLeaving && takenAt !== undefined && bytes !== undefined ? [{ name, takenAt, bytes }] : [],
  );
  const byTime = taken.toSorted((a, b) => Date.parse(a.takenAt) - Date.parse(b.takenAt) || (a.name < b.name ? -1 : 1));
  return byTime.at(-1) ?? null;
}
