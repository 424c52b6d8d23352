// At most one worker of a job is taken away at a time: the others take its partitions over meanwhile.

import { childMetadata, childNames, selectorLabels, type Manifest, type Owner } from './manifest.ts';

export function disruptionBudget(owner: Owner): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: childMetadata(owner, childNames.worker(owner.name)),
    // A pod that is not ready protects nobody: it must not stop a node from being drained.
    spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selectorLabels(owner.name) } },
  };
}
