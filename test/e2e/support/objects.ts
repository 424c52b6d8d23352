// Objects as the API server has them, asked for directly: what is looked at several times a second would keep a processor busy as kubectl.

import { inject } from 'vitest';
import { loadKubeConnection } from '../../../operator/kube/kube-config.ts';
import { KubeTransport } from '../../../operator/kube/kube-transport.ts';
import { pathOf, type Place, type Resource } from '../../../operator/kube/resource.ts';
import { kubectl } from './programs.ts';

const LIMIT_MS = 60_000;

let server: KubeTransport | null = null;
/** By each name that kubectl takes for it. */
let known: Promise<ReadonlyMap<string, Resource>> | null = null;

/** The object as it is; null when there is none. `kind` as for kubectl. */
export async function get<T = Record<string, unknown>>(kind: string, namespace: string, name: string): Promise<T | null> {
  return (await read(kind, { namespace, name })) as T | null;
}

export async function list<T = Record<string, unknown>>(kind: string, namespace: string, selector = ''): Promise<readonly T[]> {
  const found = (await read(kind, { namespace }, selector)) as { readonly items: readonly T[] } | null;
  if (found === null) throw new Error(`the API server has no ${kind}`);
  return found.items;
}

async function read(kind: string, place: Place, labelSelector = ''): Promise<unknown> {
  known ??= resourcesByName();
  const resource = (await known).get(kind);
  if (resource === undefined) throw new Error(`no kind of object is called ${kind}`);
  server ??= new KubeTransport(loadKubeConnection({ kubeconfig: inject('bed').kubeconfig }));
  const path = pathOf(resource, resource.namespaced ? place : { ...place, namespace: null });
  const query: Record<string, string> = labelSelector === '' ? {} : { labelSelector };
  const answer = await server.send({ method: 'GET', path, query, timeoutMs: LIMIT_MS });
  if (answer.kind === 'silence') throw new Error(`${path}: ${answer.reason}`);
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw new Error(`${path} ended with ${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text) as unknown;
}

async function resourcesByName(): Promise<ReadonlyMap<string, Resource>> {
  const found = new Map<string, Resource>();
  for (const line of (await kubectl(['api-resources', '--no-headers'])).trim().split('\n')) {
    const words = line.trim().split(/\s+/);
    const [plural = '', shortNames = '', apiVersion = '', namespaced, kind = ''] =
      words.length === 5 ? words : [words[0], '', ...words.slice(1)];
    // The first of a name is the one that kubectl takes.
    for (const name of [plural, kind.toLowerCase(), ...shortNames.split(',')])
      if (!found.has(name)) found.set(name, { apiVersion, kind, plural, namespaced: namespaced === 'true' });
  }
  return found;
}
