// What kinds of objects there are, and where the API server has them.
//
//   R1. A path is made only here, and every part that comes from a name is escaped: no name reaches another path.

import { assert } from '../../runtime/base/assert.ts';
import type { AnyObject, KubeObject } from './kube-object.ts';

/** A kind of object. `T` is its form for those who read it; the API server's word for it is `kind`. */
export type Resource<T extends KubeObject = AnyObject> = {
  /** `v1`, `apps/v1`, `millrace.dev/v1alpha1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** Lower-case plural, as in paths and RBAC rules. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never there: it only carries the type. */
  readonly form?: T;
};

/** Which objects of a kind. `namespace: null`: of the whole cluster, or an object that has none. */
export type Place = {
  readonly namespace: string | null;
  readonly name?: string;
  /** `status`, `scale`, … */
  readonly subresource?: string;
};

const make = (apiVersion: string, kind: string, plural: string, namespaced = true): Resource => ({ apiVersion, kind, plural, namespaced });

/** The kinds that the operator touches. */
export const resources = {
  streamJobs: make('millrace.dev/v1alpha1', 'StreamJob', 'streamjobs'),
  streamSavepoints: make('millrace.dev/v1alpha1', 'StreamSavepoint', 'streamsavepoints'),
  pods: make('v1', 'Pod', 'pods'),
  services: make('v1', 'Service', 'services'),
  configMaps: make('v1', 'ConfigMap', 'configmaps'),
  secrets: make('v1', 'Secret', 'secrets'),
  namespaces: make('v1', 'Namespace', 'namespaces', false),
  nodes: make('v1', 'Node', 'nodes', false),
  serviceAccounts: make('v1', 'ServiceAccount', 'serviceaccounts'),
  deployments: make('apps/v1', 'Deployment', 'deployments'),
  podDisruptionBudgets: make('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  networkPolicies: make('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  leases: make('coordination.k8s.io/v1', 'Lease', 'leases'),
  events: make('events.k8s.io/v1', 'Event', 'events'),
  customResourceDefinitions: make('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false),
} as const;

/** The path of objects of a kind, from the root of the server. */
export function pathOf(resource: Resource<KubeObject>, { namespace, name, subresource }: Place): string {
  assert(resource.namespaced || namespace === null, () => `${resource.kind} has no namespaces`);
  assert(!resource.namespaced || namespace !== null || name === undefined, () => `${resource.kind} ${name} needs a namespace`);
  const group = resource.apiVersion.includes('/') ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  const space = namespace === null ? [] : ['namespaces', namespace];
  const parts = [...space, resource.plural, ...(name === undefined ? [] : [name]), ...(subresource === undefined ? [] : [subresource])];
  return `${group}/${parts.map(pathPart).join('/')}`;
}

/** R1. A part of only dots would be taken for a step up by proxies, escaped or not. */
function pathPart(part: string): string {
  assert(part !== '' && !/^\.+$/.test(part), () => `"${part}" is not a name`);
  return encodeURIComponent(part);
}
