import { expect, test } from 'vitest';
import type { AnyObject } from '../kube/kube-object.ts';
import { isWorkerOf, podsOf } from './pods.ts';

const made = (kind: string, name: string): object => ({ apiVersion: 'apps/v1', kind, name, uid: 'u', controller: true });

function pod(label: string, maker: object | null): AnyObject {
  const ownerReferences = maker === null ? {} : { ownerReferences: [maker] };
  return { metadata: { name: 'p', uid: 'p', labels: { 'millrace.dev/job': label }, ...ownerReferences } } as unknown as AnyObject;
}

test.each([
  { fact: 'a pod of its ReplicaSet is a worker', of: pod('sums', made('ReplicaSet', 'sums-worker-7d9f')), is: true },
  { fact: 'a pod that only has the label is none', of: pod('sums', null), is: false },
  { fact: 'a pod of another Deployment is none', of: pod('sums', made('ReplicaSet', 'other-worker-7d9f')), is: false },
  { fact: 'a pod of a longer name is none', of: pod('sums', made('ReplicaSet', 'sums-worker-b-7d9f')), is: false },
  { fact: 'a pod of a Job is none', of: pod('sums', made('Job', 'sums-worker-7d9f')), is: false },
  { fact: 'a worker of another job is none', of: pod('other', made('ReplicaSet', 'sums-worker-7d9f')), is: false },
])('$fact', ({ of, is }) => expect(isWorkerOf('sums', of)).toBe(is));

function living(status: object): AnyObject {
  return { metadata: { name: 'p', uid: 'p' }, status } as unknown as AnyObject;
}

test.each([
  { fact: 'a pod that has ended does not count', status: { phase: 'Failed' }, gives: { total: 0, ready: 0, problems: [] } },
  {
    fact: 'a pod is ready by its condition',
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    gives: { total: 1, ready: 1, problems: [] },
  },
  {
    fact: 'a container on its way is no problem',
    status: { containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] },
    gives: { total: 1, ready: 0, problems: [] },
  },
  {
    fact: 'a container that cannot start is told, with how it ended before',
    status: {
      containerStatuses: [
        {
          state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
          lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
        },
      ],
    },
    gives: {
      total: 1,
      ready: 0,
      problems: ['pod p: CrashLoopBackOff: back-off 10s (it ended before: OOMKilled, exit code 137)'],
    },
  },
  {
    fact: 'a pod without a node is told',
    status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }] },
    gives: { total: 1, ready: 0, problems: ['pod p has no node: 0/3 nodes are available'] },
  },
])('$fact', ({ status, gives }) => expect(podsOf([living(status)])).toEqual({ ...gives, terminating: 0 }));
