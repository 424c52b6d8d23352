// A job onto a cluster: packaged, applied, waited for, and what it replaced removed.

import { exitCodes } from '../exit-codes.ts';
import { applyPackage, removeOutdated } from './apply-package.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { Cluster } from './cluster.ts';
import { packageJob } from './job-package.ts';
import { waitAndTell } from './wait-and-tell.ts';

export type DeployRequest = {
  readonly parameters: Readonly<Record<string, string>>;
  readonly name: string | null;
  readonly cluster: ClusterOptions;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Null: do not wait. */
  readonly waitMs: number | null;
};

/** Resolves with the exit code. */
export async function deployJob(
  file: string,
  { parameters, name, cluster: options, force, dryRun, waitMs }: DeployRequest,
): Promise<number> {
  const job = await packageJob(file, { parameters, name, namespace: options.namespace ?? null });
  for (const note of job.notes) console.log(`note: ${note}`);
  const cluster = Cluster.open(options);
  try {
    const { streamJob, namespace, titles } = await applyPackage(cluster, job, { force, dryRun });
    for (const title of titles) console.log(`${title} ${dryRun ? 'would be applied' : 'applied'} in ${namespace}`);
    if (dryRun || waitMs === null) return exitCodes.ok;
    const named = { namespace, name: job.name };
    const code = await waitAndTell(cluster, { ...named, generation: streamJob.metadata.generation ?? 0, waitMs });
    // What ran before is what a failed revision is rolled back to: nothing is removed then.
    if (code !== exitCodes.ok) return code;
    for (const outdated of await removeOutdated(cluster, named)) console.log(`configmap/${outdated} removed: nothing uses it`);
    return exitCodes.ok;
  } finally {
    cluster.close();
  }
}
