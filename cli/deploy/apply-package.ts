// Applies a packaged job: first what the StreamJob refers to, then the StreamJob.
//
//   A1. Stopped anywhere and run again, it ends in the same state.
//   A2. The ConfigMaps belong to the StreamJob: they go when it goes.

import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { resources } from '../../operator/kube/resource.ts';
import type { ApplyOptions, Cluster } from './cluster.ts';
import type { JobPackage } from './job-package.ts';
import type { Manifest } from './manifest.ts';
import { selectorOf, type Part } from './object-labels.ts';
import { outdatedMaps } from './outdated-maps.ts';
import { inNamespace } from './package-files.ts';

export type Applied = { readonly streamJob: AnyObject; readonly namespace: string; readonly titles: readonly string[] };

export async function applyPackage(cluster: Cluster, job: JobPackage, options: ApplyOptions): Promise<Applied> {
  const namespace = job.namespace ?? cluster.namespace;
  const before = await cluster.find(resources.streamJobs, { namespace, name: job.name });
  const maps = job.configMaps.map((manifest) => inNamespace(manifest, namespace));
  for (const map of maps) await cluster.apply(before === null ? map : owned(map, before), options);
  const streamJob = await cluster.apply(inNamespace(job.streamJob, namespace), options);
  // A2. The first time nobody knows the owner before it is there.
  if (before === null && !options.dryRun) for (const map of maps) await cluster.apply(owned(map, streamJob), options);
  return { streamJob, namespace, titles: [...maps, job.streamJob].map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`) };
}

/** Removes the job's ConfigMaps of older versions; resolves with their names. */
export async function removeOutdated(
  cluster: Cluster,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<readonly string[]> {
  const jobs = await cluster.list(resources.streamJobs, { namespace });
  const removed: string[] = [];
  for (const part of ['code', 'files'] satisfies readonly Part[]) {
    const maps = await cluster.list(resources.configMaps, { namespace, labelSelector: selectorOf(name, part) });
    for (const map of outdatedMaps(maps, jobs)) {
      await cluster.delete(resources.configMaps, map);
      removed.push(map.metadata.name);
    }
  }
  return removed;
}

function owned(manifest: Manifest, { apiVersion, kind, metadata: { name, uid } }: AnyObject): Manifest {
  return { ...manifest, metadata: { ...manifest.metadata, ownerReferences: [{ apiVersion, kind, name, uid }] } };
}
