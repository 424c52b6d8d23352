// Who may talk to a job's workers, and to whom they may talk: nobody but NATS, DNS, the trace collector, and what the job declares.

import type { WorkersSpec } from '../../crds/stream-job/spec.ts';
import { selectorLabels, workersMetadata, type Manifest, type Owner } from './manifest.ts';
import { HTTP_PORT } from './worker-deployment.ts';

export type NetworkPolicyParts = {
  readonly owner: Owner;
  /** Absent: the default pool. */
  readonly pool?: string | undefined;
  readonly egress: NonNullable<WorkersSpec['egress']>;
  /** Namespace of the operator and, when it is the chart's own, of NATS. */
  readonly operatorNamespace: string;
  /** bundled: NATS pods of the chart; external: any address at this port. */
  readonly nats: { readonly mode: 'bundled' | 'external'; readonly port: number };
  /** Port of the OTLP endpoint; null: no traces. */
  readonly otlpPort: number | null;
};

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name';

export function networkPolicy({ owner, pool, egress, operatorNamespace, nats, otlpPort }: NetworkPolicyParts): Manifest {
  const operatorSpace = { namespaceSelector: { matchLabels: { [NAMESPACE_LABEL]: operatorNamespace } } };
  const natsPeer = { ...operatorSpace, podSelector: { matchLabels: { 'app.kubernetes.io/component': 'nats' } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: workersMetadata(owner, pool),
    spec: {
      podSelector: { matchLabels: selectorLabels(owner.name, pool) },
      policyTypes: ['Ingress', 'Egress'],
      // Probes come from the node and pass; metrics are scraped from anywhere in the cluster.
      ingress: [{ ports: [tcp(HTTP_PORT)] }],
      egress: [
        { ports: [{ port: 53, protocol: 'UDP' }, tcp(53)] },
        nats.mode === 'bundled' ? { to: [natsPeer], ports: [tcp(nats.port)] } : { ports: [tcp(nats.port)] },
        ...(otlpPort === null ? [] : [{ ports: [tcp(otlpPort)] }]),
        ...egress.map(({ cidr, ports }) => ({
          to: [{ ipBlock: { cidr } }],
          ...(ports === undefined ? {} : { ports: ports.map(tcp) }),
        })),
      ],
    },
  };
}

function tcp(port: number): { readonly port: number; readonly protocol: 'TCP' } {
  return { port, protocol: 'TCP' };
}
