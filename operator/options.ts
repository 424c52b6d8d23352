// What the operator is told: read once from the environment, as the chart sets it (charts/millrace/templates/operator).

import type { Peer } from './resources/network-policy.ts';
import type { WorkerDefaults } from './resources/worker-deployment.ts';

export type OperatorOptions = {
  /** Namespace of the operator's own objects: its lease, its Secrets. */
  readonly namespace: string;
  /** Of this process; with the pod's name it is the identity of the lease. */
  readonly pod: string;
  /** Namespaces whose jobs are run; empty: all. */
  readonly watchNamespaces: readonly string[];
  readonly leaseName: string;
  readonly httpPort: number;
  readonly worker: WorkerDefaults;
  readonly nats: NatsOptions;
  /** Who may read the metrics of workers, as peers of a NetworkPolicy; empty: everybody in the cluster. */
  readonly metricsFrom: readonly Peer[];
  /** Where workers and operator send traces; null: nowhere. */
  readonly otlpEndpoint: string | null;
  /** null: none is served. */
  readonly console: ConsoleOptions | null;
  readonly log: 'json' | 'text';
  /** Rounds at the same time. */
  readonly concurrency: number;
};

export type ConsoleOptions = {
  readonly port: number;
  /** Folder with the page's bundle: `page.js` and `page.css`. null: it lies beside the operator's program. */
  readonly pageFolder: string | null;
  /** Base of Jaeger's pages; null: traces are not linked to. */
  readonly jaegerUrl: string | null;
  /** Those who may change a job may put its dead letters in again, or drop them. */
  readonly allowRedrive: boolean;
};

export type NatsOptions = {
  readonly url: string;
  readonly mode: 'bundled' | 'external';
  /** Copies of each stream. */
  readonly replicas: 1 | 3;
  /** Secret with the keys of the bundled server, made by the first operator. */
  readonly keysSecret: string | null;
  /** Path of a credentials file for an external server; null: it asks for none. */
  readonly credentials: string | null;
  /** HTTP monitoring of the server, for what only it tells. */
  readonly monitorUrl: string | null;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws an Error with all that is wrong, one a line. */
export function operatorOptions(environment: Environment): OperatorOptions {
  const problems: string[] = [];
  const text = (name: string, fallback?: string): string => {
    const value = environment[name];
    if (value !== undefined && value !== '') return value;
    if (fallback === undefined) problems.push(`${name} is not set`);
    return fallback ?? '';
  };
  const choice = <T extends string>(name: string, values: readonly T[], fallback: T): T => {
    const value = text(name, fallback) as T;
    if (!values.includes(value)) problems.push(`${name} is ${JSON.stringify(value)}, not one of ${values.join(', ')}`);
    return value;
  };
  const whole = (name: string, fallback: number): number => {
    const value = Number(text(name, String(fallback)));
    if (!Number.isInteger(value) || value < 0) problems.push(`${name} is ${JSON.stringify(environment[name])}, not a whole number`);
    return value;
  };
  const list = (name: string): readonly string[] =>
    text(name, '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  const peers = (name: string): readonly Peer[] => {
    try {
      const value: unknown = JSON.parse(text(name, '[]'));
      if (Array.isArray(value)) return value as readonly Peer[];
    } catch {
      // Told below.
    }
    problems.push(`${name} is ${JSON.stringify(environment[name])}, not a list of peers as JSON`);
    return [];
  };
  const mode = choice('MILLRACE_NATS_MODE', ['bundled', 'external'], 'bundled');
  const namespace = text('MILLRACE_NAMESPACE');
  const replicas = whole('MILLRACE_NATS_REPLICAS', 1);
  if (replicas !== 1 && replicas !== 3) problems.push(`MILLRACE_NATS_REPLICAS is ${replicas}, not 1 or 3`);
  const natsUrl = text('MILLRACE_NATS_URL');
  const otlpEndpoint = text('MILLRACE_OTLP_ENDPOINT', '') || null;
  const samplingText = text('MILLRACE_TRACE_SAMPLING', '');
  const sampling = Number(samplingText);
  if (!(sampling >= 0 && sampling <= 1))
    problems.push(`MILLRACE_TRACE_SAMPLING is ${JSON.stringify(samplingText)}, not a share from 0 to 1`);
  const options: OperatorOptions = {
    namespace,
    pod: text('MILLRACE_POD'),
    watchNamespaces: list('MILLRACE_WATCH_NAMESPACES'),
    leaseName: text('MILLRACE_LEADER_LEASE', 'millrace-operator'),
    httpPort: whole('MILLRACE_HTTP_PORT', 8080),
    worker: {
      image: text('MILLRACE_WORKER_IMAGE'),
      pullPolicy: choice('MILLRACE_WORKER_PULL_POLICY', ['Always', 'IfNotPresent', 'Never'], 'IfNotPresent'),
      pullSecrets: list('MILLRACE_WORKER_PULL_SECRETS'),
      natsUrl,
      tracing: { endpoint: otlpEndpoint, sampling: samplingText === '' ? null : sampling },
    },
    nats: {
      url: natsUrl,
      mode,
      replicas: replicas === 3 ? 3 : 1,
      keysSecret: mode === 'bundled' ? text('MILLRACE_NATS_KEYS_SECRET') : null,
      credentials: text('MILLRACE_NATS_CREDENTIALS', '') || null,
      monitorUrl: text('MILLRACE_NATS_MONITOR_URL', '') || null,
    },
    metricsFrom: peers('MILLRACE_METRICS_FROM'),
    otlpEndpoint,
    console:
      text('MILLRACE_CONSOLE_PORT', '') === ''
        ? null
        : {
            port: whole('MILLRACE_CONSOLE_PORT', 0),
            pageFolder: text('MILLRACE_CONSOLE_PAGE', '') || null,
            jaegerUrl: text('MILLRACE_JAEGER_URL', '').replace(/\/+$/, '') || null,
            allowRedrive: choice('MILLRACE_CONSOLE_REDRIVE', ['true', 'false'], 'false') === 'true',
          },
    log: choice('MILLRACE_LOG', ['json', 'text'], 'json'),
    concurrency: whole('MILLRACE_CONCURRENCY', 8),
  };
  if (problems.length > 0) throw new Error(`the operator cannot start:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  return options;
}
