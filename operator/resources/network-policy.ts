// Who may talk to a job's workers, and to whom they may talk: nobody but NATS, DNS, the trace collector, and what the job declares.
//
//   P1. Names cannot stand in a policy, only labels and addresses. So what is reached by a name that is not ours (an existing NATS, a
//       collector, the cluster's DNS) is open at its port wherever it is.
//   P2. Probes come from the node, and are not subject to policies in most networks; nobody but a scraper talks to a worker.

import type { WorkersSpec } from '../../crds/stream-job/spec.ts';
import { selectorLabels, workersMetadata, type Manifest, type Owner } from './manifest.ts';
import { HTTP_PORT } from './worker-deployment.ts';

/** Of `from` in a NetworkPolicy. */
export type Peer = { readonly podSelector?: object; readonly namespaceSelector?: object; readonly ipBlock?: object };

export type NetworkPolicyParts = {
  readonly owner: Owner;
  /** Absent: the default pool. */
  readonly pool?: string | undefined;
  readonly egress: NonNullable<WorkersSpec['egress']>;
  /** Namespace of the operator and, when it is the chart's own, of NATS. */
  readonly operatorNamespace: string;
  /** bundled: NATS pods of the chart; external: any address at these ports. */
  readonly nats: { readonly mode: 'bundled' | 'external'; readonly ports: readonly number[] };
  /** Who may read metrics, as seen from the operator's namespace; empty: everybody in the cluster. */
  readonly metricsFrom: readonly Peer[];
  /** Port of the OTLP endpoint; null: no traces. */
  readonly otlpPort: number | null;
};

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name';
const NATS_PORT = 4222;

export function networkPolicy(parts: NetworkPolicyParts): Manifest {
  const { owner, pool, egress, operatorNamespace, nats, metricsFrom, otlpPort } = parts;
  const natsPeer = {
    namespaceSelector: spaceOf(operatorNamespace),
    podSelector: { matchLabels: { 'app.kubernetes.io/component': 'nats' } },
  };
  const natsPorts = nats.ports.map(tcp);
  const scrapers = metricsFrom.map((peer) => seenFrom(operatorNamespace, peer));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: workersMetadata(owner, pool),
    spec: {
      podSelector: { matchLabels: selectorLabels(owner.name, pool) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [tcp(HTTP_PORT)], ...(scrapers.length === 0 ? {} : { from: scrapers }) }],
      egress: [
        { ports: [{ port: 53, protocol: 'UDP' }, tcp(53)] },
        nats.mode === 'bundled' ? { to: [natsPeer], ports: natsPorts } : { ports: natsPorts },
        ...(otlpPort === null ? [] : [{ ports: [tcp(otlpPort)] }]),
        ...egress.map(({ cidr, ports }) => ({
          to: [{ ipBlock: { cidr } }],
          ...(ports === undefined ? {} : { ports: ports.map(tcp) }),
        })),
      ],
    },
  };
}

/** The ports of servers, each once: `nats://a:4222,nats://b`. */
export function natsPortsOf(urls: string): readonly number[] {
  const ports = urls.split(',').map((url) => Number(/:(\d+)\/?$/.exec(url.trim())?.[1] ?? NATS_PORT));
  return [...new Set(ports)];
}

/** Pods without a namespace are those of the policy's own: here of the operator's, as the chart's values mean them. */
function seenFrom(operatorNamespace: string, peer: Peer): Peer {
  const isOfItsOwn = peer.podSelector !== undefined && peer.namespaceSelector === undefined;
  return isOfItsOwn ? { ...peer, namespaceSelector: spaceOf(operatorNamespace) } : peer;
}

function spaceOf(namespace: string): object {
  return { matchLabels: { [NAMESPACE_LABEL]: namespace } };
}

function tcp(port: number): { readonly port: number; readonly protocol: 'TCP' } {
  return { port, protocol: 'TCP' };
}
