// The whole of what a job's workers may do in the network, to the letter: what is not in here is denied.

import { describe, expect, test } from 'vitest';
import { workersSchema } from '../../crds/stream-job/workers.ts';
import { natsPortsOf, networkPolicy, type NetworkPolicyParts } from './network-policy.ts';

const DNS = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};
const tcp = (...ports: readonly number[]): object[] => ports.map((port) => ({ port, protocol: 'TCP' }));
const spaceOf = (name: string): object => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });
const OWN_NATS = {
  to: [{ namespaceSelector: spaceOf('millrace'), podSelector: { matchLabels: { 'app.kubernetes.io/component': 'nats' } } }],
  ports: tcp(4222),
};
const METRICS = { ports: tcp(8081) };
const ORDERS: NetworkPolicyParts = {
  owner: { name: 'orders', namespace: 'shop', uid: 'u' },
  egress: [],
  operatorNamespace: 'millrace',
  nats: { mode: 'bundled', ports: [4222] },
  metricsFrom: [],
  otlpPort: null,
};
/** As a job declares it. */
const declared = workersSchema.parse({
  egress: [{ cidr: '10.1.0.0/16', ports: [443, 5432] }, { cidr: 'fd00::/8' }],
}).egress;

describe('the policy of workers is all of', () => {
  test.each<{ fact: string; parts: Partial<NetworkPolicyParts>; ingress?: readonly object[]; egress: readonly object[] }>([
    { fact: "metrics in; DNS and the chart's NATS out", parts: {}, egress: [DNS, OWN_NATS] },
    {
      fact: 'an existing NATS: each port of its URLs, wherever it is',
      parts: { nats: { mode: 'external', ports: natsPortsOf('nats://a.example.com:4222, nats://b.example.com:4333') } },
      egress: [DNS, { ports: tcp(4222, 4333) }],
    },
    { fact: 'the trace collector at its port', parts: { otlpPort: 4318 }, egress: [DNS, OWN_NATS, { ports: tcp(4318) }] },
    {
      fact: 'what the job declares, with the ports that it declares or all',
      parts: { egress: declared ?? [], otlpPort: 443 },
      egress: [
        DNS,
        OWN_NATS,
        { ports: tcp(443) },
        { to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: tcp(443, 5432) },
        { to: [{ ipBlock: { cidr: 'fd00::/8' } }] },
      ],
    },
    {
      fact: "those who may read metrics, where they are named: pods without a namespace are of the operator's",
      parts: {
        metricsFrom: [
          { namespaceSelector: spaceOf('monitoring'), podSelector: { matchLabels: { app: 'prometheus' } } },
          { podSelector: { matchLabels: { app: 'scraper' } } },
          { ipBlock: { cidr: '10.9.0.0/16' } },
        ],
      },
      ingress: [
        {
          ports: tcp(8081),
          from: [
            { namespaceSelector: spaceOf('monitoring'), podSelector: { matchLabels: { app: 'prometheus' } } },
            { namespaceSelector: spaceOf('millrace'), podSelector: { matchLabels: { app: 'scraper' } } },
            { ipBlock: { cidr: '10.9.0.0/16' } },
          ],
        },
      ],
      egress: [DNS, OWN_NATS],
    },
  ])('$fact', ({ parts, ingress = [METRICS], egress }) => {
    expect(networkPolicy({ ...ORDERS, ...parts })['spec']).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'millrace-worker', 'millrace.dev/job': 'orders' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress,
      egress,
    });
  });
});

test('a pool has a policy of its own, for its pods', () => {
  const { metadata, ...rest } = networkPolicy({ ...ORDERS, pool: 'heavy' });
  expect(metadata).toMatchObject({ name: 'orders-worker-heavy', namespace: 'shop' });
  expect(rest).toMatchObject({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    spec: {
      podSelector: {
        matchLabels: { 'app.kubernetes.io/name': 'millrace-pool-worker', 'millrace.dev/job': 'orders', 'millrace.dev/pool': 'heavy' },
      },
    },
  });
});

test.each([
  { urls: 'nats://one:4222', ports: [4222] },
  { urls: 'nats://one', ports: [4222] },
  { urls: 'nats://one:5222/', ports: [5222] },
  { urls: 'nats://a:4222,nats://b:4222,tls://c:4443', ports: [4222, 4443] },
  { urls: 'nats://[fd00::1]', ports: [4222] },
  { urls: 'nats://user:1234@host', ports: [4222] },
])('NATS at $urls is reached at $ports', ({ urls, ports }) => expect(natsPortsOf(urls)).toEqual(ports));
