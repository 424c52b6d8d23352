// The Deployment of the workers of a job, or of one pool of it: what a pod gets, and nothing else (crds/stream-job/cluster.ts, C1).
//
//   W1. Neither plan nor code is in here: both come over NATS, so a new revision restarts no pod.
//   W2. A pod is replaced only after another one is ready, and one at a time: partitions move, the job goes on.
//   W3. Restricted Pod Security: no root, no capabilities, no service-account token, nothing writable but /tmp.

import type { TracingSpec, WorkersSpec } from '../../crds/stream-job/spec.ts';
import { childNames, labelsOf, selectorLabels, workersMetadata, type Manifest, type Owner } from './manifest.ts';

/** What the operator gives to every worker. */
export type WorkerDefaults = {
  readonly image: string;
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly pullSecrets: readonly string[];
  readonly natsUrl: string;
  /** Where workers send traces, and how many, unless their job says otherwise; null: nowhere. */
  readonly tracing: { readonly endpoint: string | null; readonly sampling: number | null };
};

export type WorkerPods = {
  readonly owner: Owner;
  /** Absent: the default pool. */
  readonly pool?: string | undefined;
  /** `<namespace>_<name>`: the job's name in NATS. */
  readonly identity: string;
  readonly replicas: number;
  readonly workers: WorkersSpec;
  readonly tracing: TracingSpec | undefined;
  /** Workers follow each other's partitions, on other nodes where they can: each is told its own. */
  readonly hasStandbys: boolean;
  /** What values of state may take on the disk of a pod; null: none goes there. */
  readonly diskBytes: number | null;
  readonly defaults: WorkerDefaults;
  /** Hash of what the credentials allow: pods connect anew when it changes. Null: NATS without credentials. */
  readonly credentialsHash: string | null;
};

export const HTTP_PORT = 8081;
export const FILES_FOLDER = '/data';
export const CREDENTIALS_ANNOTATION = 'millrace.dev/credentials';
const CREDENTIALS_FOLDER = '/etc/millrace/nats';
const STATE_FOLDER = '/var/lib/millrace';
/** A pod that takes more than its volume may have is evicted: what a step puts there beyond the bound has room. */
const DISK_MARGIN = 1.25;
/** Drain takes less than 5 s; what takes longer is a server that does not answer. */
const GRACE_SECONDS = 30;

export function workerDeployment(pods: WorkerPods): Manifest {
  const { owner, pool, replicas } = pods;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: workersMetadata(owner, pool),
    spec: {
      replicas,
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: selectorLabels(owner.name, pool) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: podMetadata(pods), spec: podSpec(pods) },
    },
  };
}

function podMetadata({ owner, pool, workers, credentialsHash }: WorkerPods): object {
  const annotations = {
    ...workers.annotations,
    ...(credentialsHash === null ? {} : { [CREDENTIALS_ANNOTATION]: credentialsHash }),
  };
  return { labels: labelsOf(owner.name, pool), ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
}

function podSpec(pods: WorkerPods): object {
  const { owner, pool, workers, defaults } = pods;
  const pullSecrets = [...new Set([...defaults.pullSecrets, ...(workers.imagePullSecrets ?? [])])];
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    ...(workers.nodeSelector === undefined ? {} : { nodeSelector: workers.nodeSelector }),
    ...(workers.tolerations === undefined ? {} : { tolerations: workers.tolerations }),
    ...(workers.affinity === undefined ? {} : { affinity: workers.affinity }),
    ...(workers.priorityClassName === undefined ? {} : { priorityClassName: workers.priorityClassName }),
    topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: selectorLabels(owner.name, pool) },
    })),
    containers: [container(pods)],
    volumes: volumesOf(pods),
  };
}

function container(pods: WorkerPods): object {
  const { workers, defaults, credentialsHash, diskBytes } = pods;
  const mounts = [
    { name: 'tmp', mountPath: '/tmp' },
    ...(diskBytes === null ? [] : [{ name: 'state', mountPath: STATE_FOLDER }]),
    ...(credentialsHash === null ? [] : [{ name: 'nats', mountPath: CREDENTIALS_FOLDER, readOnly: true }]),
    ...((workers.files ?? []).length === 0 ? [] : [{ name: 'files', mountPath: FILES_FOLDER, readOnly: true }]),
  ];
  return {
    name: 'worker',
    image: workers.image ?? defaults.image,
    imagePullPolicy: workers.imagePullPolicy ?? defaults.pullPolicy,
    env: environment(pods),
    ports: [{ name: 'http', containerPort: HTTP_PORT, protocol: 'TCP' }],
    startupProbe: probe('/startupz', { periodSeconds: 1, failureThreshold: 300, timeoutSeconds: 5 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 3, timeoutSeconds: 5 }),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 5 }),
    resources: workers.resources ?? { requests: { cpu: '100m', memory: '128Mi' } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: mounts,
  };
}

function probe(path: string, timing: object): object {
  return { httpGet: { path, port: 'http' }, ...timing };
}

/** Ours come last: a job cannot replace them. Of traces the job's own variables win over the operator's, and `spec.tracing` over both. */
function environment(pods: WorkerPods): readonly object[] {
  const { identity, pool, workers, tracing, hasStandbys, diskBytes, defaults, credentialsHash } = pods;
  const ours = [
    { name: 'MILLRACE_JOB', value: identity },
    { name: 'MILLRACE_WORKER', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ...(hasStandbys ? [{ name: 'MILLRACE_NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] : []),
    ...(diskBytes === null ? [] : [{ name: 'SQLITE_TMPDIR', value: STATE_FOLDER }]), // runtime/adapters/node/disk-values.ts
    ...(pool === undefined ? [] : [{ name: 'MILLRACE_POOL', value: pool }]),
    { name: 'MILLRACE_NATS_URL', value: defaults.natsUrl },
    ...(credentialsHash === null ? [] : [{ name: 'MILLRACE_NATS_CREDENTIALS', value: `${CREDENTIALS_FOLDER}/nats.creds` }]),
    { name: 'MILLRACE_FILES', value: FILES_FOLDER },
    { name: 'MILLRACE_HTTP_PORT', value: String(HTTP_PORT) },
    { name: 'MILLRACE_LOG', value: 'json' },
    ...tracingVariables(tracing?.endpoint, tracing?.sampling),
  ];
  const taken = new Set(ours.map(({ name }) => name));
  const theirs = (workers.env ?? [])
    .filter(({ name }) => !taken.has(name))
    .map(({ name, value, secret }) =>
      secret === undefined ? { name, value: value ?? '' } : { name, valueFrom: { secretKeyRef: { name: secret.name, key: secret.key } } },
    );
  const named = new Set([...taken, ...theirs.map(({ name }) => name)]);
  const { endpoint, sampling } = defaults.tracing;
  return [...tracingVariables(endpoint ?? undefined, sampling ?? undefined).filter(({ name }) => !named.has(name)), ...theirs, ...ours];
}

/** OpenTelemetry's own (runtime/telemetry/tracing-options.ts). */
function tracingVariables(
  endpoint: string | undefined,
  sampling: number | undefined,
): readonly { readonly name: string; readonly value: string }[] {
  return [
    ...(endpoint === undefined ? [] : [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: endpoint }]),
    ...(sampling === undefined ? [] : [{ name: 'OTEL_TRACES_SAMPLER_ARG', value: String(sampling) }]),
  ];
}

function volumesOf({ owner, workers, credentialsHash, diskBytes }: WorkerPods): readonly object[] {
  const files = workers.files ?? [];
  return [
    { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
    ...(diskBytes === null ? [] : [{ name: 'state', emptyDir: { sizeLimit: String(Math.ceil(diskBytes * DISK_MARGIN)) } }]),
    ...(credentialsHash === null ? [] : [{ name: 'nats', secret: { secretName: childNames.credentials(owner.name) } }]),
    ...(files.length === 0
      ? []
      : [{ name: 'files', projected: { sources: files.map(({ configMap }) => ({ configMap: { name: configMap } })) } }]),
  ];
}
