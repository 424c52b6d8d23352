// Reads a StreamJob and gives the text that explains its size.

import { resources } from '../../operator/kube/resource.ts';
import { Cluster } from './cluster.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { explainText } from './explain-text.ts';

/** Ends with a line feed. */
export async function explainJob(name: string, options: ClusterOptions): Promise<string> {
  const cluster = Cluster.open(options);
  try {
    return explainText(await cluster.get(resources.streamJobs, { namespace: cluster.namespace, name }), Date.now());
  } finally {
    cluster.close();
  }
}
