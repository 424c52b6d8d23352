// API server, NATS and what a person does with a StreamJob there. No nodes: jobs have no workers (replicas 0).
//
// NATS is `shared` (one account without credentials) or `own` (the operator's: an account for each namespace).
import type { NatsConnection } from '@nats-io/transport-node';
import type { ConditionType, StreamJobStatus } from '../../../crds/stream-job/status.ts';
import { callApi as callJetStream, type StreamConfig } from '../../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../../runtime/adapters/nats/nats-connection.ts';
import { startKeyedServer, type KeyedServer } from '../../../operator/nats/keyed-server-harness.ts';
import { childNames } from '../../../operator/resources/manifest.ts';
import { callApi } from '../../support/api-request.ts';
import { startApiServer, type ApiServer } from '../../support/api-server.ts';
import { applyDefinitions } from '../../support/definitions.ts';
import { startTestServer, type TestServer } from '../../support/nats.ts';

export type Live = {
  readonly metadata: { readonly generation: number; readonly [field: string]: unknown };
  readonly spec: Record<string, unknown>;
  readonly status?: StreamJobStatus;
};

type SecretData = { readonly data?: Readonly<Record<string, string>> };

export const JOB = 'counted';
export const children = {
  deployment: '/apis/apps/v1/namespaces/NS/deployments/counted-worker',
  budget: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets/counted-worker',
  policy: '/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies/counted-worker',
} as const;

export const KEYS_SECRET = 'nats-keys';

export class ControlPlane {
  readonly api: ApiServer;
  readonly nats: TestServer | KeyedServer;
  /** By namespace; of a shared server all the same one. */
  readonly #connections = new Map<string, Promise<NatsConnection>>();

  private constructor(api: ApiServer, nats: TestServer | KeyedServer) {
    this.api = api;
    this.nats = nats;
  }

  static async start(nats: 'shared' | 'own' = 'shared', durability: 'machine' | 'process' = 'process'): Promise<ControlPlane> {
    const [api, server] = await Promise.all([startApiServer(), nats === 'own' ? startKeyedServer({ durability }) : startTestServer()]);
    await applyDefinitions(api);
    return new ControlPlane(api, server);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#connections.values()].map(async (connection) => (await connection).close()));
    await Promise.all([this.api.stop(), this.nats.stop()]);
  }

  /** With the stream that jobs read. With NATS of the operator's own: also with the keys, as an operator there finds them. */
  async makeNamespace(name: string): Promise<void> {
    await this.#call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    if ('keys' in this.nats) await this.putKeys(name, this.nats.keys);
    await this.makeStream(name, 'load');
  }

  /** A stream of a namespace, with the subject of its name. */
  async makeStream(namespace: string, name: string): Promise<void> {
    const config = { name, subjects: [name], storage: 'file', retention: 'limits' };
    const answer = await callJetStream(Link.of(await this.connection(namespace)), `STREAM.CREATE.${name}`, config);
    if (answer.kind !== 'ok') throw new Error(`stream ${name} of ${namespace}: ${JSON.stringify(answer)}`);
  }

  async putKeys(namespace: string, keys: Readonly<Record<string, string>>): Promise<void> {
    await this.#call('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: KEYS_SECRET, namespace },
      stringData: keys,
    });
  }

  /** What the environment of an operator says of it. */
  get place(): { readonly natsUrl: string; readonly keysSecret: string | null } {
    return { natsUrl: this.nats.url, keysSecret: 'keys' in this.nats ? KEYS_SECRET : null };
  }

  /** In the account of a namespace, or of a job by its identity; closed by `stop`. */
  connection(account: string): Promise<NatsConnection> {
    const { nats } = this;
    const key = 'keys' in nats ? account : '';
    const known = this.#connections.get(key) ?? ('keys' in nats ? nats.operator(key) : connectNats({ url: nats.url, name: 'test' }));
    this.#connections.set(key, known);
    return known;
  }

  async apply(namespace: string, change: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const path = `${jobPath(namespace)}?fieldManager=person&force=true`;
    await this.#call('PATCH', path, jobOf(namespace, change), 'application/apply-patch+yaml');
  }

  async create(path: string, object: object): Promise<void> {
    await this.#call('POST', path, object);
  }

  /** An event for the jobs of a namespace; resolves when NATS has stored it. */
  async send(namespace: string, event: unknown): Promise<void> {
    const connection = await this.connection(namespace);
    await connection.request('load', JSON.stringify(event), { timeout: 20_000 });
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

  /** `True Running: revision 1: …`: what the job says of a condition. */
  async said(namespace: string, type: ConditionType): Promise<string> {
    const found = (await this.get(jobPath(namespace)))?.status?.conditions?.find((one) => one.type === type);
    return `${found?.status} ${found?.reason}: ${found?.message}`;
  }

  /** What a Secret holds, that of the job's workers when absent; empty: it has none, or is not there. */
  async credentials(namespace: string, secret = childNames.credentials(JOB)): Promise<string> {
    const found = (await this.get(`/api/v1/namespaces/${namespace}/secrets/${secret}`)) as unknown as SecretData | null;
    return Buffer.from(found?.data?.['nats.creds'] ?? '', 'base64').toString();
  }

  /** Of the namespace and of its job. */
  async streams(namespace: string): Promise<readonly StreamConfig[]> {
    const connections = new Set([await this.connection(namespace), await this.connection(`${namespace}_${JOB}`)]);
    const all: StreamConfig[] = [];
    for (const connection of connections) {
      const answer = await callJetStream<{ streams: { config: StreamConfig }[] | null }>(Link.of(connection), 'STREAM.LIST', {});
      if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
      all.push(...(answer.value.streams ?? []).map(({ config }) => config));
    }
    return all.filter(({ name }) => name.includes(`${namespace}_`)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #call(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, contentType?: string): Promise<void> {
    const answer = await callApi(this.api, { method, path, body, ...(contentType === undefined ? {} : { contentType }) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

export function jobPath(namespace: string, job = JOB): string {
  return `/apis/millrace.dev/v1alpha1/namespaces/${namespace}/streamjobs/${job}`;
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
