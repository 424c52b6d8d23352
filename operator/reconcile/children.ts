// Which objects a StreamJob has in the cluster, with how many workers. Pure.

import type { StreamJobSpec } from '../../crds/stream-job/spec.ts';
import { disruptionBudget } from '../resources/disruption-budget.ts';
import type { Manifest, Owner } from '../resources/manifest.ts';
import { networkPolicy } from '../resources/network-policy.ts';
import { workerDeployment, type WorkerDefaults } from '../resources/worker-deployment.ts';

export type ClusterSettings = {
  readonly defaults: WorkerDefaults;
  readonly operatorNamespace: string;
  readonly nats: { readonly mode: 'bundled' | 'external'; readonly port: number };
  readonly otlpPort: number | null;
};

export type ChildrenParts = {
  readonly owner: Owner;
  readonly identity: string;
  readonly replicas: number;
  readonly workers: StreamJobSpec['workers'];
  readonly credentialsHash: string | null;
  readonly settings: ClusterSettings;
};

/** In the order in which they are applied: who may talk, who may be taken away, then the pods. */
export function childrenOf({ owner, identity, replicas, workers, credentialsHash, settings }: ChildrenParts): readonly Manifest[] {
  const { defaults, operatorNamespace, nats, otlpPort } = settings;
  return [
    networkPolicy({ owner, egress: workers.egress ?? [], operatorNamespace, nats, otlpPort }),
    disruptionBudget(owner),
    workerDeployment({ owner, identity, replicas, workers, defaults, credentialsHash }),
  ];
}
