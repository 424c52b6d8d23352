// The cluster that a command talks to, and its calls with failures as a person wants to read them.
//
//   C1. Writes of the command line have a manager of their own: whose fields are whose can be seen, and a change of a field that
//       somebody else keeps is refused unless it was asked for.
//   C2. This file and what it imports is loaded only by commands that need a cluster: client-node takes half a second.

import { KubeClient } from '../../operator/kube/kube-client.ts';
import { loadKubeConnection } from '../../operator/kube/kube-config.ts';
import type { AnyObject, KubeObject } from '../../operator/kube/kube-object.ts';
import type { KubeResult } from '../../operator/kube/kube-result.ts';
import { KubeTransport } from '../../operator/kube/kube-transport.ts';
import { pathOf, resources, type Resource } from '../../operator/kube/resource.ts';
import { clusterFailure } from './cluster-failure.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { Manifest } from './manifest.ts';
import { FIELD_MANAGER } from './object-labels.ts';

export type ApplyOptions = {
  /** Take fields over from other managers. */
  readonly force: boolean;
  /** The API server checks it all and stores nothing. */
  readonly dryRun: boolean;
};

const kinds: Readonly<Record<string, Resource>> = {
  ConfigMap: resources.configMaps,
  StreamJob: resources.streamJobs,
  StreamSavepoint: resources.streamSavepoints,
};

export class Cluster {
  readonly #client: KubeClient;
  readonly #transport: KubeTransport;
  /** Of the options, else of the context. */
  readonly namespace: string;

  private constructor(transport: KubeTransport, namespace: string) {
    this.#transport = transport;
    this.#client = new KubeClient({ transport });
    this.namespace = namespace;
  }

  /** Throws MR1001 when nothing says which cluster. */
  static open({ kubeconfig, context, namespace }: ClusterOptions): Cluster {
    const connection = loadKubeConnection({ kubeconfig, context });
    return new Cluster(new KubeTransport(connection), namespace ?? connection.namespace);
  }

  close(): void {
    this.#transport.close();
  }

  /** Throws as clusterFailure says; so do all below. */
  async get(resource: Resource, named: { readonly namespace: string; readonly name: string }): Promise<AnyObject> {
    return settled(await this.#client.get(resource, named), `read ${titleOf(resource, named.name, named.namespace)}`);
  }

  /** Null: it is not there (or its kind is not). */
  async find(resource: Resource, named: { readonly namespace: string; readonly name: string }): Promise<AnyObject | null> {
    const result = await this.#client.get(resource, named);
    return result.kind === 'not-found' ? null : settled(result, `read ${titleOf(resource, named.name, named.namespace)}`);
  }

  async list(
    resource: Resource,
    selection: { readonly namespace: string | null; readonly labelSelector?: string },
  ): Promise<readonly AnyObject[]> {
    const { items } = settled(await this.#client.list(resource, selection), `list ${resource.plural}`);
    return items;
  }

  /** Server-side apply (C1). The object has its namespace. */
  async apply(manifest: Manifest, { force, dryRun }: ApplyOptions): Promise<AnyObject> {
    const query = { fieldManager: FIELD_MANAGER, force: String(force), ...(dryRun ? { dryRun: 'All' } : {}) };
    return this.#patch(manifest, { contentType: 'application/apply-patch+yaml', query, verb: 'apply', body: manifest });
  }

  /** Changes only the fields in `change`. */
  async merge(manifest: Pick<Manifest, 'kind' | 'metadata'>, change: object): Promise<AnyObject> {
    const query = { fieldManager: FIELD_MANAGER };
    return this.#patch(manifest, { contentType: 'application/merge-patch+json', query, verb: 'change', body: change });
  }

  async create(manifest: Manifest): Promise<AnyObject> {
    const resource = resourceOf(manifest);
    const { namespace = null, name } = manifest.metadata;
    const request = {
      method: 'POST',
      path: pathOf(resource, { namespace }),
      query: { fieldManager: FIELD_MANAGER },
      body: manifest,
    } as const;
    return settled((await this.#client.raw(request)) as KubeResult<AnyObject>, `create ${titleOf(resource, name, namespace)}`);
  }

  async delete(resource: Resource, { metadata }: Pick<KubeObject, 'metadata'>): Promise<void> {
    const { name, namespace = null, uid } = metadata;
    const result = await this.#client.delete(resource, { namespace, name }, { uid });
    if (result.kind !== 'not-found') settled(result, `delete ${titleOf(resource, name, namespace)}`);
  }

  async #patch(
    manifest: Pick<Manifest, 'kind' | 'metadata'>,
    patch: { readonly contentType: string; readonly query: Readonly<Record<string, string>>; readonly verb: string; readonly body: object },
  ): Promise<AnyObject> {
    const resource = resourceOf(manifest);
    const { namespace = null, name } = manifest.metadata;
    const { verb, ...request } = patch;
    const result = await this.#client.raw({ method: 'PATCH', path: pathOf(resource, { namespace, name }), ...request });
    return settled(result as KubeResult<AnyObject>, `${verb} ${titleOf(resource, name, namespace)}`);
  }
}

function settled<T>(result: KubeResult<T>, what: string): T {
  if (result.kind === 'ok') return result.object;
  throw clusterFailure(result, what);
}

function resourceOf({ kind }: Pick<Manifest, 'kind'>): Resource {
  return kinds[kind] as Resource;
}

function titleOf({ kind }: Resource, name: string, namespace: string | null): string {
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
}
