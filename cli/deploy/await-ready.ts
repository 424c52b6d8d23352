// Waits until a StreamJob is as its spec asks for, or will not be.

import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { resources } from '../../operator/kube/resource.ts';
import type { Cluster } from './cluster.ts';
import { verdictOf, type Verdict } from './verdict.ts';

export type AwaitRequest = {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly waitMs: number;
  /** Told of each new thing that is waited for. */
  readonly onWaiting: (verdict: Extract<Verdict, { kind: 'waiting' }>) => void;
};

const POLL_MS = 500;

/** The first verdict that is final, or the last one when the time was over. */
export async function awaitReady(cluster: Cluster, request: AwaitRequest): Promise<Verdict> {
  const deadlineMs = performance.now() + request.waitMs;
  let told = '';
  for (;;) {
    const object = await cluster.get(resources.streamJobs, request);
    const verdict = verdictOf((object['status'] ?? {}) as StreamJobStatus, request.generation);
    if (verdict.kind !== 'waiting' || performance.now() > deadlineMs) return verdict;
    if (verdict.message !== told) request.onWaiting(verdict);
    told = verdict.message;
    await sleep(POLL_MS);
  }
}
