import { describe, expect, test } from 'vitest';
import type { StreamJobSpec } from '../../crds/stream-job/spec.ts';
import type { Manifest } from '../resources/manifest.ts';
import { childrenOf, type ChildrenParts } from './children.ts';

type Variable = { readonly name: string; readonly value?: string };
type Wanted = {
  readonly fact: string;
  /** Of the operator. */ readonly defaults?: { readonly endpoint: string | null; readonly sampling: number | null };
  readonly env?: readonly Variable[];
  readonly tracing?: StreamJobSpec['tracing'];
  readonly endpoint: string | undefined;
  readonly sampling: string | undefined;
  readonly port: number | null;
};

const OPERATORS = { endpoint: 'http://collector:4318', sampling: 0.01 };

describe('where the workers of a job send traces, and whereto they may', () => {
  test.each<Wanted>([
    { fact: 'nowhere when nobody says', endpoint: undefined, sampling: undefined, port: null },
    { fact: "where the operator's go", defaults: OPERATORS, endpoint: 'http://collector:4318', sampling: '0.01', port: 4318 },
    {
      fact: "the job's variables win over the operator",
      defaults: OPERATORS,
      env: [{ name: 'OTEL_TRACES_SAMPLER_ARG', value: '1' }],
      endpoint: 'http://collector:4318',
      sampling: '1',
      port: 4318,
    },
    {
      fact: 'spec.tracing wins over both',
      defaults: OPERATORS,
      env: [{ name: 'OTEL_TRACES_SAMPLER_ARG', value: '1' }],
      tracing: { endpoint: 'https://traces.example.com/in', sampling: 0 },
      endpoint: 'https://traces.example.com/in',
      sampling: '0',
      port: 443,
    },
  ])('$fact', ({ defaults = { endpoint: null, sampling: null }, env = [], tracing, endpoint, sampling, port }) => {
    const children = childrenOf({
      owner: { name: 'orders', namespace: 'shop', uid: 'u' },
      identity: 'shop_orders',
      replicas: 1,
      workers: { env: [...env] } as StreamJobSpec['workers'],
      tracing,
      credentialsHash: null,
      settings: {
        defaults: { image: 'w', pullPolicy: 'IfNotPresent', pullSecrets: [], natsUrl: 'nats://n:4222', tracing: defaults },
        operatorNamespace: 'millrace',
        nats: { mode: 'bundled', ports: [4222] },
        metricsFrom: [],
      },
    });
    const text = JSON.stringify(children);
    const pod = children.find(({ kind }) => kind === 'Deployment') as unknown as {
      readonly spec: { readonly template: { readonly spec: { readonly containers: readonly [{ readonly env: readonly Variable[] }] } } };
    };
    const variables = pod.spec.template.spec.containers[0].env;
    const valuesOf = (name: string): (string | undefined)[] => variables.filter((one) => one.name === name).map(({ value }) => value);
    expect(valuesOf('OTEL_EXPORTER_OTLP_ENDPOINT')).toEqual(endpoint === undefined ? [] : [endpoint]);
    expect(valuesOf('OTEL_TRACES_SAMPLER_ARG')).toEqual(sampling === undefined ? [] : [sampling]);
    const opened = [4318, 443].filter((one) => text.includes(`{"ports":[{"port":${one},"protocol":"TCP"}]}`));
    expect(opened).toEqual(port === null ? [] : [port]);
  });
});

const ORDERS: ChildrenParts = {
  owner: { name: 'orders', namespace: 'shop', uid: 'u' },
  identity: 'shop_orders',
  replicas: 2,
  workers: {} as StreamJobSpec['workers'],
  tracing: undefined,
  credentialsHash: null,
  settings: {
    defaults: {
      image: 'w',
      pullPolicy: 'IfNotPresent',
      pullSecrets: [],
      natsUrl: 'nats://n:4222',
      tracing: { endpoint: null, sampling: null },
    },
    operatorNamespace: 'millrace',
    nats: { mode: 'bundled', ports: [4222] },
    metricsFrom: [],
  },
};

type PodShape = {
  readonly volumes: readonly { readonly name: string }[];
  readonly containers: readonly {
    readonly volumeMounts: readonly { readonly name: string }[];
    readonly env: readonly { readonly name: string; readonly value?: string }[];
  }[];
};

test.each([
  { diskBytes: null, volume: undefined },
  { diskBytes: 4_000_000_000, volume: { name: 'state', emptyDir: { sizeLimit: '5000000000' } } },
])('state that does not fit memory has a volume: $diskBytes', ({ diskBytes, volume }) => {
  const children = childrenOf({ ...ORDERS, diskBytes });
  const pod = ((children.at(-1) as Manifest)['spec'] as { template: { spec: PodShape } }).template.spec;
  expect(pod.volumes.find(({ name }) => name === 'state')).toEqual(volume);
  expect(pod.containers[0]?.volumeMounts.some(({ name }) => name === 'state')).toBe(diskBytes !== null);
  expect(pod.containers[0]?.env.find(({ name }) => name === 'SQLITE_TMPDIR')?.value).toBe(
    diskBytes === null ? undefined : '/var/lib/millrace',
  );
});

test.each([false, true])('workers are told their node when they follow each other: %s', (hasStandbys) => {
  const children = childrenOf({ ...ORDERS, hasStandbys });
  expect(JSON.stringify(children).includes('spec.nodeName')).toBe(hasStandbys);
});

describe('the objects of a pool', () => {
  const parts: ChildrenParts = { ...ORDERS, replicas: 1, workers: { annotations: { a: 'b' } } as StreamJobSpec['workers'] };
  const [own, heavy] = [childrenOf(parts), childrenOf({ ...parts, pool: 'heavy' })];

  test('have names of their own', () => {
    expect(own.map(({ metadata }) => metadata.name)).toEqual(['orders-worker', 'orders-worker', 'orders-worker']);
    expect(heavy.map(({ metadata }) => metadata.name)).toEqual(['orders-worker-heavy', 'orders-worker-heavy', 'orders-worker-heavy']);
  });

  test('select no pod of another pool, and all pods of their own', () => {
    const selectorsOf = (children: typeof own): readonly Record<string, string>[] =>
      [...JSON.stringify(children).matchAll(/"matchLabels":(\{[^}]*"millrace.dev\/job[^}]*\})/g)].map(
        ([, text]) => JSON.parse(text ?? '') as Record<string, string>,
      );
    const podOf = (children: typeof own): Readonly<Record<string, string>> =>
      (children[2] as unknown as { spec: { template: { metadata: { labels: Record<string, string> } } } }).spec.template.metadata.labels;
    const selects = (selector: Record<string, string>, pod: Readonly<Record<string, string>>): boolean =>
      Object.entries(selector).every(([name, value]) => pod[name] === value);
    const other = childrenOf({ ...parts, pool: 'other' });
    for (const [mine, others] of [
      [own, [heavy, other]],
      [heavy, [own, other]],
    ] as const) {
      const selectors = selectorsOf(mine);
      expect(selectors.length).toBeGreaterThan(4); // policy, budget, Deployment, two spreads
      expect(selectors.every((selector) => selects(selector, podOf(mine)))).toBe(true);
      expect(selectors.some((selector) => others.some((each) => selects(selector, podOf(each))))).toBe(false);
    }
  });

  test('tell the pod its pool; pods of the default pool are told nothing, as before there were pools', () => {
    expect(JSON.stringify(heavy)).toContain('{"name":"MILLRACE_POOL","value":"heavy"}');
    expect(JSON.stringify(own)).not.toMatch(/pool/i);
  });
});
