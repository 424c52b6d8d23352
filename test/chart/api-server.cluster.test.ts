// What a real API server says of the chart's manifests: it takes each of them, and gives the operator exactly the rights it needs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { untilServed } from '../support/definitions.ts';
import { render, renderText, valueSets, type RenderedObject, type ValueSet } from './helm.ts';

const namespaces = ['here', 'orders', 'payments', 'elsewhere'];
const kindsWithPods = ['Deployment', 'StatefulSet', 'Pod'];
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
  for (const name of namespaces) await kubectl(['create', 'namespace', name]);
  // Pods that Pod Security does not take are refused there.
  await kubectl(['label', 'namespace', 'here', 'pod-security.kubernetes.io/enforce=restricted']);
  await kubectl(['apply', '-f', '-'], await readFile(join(import.meta.dirname, 'monitoring-crds.yaml'), 'utf8'));
  await untilServed(server);
});
afterAll(() => server?.stop());

test.each(valueSets)('every manifest for ci/%s passes strict validation', async (values) => {
  const text = await renderText({ values });
  const printed = await kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], text);
  expect(printed.trim().split('\n')).toHaveLength((await render({ values })).length);
});

test('a field that does not exist is refused (the validation can fail)', async () => {
  const text = (await renderText({ values: 'default' })).replace('automountServiceAccountToken', 'automountServiceAccountTokens');
  const ended = await server.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], text);
  expect(ended.code).not.toBe(0);
  expect(ended.stderr).toContain('unknown field');
});

test.each(valueSets)('the pods for ci/%s pass restricted Pod Security', async (values) => {
  for (const object of (await render({ values, set: ['crds.install=false'] })).filter(({ kind }) => kindsWithPods.includes(kind))) {
    const printed = await kubectl(['create', '--dry-run=server', '--validate=strict', '-f', '-'], JSON.stringify(podOf(object)));
    expect(printed).toContain('created');
  }
});

test('a pod that may become root is refused (Pod Security is on)', async () => {
  const [object] = (await render({ set: ['crds.install=false'] })).filter(({ kind }) => kind === 'Pod');
  const pod = JSON.parse(JSON.stringify(object).replace('"runAsNonRoot":true', '"runAsNonRoot":false')) as unknown;
  const ended = await server.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
  expect(ended.stderr).toContain('violates PodSecurity "restricted:latest"');
});

test('only pods that ask the API server something have a token', async () => {
  const objects = await render({ values: 'three-servers', set: ['crds.install=false'] });
  const withToken = objects
    .filter(({ kind }) => kindsWithPods.includes(kind))
    .filter((object) => (podOf(object)['spec'] as { automountServiceAccountToken?: boolean }).automountServiceAccountToken !== false);
  expect(withToken.map(({ metadata }) => metadata.name).toSorted()).toEqual(['it-millrace-operator', 'it-millrace-test']);
});

type Right = { readonly can: string; readonly namespace: string; readonly answer: 'yes' | 'no' };
const operator = 'system:serviceaccount:here:it-millrace-operator';

describe.each<{ values: ValueSet; account: string; fact: string; rights: readonly Right[] }>([
  {
    fact: 'with the scope of the cluster the operator runs jobs everywhere, and keeps its own things to itself',
    values: 'default',
    account: operator,
    rights: [
      ...runsJobsIn('here', 'yes'),
      ...runsJobsIn('elsewhere', 'yes'),
      { can: 'update leases/it-millrace-operator', namespace: 'here', answer: 'yes' },
      { can: 'update leases/another', namespace: 'here', answer: 'no' },
      { can: 'create leases', namespace: 'elsewhere', answer: 'no' },
    ],
  },
  {
    fact: 'with its own namespace only, other namespaces are closed to it',
    values: 'own-namespace',
    account: operator,
    rights: [
      ...runsJobsIn('here', 'yes'),
      ...runsJobsIn('elsewhere', 'no'),
      { can: 'get secrets/it-millrace-nats-keys', namespace: 'here', answer: 'yes' },
      { can: 'update leases/it-millrace-operator', namespace: 'here', answer: 'yes' },
    ],
  },
  {
    fact: 'with a list of namespaces it runs jobs there, and in its own namespace has its lease and keys only',
    values: 'namespace-list',
    account: 'system:serviceaccount:here:streams-robot',
    rights: [
      ...runsJobsIn('orders', 'yes'),
      ...runsJobsIn('payments', 'yes'),
      ...runsJobsIn('elsewhere', 'no'),
      { can: 'list secrets', namespace: 'here', answer: 'no' },
      { can: 'get secrets/streams-nats-keys', namespace: 'here', answer: 'yes' },
      { can: 'get secrets/another', namespace: 'here', answer: 'no' },
      { can: 'create secrets', namespace: 'here', answer: 'yes' },
      { can: 'create leases', namespace: 'here', answer: 'yes' },
    ],
  },
])('$fact', ({ values, account, rights }) => {
  beforeAll(async () => {
    const roles = (await render({ values })).filter(({ apiVersion }) => apiVersion.startsWith('rbac.'));
    await kubectl(['apply', '-f', '-'], listOf(roles));
    return async () => void (await kubectl(['delete', '-f', '-'], listOf(roles)));
  });

  test('as told by the API server', async () => {
    const never = [
      'create pods',
      'create pods/exec',
      'delete streamjobs.millrace.dev',
      'update configmaps',
      'list nodes',
      'create roles.rbac.authorization.k8s.io',
    ];
    const closed = namespaces.flatMap((namespace) => never.map((can): Right => ({ can, namespace, answer: 'no' })));
    const answers = await answersFor(account, [...rights, ...closed]);
    expect(answers).toEqual([...rights, ...closed]);
  });
});

test('who may edit a namespace may edit its jobs; who may view it may not', async () => {
  const roles = (await render({})).filter(({ kind, metadata }) => kind === 'ClusterRole' && !metadata.name.endsWith('-operator'));
  expect(roles.map(({ metadata }) => Object.keys(metadata.labels ?? {}).filter((name) => name.includes('aggregate-to')))).toEqual([
    ['rbac.authorization.k8s.io/aggregate-to-view'],
    ['rbac.authorization.k8s.io/aggregate-to-edit', 'rbac.authorization.k8s.io/aggregate-to-admin'],
  ]);
});

function runsJobsIn(namespace: string, answer: 'yes' | 'no'): readonly Right[] {
  return [
    'watch streamjobs.millrace.dev',
    'patch streamjobs.millrace.dev/status',
    'update streamjobs.millrace.dev/finalizers',
    'create streamsavepoints.millrace.dev',
    'patch deployments.apps',
    'delete networkpolicies.networking.k8s.io',
    'create poddisruptionbudgets.policy',
    'patch secrets',
    'get configmaps',
    'watch pods',
    'create events.events.k8s.io',
  ].map((can) => ({ can, namespace, answer }));
}

/** What the API server answers, in the order of the questions. */
async function answersFor(account: string, rights: readonly Right[]): Promise<readonly Right[]> {
  const reviews = rights.map((right) => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: account, resourceAttributes: attributesOf(right) },
  }));
  const printed = await kubectl(['create', '-o', 'jsonpath={.status.allowed}{"\\n"}', '-f', '-'], listOf(reviews));
  const allowed = printed.trim().split('\n');
  expect(allowed).toHaveLength(rights.length);
  return rights.map((right, index) => ({ ...right, answer: allowed[index] === 'true' ? 'yes' : 'no' }));
}

function attributesOf({ can, namespace }: Right): object {
  const [verb = '', what = ''] = can.split(' ');
  const [full = '', below] = what.split('/');
  const [resource = '', ...group] = full.split('.');
  // `leases/name` is one object; behind a resource of ours, or of pods, it is a part of each.
  const isPart = group.length > 0 || resource === 'pods';
  const part = below === undefined ? {} : isPart ? { subresource: below } : { name: below };
  return { namespace, verb, group: group.join('.') || (groupOf[resource] ?? ''), resource, ...part };
}

const groupOf: Readonly<Record<string, string>> = { leases: 'coordination.k8s.io' };

/** The pod that an object would make, in the namespace where Pod Security is enforced. */
function podOf(object: RenderedObject): RenderedObject {
  const { template } = object['spec'] as { readonly template?: { readonly metadata: object; readonly spec: Record<string, unknown> } };
  if (template === undefined) return object;
  const spec = { ...template.spec };
  // What a StatefulSet would put in the place of its claims.
  const claims = (object['spec'] as { readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[] })
    .volumeClaimTemplates;
  if (claims !== undefined)
    spec['volumes'] = [
      ...(spec['volumes'] as object[]),
      ...claims.map(({ metadata }) => ({ name: metadata.name, persistentVolumeClaim: { claimName: metadata.name } })),
    ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: object.metadata.name, namespace: 'here' },
    spec,
  };
}

function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const ended = await server.kubectl(args, input);
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}
