// What the pods of a job tell. Pure.

import type { AnyObject } from '../kube/kube-object.ts';
import type { PodsObserved } from '../lifecycle/observed.ts';
import { JOB_LABEL, childNames } from '../resources/manifest.ts';

type PodStatus = {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[];
  readonly containerStatuses?: readonly {
    readonly restartCount?: number;
    readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
    readonly lastState?: { readonly terminated?: { readonly reason?: string; readonly exitCode?: number } };
  }[];
};

/** Reasons of a container that waits which are just its way to start. */
const ON_THE_WAY = new Set(['ContainerCreating', 'PodInitializing', undefined]);
const MESSAGE_MAX = 200;

/** Labels are anybody's to set: a worker is a pod that the Deployment of the job and pool made, by one of its ReplicaSets. */
export function isWorkerOf(job: string, { metadata }: AnyObject, pool?: string): boolean {
  const maker = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return metadata.labels?.[JOB_LABEL] === job && maker?.kind === 'ReplicaSet' && isReplicaSetOf(childNames.worker(job, pool), maker.name);
}

/** `<deployment>-<hash>`. */
function isReplicaSetOf(deployment: string, name: string): boolean {
  return name.startsWith(`${deployment}-`) && !name.slice(deployment.length + 1).includes('-');
}

export function podsOf(pods: readonly AnyObject[]): PodsObserved {
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).filter((pod) => !hasEnded(statusOf(pod)));
  return {
    total: living.length,
    ready: living.filter((pod) => isReady(statusOf(pod))).length,
    terminating: pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length,
    problems: living.flatMap((pod) => problemsOf(pod.metadata.name, statusOf(pod))),
  };
}

function statusOf(pod: AnyObject): PodStatus {
  return (pod['status'] ?? {}) as PodStatus;
}

function hasEnded({ phase }: PodStatus): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function isReady({ conditions }: PodStatus): boolean {
  return (conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}

function problemsOf(name: string, { conditions, containerStatuses }: PodStatus): readonly string[] {
  const unscheduled = (conditions ?? []).filter(
    ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  );
  const waiting = (containerStatuses ?? []).flatMap(({ state, lastState }) => {
    const reason = state?.waiting?.reason;
    if (ON_THE_WAY.has(reason)) return [];
    const last = lastState?.terminated;
    const ended = last === undefined ? '' : ` (it ended before: ${last.reason ?? 'Error'}, exit code ${last.exitCode ?? '?'})`;
    return [`pod ${name}: ${reason}: ${(state?.waiting?.message ?? '').slice(0, MESSAGE_MAX)}${ended}`];
  });
  return [...unscheduled.map(({ message }) => `pod ${name} has no node: ${(message ?? '').slice(0, MESSAGE_MAX)}`), ...waiting];
}
