// At most one worker of a pool is taken away at a time: the others take its partitions over meanwhile.

import { selectorLabels, workersMetadata, type Manifest, type Owner } from './manifest.ts';

export function disruptionBudget(owner: Owner, pool?: string): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: workersMetadata(owner, pool),
    // A pod that is not ready protects nobody: it must not stop a node from being drained.
    spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selectorLabels(owner.name, pool) } },
  };
}
