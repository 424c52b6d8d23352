// Reads StreamJobs and gives the text that shows them.

import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { resources } from '../../operator/kube/resource.ts';
import { Cluster } from './cluster.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { jobText, jobsText } from './status-text.ts';

export type StatusRequest = ClusterOptions & { readonly allNamespaces: boolean; readonly output?: 'json' };

/** Ends with a line feed. `name` null: all jobs. */
export async function showStatus(name: string | null, request: StatusRequest): Promise<string> {
  const cluster = Cluster.open(request);
  try {
    const { namespace } = cluster;
    const isJson = request.output === 'json';
    if (name !== null) {
      const job = await cluster.get(resources.streamJobs, { namespace, name });
      return isJson ? jsonText(withoutManagers(job)) : jobText(job, Date.now());
    }
    const jobs = await cluster.list(resources.streamJobs, { namespace: request.allNamespaces ? null : namespace });
    if (isJson) return jsonText({ apiVersion: 'v1', kind: 'List', items: jobs.map(withoutManagers) });
    if (jobs.length === 0) return `No jobs in ${request.allNamespaces ? 'any namespace' : `the namespace ${namespace}`}.\n`;
    return jobsText(jobs, { nowMs: Date.now(), withNamespace: request.allNamespaces });
  } finally {
    cluster.close();
  }
}

function withoutManagers(object: AnyObject): object {
  const { managedFields: _, ...metadata } = object.metadata as AnyObject['metadata'] & { readonly managedFields?: unknown };
  return { ...object, metadata };
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
