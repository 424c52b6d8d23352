// Asks for a savepoint and waits until it is taken.

import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamSavepointStatus } from '../../crds/stream-savepoint/spec.ts';
import { nameSchema } from '../../crds/stream-job/names.ts';
import { resources } from '../../operator/kube/resource.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { exitCodes } from '../exit-codes.ts';
import { readableBytes } from '../../runtime/base/quantity.ts';
import { Cluster } from './cluster.ts';
import type { ClusterOptions } from './cluster-options.ts';

export type SavepointRequest = ClusterOptions & {
  readonly name?: string;
  /** The state stays when the object is deleted. */
  readonly keep: boolean;
  /** Null: do not wait. */
  readonly waitMs: number | null;
};

const POLL_MS = 500;
const NAME_MAX = 63;

/** Resolves with the exit code. */
export async function takeSavepoint(job: string, request: SavepointRequest): Promise<number> {
  const cluster = Cluster.open(request);
  try {
    const { namespace } = cluster;
    await cluster.get(resources.streamJobs, { namespace, name: job });
    const name = checkedName(request.name ?? savepointName(job, new Date()));
    await cluster.create({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'StreamSavepoint',
      metadata: { name, namespace },
      spec: { job, ...(request.keep ? { deletionPolicy: 'Retain' } : {}) },
    });
    console.log(`streamsavepoint/${name} created in ${namespace}`);
    return request.waitMs === null ? exitCodes.ok : await awaitTaken(cluster, { namespace, name, waitMs: request.waitMs });
  } finally {
    cluster.close();
  }
}

/** `flights-20260105-093000`. Long names of jobs are cut: the time must stay. */
export function savepointName(job: string, now: Date): string {
  const time = now.toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${job.slice(0, NAME_MAX - time.length - 1)}-${time}`;
}

function checkedName(name: string): string {
  const { success, error } = nameSchema.safeParse(name);
  if (success) return name;
  throw new BadDeclaration('millrace savepoint', [{ path: '--name', message: `"${name}" ${error.issues[0]?.message ?? ''}` }]);
}

type AwaitTaken = { readonly namespace: string; readonly name: string; readonly waitMs: number };

async function awaitTaken(cluster: Cluster, { namespace, name, waitMs }: AwaitTaken): Promise<number> {
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    const object = await cluster.get(resources.streamSavepoints, { namespace, name });
    const { phase, bytes, tasks, message } = (object['status'] ?? {}) as StreamSavepointStatus;
    if (phase === 'Completed') {
      console.log(`✓ ${name} is taken: ${tasks ?? 0} tasks, ${readableBytes(bytes ?? 0)}`);
      return exitCodes.ok;
    }
    if (phase === 'Failed') {
      console.error(`${name} was not taken: ${message ?? 'no reason is known'}`);
      return exitCodes.failed;
    }
    if (performance.now() > deadlineMs) {
      console.error(`${name} is not taken after ${waitMs / 1000} s (${phase ?? 'no operator has looked at it yet'}); it goes on by itself`);
      return exitCodes.failed;
    }
    await sleep(POLL_MS);
  }
}
