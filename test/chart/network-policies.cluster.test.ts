// The whole of each NetworkPolicy that the chart makes, to the letter: what is not in here is denied. Those of workers are the operator's
// (operator/resources/network-policy.test.ts).

import { expect, test } from 'vitest';
import { operatorOptions } from '../../operator/options.ts';
import { objectIn, render, type Render, type RenderedObject } from './helm.ts';

type Labels = Readonly<Record<string, string>>;
type Policy = {
  readonly podSelector: { readonly matchLabels: Labels };
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
};
type Rule = { readonly ports: readonly { readonly port: number | string }[] };
type Port = { readonly name: string; readonly containerPort: number };
type PodTemplate = {
  readonly metadata: { readonly labels: Labels };
  readonly spec: { readonly containers: readonly { readonly ports?: readonly Port[]; readonly env?: readonly Variable[] }[] };
};
type Variable = { readonly name: string; readonly value?: string };

const labels = (component: string): object => ({
  'app.kubernetes.io/name': 'millrace',
  'app.kubernetes.io/instance': 'it',
  'app.kubernetes.io/component': component,
});
const pods = (component: string): object => ({ podSelector: { matchLabels: labels(component) } });
const tcp = (port: number | string): object => ({ port, protocol: 'TCP' });
const workers = { namespaceSelector: {}, podSelector: { matchLabels: { 'app.kubernetes.io/managed-by': 'millrace' } } };
const spaceOf = (name: string): object => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });

const operator = { podSelector: { matchLabels: labels('operator') }, policyTypes: ['Ingress'] };
const nats = { podSelector: { matchLabels: labels('nats') }, policyTypes: ['Ingress', 'Egress'] };
const jaeger = { podSelector: { matchLabels: labels('jaeger') }, policyTypes: ['Ingress', 'Egress'], egress: [] };
const monitor = { ports: [tcp('monitor')], from: [pods('operator')] };
const spans = { ports: [tcp('otlp')], from: [workers, pods('operator')] };

/** Of a rendering, by name. */
async function policiesOf(request: Render): Promise<Readonly<Record<string, unknown>>> {
  const found = (await render(request)).filter(({ kind }) => kind === 'NetworkPolicy');
  return Object.fromEntries(found.map((policy) => [policy.metadata.name, policy['spec']]));
}

test.each<{ fact: string; request: Render; wanted: Readonly<Record<string, unknown>> }>([
  {
    fact: 'one server, nothing said: metrics to the cluster, NATS to workers and the operator, which alone asks its monitoring port',
    request: { values: 'default' },
    wanted: {
      'it-millrace-operator': { ...operator, ingress: [{ ports: [tcp('metrics')] }] },
      'it-millrace-nats': { ...nats, ingress: [{ ports: [tcp('nats')], from: [workers, pods('operator')] }, monitor], egress: [] },
    },
  },
  {
    fact: 'three servers talk to each other; who is named may connect',
    request: { values: 'three-servers' },
    wanted: {
      'it-millrace-operator': { ...operator, ingress: [{ ports: [tcp('metrics')] }] },
      'it-millrace-nats': {
        ...nats,
        ingress: [
          {
            ports: [tcp('nats')],
            from: [
              workers,
              pods('operator'),
              { ...spaceOf('shop'), podSelector: { matchLabels: { app: 'orders' } } },
              { ipBlock: { cidr: '10.20.0.0/16' } },
            ],
          },
          monitor,
          { ports: [tcp('routes')], from: [pods('nats')] },
        ],
        egress: [{ ports: [{ port: 53, protocol: 'UDP' }, tcp(53)] }, { ports: [tcp('routes')], to: [pods('nats')] }],
      },
    },
  },
  {
    fact: 'metrics, console and traces to those who are named; spans from workers and the operator',
    request: { values: 'observed' },
    wanted: {
      'it-millrace-operator': {
        ...operator,
        ingress: [
          { ports: [tcp('metrics')], from: [spaceOf('monitoring')] },
          { ports: [tcp('console')], from: [spaceOf('ingress')] },
        ],
      },
      'it-millrace-nats': { ...nats, ingress: [{ ports: [tcp('nats')], from: [workers, pods('operator')] }, monitor], egress: [] },
      'it-millrace-jaeger': { ...jaeger, ingress: [spans, { ports: [tcp('query')], from: [{ namespaceSelector: {} }] }] },
    },
  },
  {
    fact: 'a Jaeger that nobody was named for is seen by port-forward only',
    request: { set: ['jaeger.enabled=true', 'nats.enabled=false', 'nats.url=nats://elsewhere:4222'] },
    wanted: {
      'it-millrace-operator': { ...operator, ingress: [{ ports: [tcp('metrics')] }] },
      'it-millrace-jaeger': { ...jaeger, ingress: [spans] },
    },
  },
  { fact: 'none where they are not wanted', request: { values: 'own-namespace', set: ['jaeger.enabled=true'] }, wanted: {} },
])('$fact', async ({ request, wanted }) => expect(await policiesOf(request)).toEqual(wanted));

const templateOf = (object: RenderedObject): PodTemplate => (object['spec'] as { readonly template: PodTemplate }).template;

test('each policy selects the pods of its component, and each name of a port is one of theirs', async () => {
  const objects = await render({ values: 'observed', set: ['nats.replicas=3'] });
  const templates = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet').map(templateOf);
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map((object) => object['spec'] as Policy);
  expect(policies.length).toBe(3);
  for (const { podSelector, ingress = [] } of policies) {
    const selected = templates.filter(({ metadata }) =>
      Object.entries(podSelector.matchLabels).every(([name, value]) => metadata.labels[name] === value),
    );
    expect(selected.length, JSON.stringify(podSelector)).toBe(1);
    const named = selected[0]?.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)) ?? [];
    for (const { port } of ingress.flatMap(({ ports }) => ports)) expect(named).toContain(port);
  }
});

test('the operator is told who may read the metrics of workers', async () => {
  const told = async (request: Render): Promise<unknown> => {
    const { spec } = templateOf(objectIn(await render(request), 'Deployment', 'it-millrace-operator'));
    const variables = spec.containers[0]?.env?.map(({ name, value = 'of the pod' }) => [name, value] as const) ?? [];
    return operatorOptions(Object.fromEntries(variables)).metricsFrom;
  };
  expect(await told({ values: 'default' })).toEqual([]);
  expect(await told({ values: 'observed' })).toEqual([spaceOf('monitoring')]);
});
