// Suspends a job, or lets it go on.

import { resources } from '../../operator/kube/resource.ts';
import { exitCodes } from '../exit-codes.ts';
import { Cluster } from './cluster.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { waitAndTell } from './wait-and-tell.ts';

export type SuspendRequest = ClusterOptions & {
  /** Null: do not wait. */
  readonly waitMs: number | null;
};

/** Resolves with the exit code. */
export async function setSuspended(name: string, suspend: boolean, request: SuspendRequest): Promise<number> {
  const cluster = Cluster.open(request);
  try {
    const { namespace } = cluster;
    // A merge would make nothing of a name that is not there, but say so less plainly.
    await cluster.get(resources.streamJobs, { namespace, name });
    const { metadata } = await cluster.merge({ kind: 'StreamJob', metadata: { namespace, name } }, { spec: { suspend } });
    console.log(`streamjob/${name} ${suspend ? 'is asked to stop' : 'is asked to go on'} in ${namespace}`);
    if (request.waitMs === null) return exitCodes.ok;
    return await waitAndTell(cluster, { namespace, name, generation: metadata.generation ?? 0, waitMs: request.waitMs });
  } finally {
    cluster.close();
  }
}
