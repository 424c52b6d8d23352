// API server, NATS and what a person does with a StreamJob there. No nodes: jobs have no workers (replicas 0).
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import type { StreamJobStatus } from '../../../crds/stream-job/status.ts';
import { callApi as callJetStream, type StreamConfig } from '../../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../../runtime/adapters/nats/nats-connection.ts';
import { callApi } from '../../support/api-request.ts';
import { startApiServer, type ApiServer } from '../../support/api-server.ts';
import { applyDefinitions } from '../../support/definitions.ts';
import { startTestServer, type TestServer } from '../../support/nats.ts';

export type Live = {
  readonly metadata: { readonly generation: number; readonly [field: string]: unknown };
  readonly spec: Record<string, unknown>;
  readonly status?: StreamJobStatus;
};

export const JOB = 'counted';
export const children = {
  deployment: '/apis/apps/v1/namespaces/NS/deployments/counted-worker',
  budget: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets/counted-worker',
  policy: '/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies/counted-worker',
} as const;

export class ControlPlane {
  readonly api: ApiServer;
  readonly nats: TestServer;
  readonly #connection: NatsConnection;

  private constructor(api: ApiServer, nats: TestServer, connection: NatsConnection) {
    this.api = api;
    this.nats = nats;
    this.#connection = connection;
  }

  static async start(): Promise<ControlPlane> {
    const [api, nats] = await Promise.all([startApiServer(), startTestServer()]);
    await applyDefinitions(api);
    const connection = await connectNats({ url: nats.url, name: 'test' });
    await callJetStream(Link.of(connection), 'STREAM.CREATE.load', {
      name: 'load',
      subjects: ['load'],
      storage: 'file',
      retention: 'limits',
    });
    return new ControlPlane(api, nats, connection);
  }

  async stop(): Promise<void> {
    await this.#connection.close();
    await Promise.all([this.api.stop(), this.nats.stop()]);
  }

  async makeNamespace(name: string): Promise<void> {
    await this.#call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  async apply(namespace: string, change: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const path = `${jobPath(namespace)}?fieldManager=person&force=true`;
    await this.#call('PATCH', path, jobOf(namespace, change), 'application/apply-patch+yaml');
  }

  async remove(path: string): Promise<void> {
    await this.#call('DELETE', path);
  }

  async patch(path: string, body: unknown): Promise<void> {
    await this.#call('PATCH', `${path}?fieldManager=stranger`, body, 'application/merge-patch+json');
  }

  async get(path: string): Promise<Live | null> {
    const { status, body } = await callApi(this.api, { method: 'GET', path });
    if (status !== 200 && status !== 404) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return status === 404 ? null : (body as Live);
  }

  /** The reason of Ready=True for the newest generation, with the number of the revision: `ScaledToZero 1`. */
  async readiness(namespace: string): Promise<string | null> {
    const job = await this.get(jobPath(namespace));
    const ready = job?.status?.conditions?.find(({ type }) => type === 'Ready');
    const isNew = ready?.observedGeneration === job?.metadata.generation;
    return ready?.status === 'True' && isNew ? `${ready.reason} ${job?.status?.revision?.number}` : null;
  }

  async streams(namespace: string): Promise<readonly StreamConfig[]> {
    const answer = await callJetStream<{ streams: { config: StreamConfig }[] | null }>(Link.of(this.#connection), 'STREAM.LIST', {
      offset: 0,
    });
    if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
    const all = (answer.value.streams ?? []).map(({ config }) => config);
    return all.filter(({ name }) => name.includes(`${namespace}_`)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #call(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, contentType?: string): Promise<void> {
    const answer = await callApi(this.api, { method, path, body, ...(contentType === undefined ? {} : { contentType }) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

export function jobPath(namespace: string): string {
  return `/apis/millrace.dev/v1alpha1/namespaces/${namespace}/streamjobs/${JOB}`;
}

function jobOf(namespace: string, change: Readonly<Record<string, unknown>>): object {
  const spec = {
    sources: [{ name: 'load', nats: { subjects: ['load'], stream: 'load' }, schema: { key: 'string', n: 'int' } }],
    stages: [{ name: 'twice', from: 'load', map: { key: 'event.key', n: 'event.n * 2' } }],
    sinks: [{ name: 'out', from: 'twice', journal: {} }],
    partitions: 2,
    replicas: 0,
    deletionPolicy: 'Delete',
    ...change,
  };
  return { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: JOB, namespace }, spec };
}

/** Looks until it is so; `story` tells what was there instead. */
export async function until(
  fact: string,
  limitMs: number,
  holds: () => Promise<boolean>,
  story: () => unknown = () => '',
): Promise<number> {
  const beganMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - beganMs > limitMs) throw new Error(`not within ${limitMs} ms: ${fact}\n${String(await story())}`);
    await sleep(50);
  }
  return performance.now() - beganMs;
}
