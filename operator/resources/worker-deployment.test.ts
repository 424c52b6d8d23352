// What a worker's pod is, as a whole: of a job that says nothing, and of one that says all that it may. The texts change only on purpose;
// what keeps a pod harmless stands here besides, so that no update of a text can take it away.

import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { workersSchema } from '../../crds/stream-job/workers.ts';
import { childrenOf, type ChildrenParts } from '../reconcile/children.ts';
import type { Manifest } from './manifest.ts';

const LEAST: ChildrenParts = {
  owner: { name: 'orders', namespace: 'shop', uid: 'u' },
  identity: 'shop_orders',
  replicas: 2,
  workers: workersSchema.parse({}),
  tracing: undefined,
  credentialsHash: null,
  settings: {
    defaults: {
      image: 'millrace/worker:1',
      pullPolicy: 'IfNotPresent',
      pullSecrets: [],
      natsUrl: 'nats://nats:4222',
      tracing: { endpoint: null, sampling: null },
    },
    operatorNamespace: 'millrace',
    nats: { mode: 'bundled', ports: [4222] },
    metricsFrom: [],
  },
};

/** Every field that a job may say, and what the operator adds. */
const MOST: ChildrenParts = {
  ...LEAST,
  pool: 'heavy',
  hasStandbys: true,
  diskBytes: 1_000_000_000,
  credentialsHash: 'c0ffee',
  tracing: { endpoint: 'http://collector:4318', sampling: 0.5 },
  settings: { ...LEAST.settings, defaults: { ...LEAST.settings.defaults, pullSecrets: ['mirror'] } },
  workers: workersSchema.parse({
    image: 'shop/worker:2',
    imagePullPolicy: 'Always',
    imagePullSecrets: ['shop', 'mirror'],
    resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
    nodeSelector: { pool: 'streams' },
    tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    priorityClassName: 'high',
    annotations: { 'example.com/team': 'data' },
    env: [
      { name: 'REGION', value: 'eu' },
      { name: 'TOKEN', secret: { name: 'shop-token', key: 'token' } },
      // Ours: a job cannot replace it.
      { name: 'MILLRACE_JOB', value: 'shop_others' },
    ],
    files: [{ configMap: 'weather' }],
    egress: [{ cidr: '10.0.0.0/8' }],
  }),
};

const jobs = [
  { name: 'least', parts: LEAST },
  { name: 'most', parts: MOST },
] as const;

type Pod = {
  readonly [field: string]: unknown;
  readonly containers: readonly { readonly [field: string]: unknown; readonly env: readonly { readonly name: string }[] }[];
  readonly volumes: readonly { readonly name: string; readonly [kind: string]: unknown }[];
};
const deploymentOf = (parts: ChildrenParts): Manifest => {
  const found = childrenOf(parts).find(({ kind }) => kind === 'Deployment');
  if (found === undefined) throw new Error('workers have a Deployment');
  return found;
};
const podOf = (parts: ChildrenParts): Pod => (deploymentOf(parts)['spec'] as { readonly template: { readonly spec: Pod } }).template.spec;

test.each(jobs)('the children of a job that says the $name are as they were', async ({ name, parts }) => {
  const text = childrenOf(parts)
    .map((child) => stringify(child, { aliasDuplicateObjects: false }))
    .join('---\n');
  await expect(text).toMatchFileSnapshot(`snapshots/worker-${name}.yaml`);
});

describe.each(jobs)('whatever a job says (the $name)', ({ parts }) => {
  const pod = podOf(parts);
  const [worker, ...others] = pod.containers;

  test('its pods keep to restricted Pod Security, with a read-only root and no token', () => {
    expect(others).toEqual([]);
    expect(pod['securityContext']).toMatchObject({ runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } });
    expect(worker?.['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod['automountServiceAccountToken']).toBe(false);
    for (const field of ['serviceAccountName', 'hostNetwork', 'hostPID', 'hostIPC', 'initContainers', 'hostAliases', 'hostUsers'])
      expect(pod, field).not.toHaveProperty(field);
    const kinds = pod.volumes.flatMap((volume) => Object.keys(volume)).filter((field) => field !== 'name');
    expect(kinds.filter((kind) => !['emptyDir', 'secret', 'projected'].includes(kind))).toEqual([]);
  });

  test('each probe asks something else, and none waits for a liveness that a slow start would fail', () => {
    const asked = ['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) => worker?.[probe]);
    expect(asked).toMatchObject(['/startupz', '/readyz', '/livez'].map((path) => ({ httpGet: { path, port: 'http' } })));
  });

  test('they have time to drain, are replaced one at a time after another is ready, and spread over zones and nodes', () => {
    expect(pod['terminationGracePeriodSeconds']).toBe(30);
    expect(deploymentOf(parts)['spec']).toMatchObject({
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
    expect(pod['topologySpreadConstraints']).toMatchObject(
      ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
      })),
    );
    const budget = childrenOf(parts).find(({ kind }) => kind === 'PodDisruptionBudget');
    expect(budget?.['spec']).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
  });

  test('no variable of ours is replaced or said twice', () => {
    const names = worker?.env.map(({ name }) => name) ?? [];
    expect(new Set(names).size).toBe(names.length);
    expect(worker?.env).toContainEqual({ name: 'MILLRACE_JOB', value: 'shop_orders' });
  });
});

test('the job that says the most says each field that there is', () => {
  expect(Object.keys(MOST.workers).sort()).toEqual(Object.keys(workersSchema.shape).sort());
});
