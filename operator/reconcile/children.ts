// Which objects a pool of a StreamJob has in the cluster, with how many workers. Pure.

import type { StreamJobSpec } from '../../crds/stream-job/spec.ts';
import { disruptionBudget } from '../resources/disruption-budget.ts';
import type { Manifest, Owner } from '../resources/manifest.ts';
import { networkPolicy, type NetworkPolicyParts } from '../resources/network-policy.ts';
import { workerDeployment, type WorkerDefaults } from '../resources/worker-deployment.ts';

export type ClusterSettings = {
  readonly defaults: WorkerDefaults;
  readonly operatorNamespace: string;
  readonly nats: NetworkPolicyParts['nats'];
  readonly metricsFrom: NetworkPolicyParts['metricsFrom'];
};

export type ChildrenParts = {
  readonly owner: Owner;
  /** Absent: the default pool. */
  readonly pool?: string | undefined;
  readonly identity: string;
  readonly replicas: number;
  readonly workers: StreamJobSpec['workers'];
  readonly tracing: StreamJobSpec['tracing'];
  /** Workers follow each other's partitions: they are told their nodes. */
  readonly hasStandbys?: boolean;
  /** What values of state may take on the disk of a pod; absent or null: none goes there. */
  readonly diskBytes?: number | null;
  readonly credentialsHash: string | null;
  readonly settings: ClusterSettings;
};

/** In the order in which they are applied: who may talk, who may be taken away, then the pods. */
export function childrenOf(parts: ChildrenParts): readonly Manifest[] {
  const { owner, pool, identity, replicas, workers, tracing, hasStandbys = false, diskBytes = null, credentialsHash, settings } = parts;
  const { defaults, operatorNamespace, nats, metricsFrom } = settings;
  const endpoint = tracing?.endpoint ?? defaults.tracing.endpoint;
  const otlpPort = endpoint === null ? null : portOfUrl(endpoint);
  return [
    networkPolicy({ owner, pool, egress: workers.egress ?? [], operatorNamespace, nats, metricsFrom, otlpPort }),
    disruptionBudget(owner, pool),
    workerDeployment({ owner, pool, identity, replicas, workers, tracing, hasStandbys, diskBytes, defaults, credentialsHash }),
  ];
}

const HTTP_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Null: it is no address; then nothing is traced, and the pod says so. */
function portOfUrl(text: string): number | null {
  if (!URL.canParse(text)) return null;
  const { port, protocol } = new URL(text);
  return port === '' ? (HTTP_PORTS[protocol] ?? null) : Number(port);
}
