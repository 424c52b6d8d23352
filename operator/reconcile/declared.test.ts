import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { observedWith, JOB_TEXT } from '../lifecycle/observed-sample.ts';
import { clusterPart, parseJob, revisionHash } from './declared.ts';

type Spec = Record<string, unknown>;

function parsed(change: (spec: Spec) => void): ReturnType<typeof parseJob> {
  const spec = (parse(JOB_TEXT) as { spec: Spec }).spec;
  change(spec);
  return parseJob({ ...observedWith().job, spec });
}

function hashOf(change: (spec: Spec) => void): string {
  const result = parsed(change);
  if (result.kind !== 'job') throw new Error(JSON.stringify(result));
  return revisionHash(result.job);
}

test.each<{ fact: string; change: (spec: Spec) => void; path: string; says: string }>([
  {
    fact: 'a file sink is refused: a pod has no lasting file system',
    change: (spec) => (spec['sinks'] = [{ name: 'out', from: 'sums', file: { path: 'out.ndjson' } }]),
    path: 'spec.sinks[0].file',
    says: 'no lasting file system',
  },
  {
    fact: 'a table without files is refused',
    change: (spec) => (spec['tables'] = [{ name: 'shops', file: { path: 'shops.csv', format: 'csv' }, key: 'row.id' }]),
    path: 'spec.tables[0].file',
    says: 'spec.workers.files',
  },
  {
    fact: 'a variable has a value or a secret',
    change: (spec) => (spec['workers'] = { env: [{ name: 'A', value: 'x', secret: { name: 's', key: 'k' } }] }),
    path: 'spec.workers.env[0]',
    says: 'a value and a secret',
  },
  {
    fact: 'an expression that does not check is told with its place',
    change: (spec) => ((spec['stages'] as Spec[])[0]!['filter'] = 'event.amuont > 0.0'),
    path: 'spec.stages[0].filter',
    says: 'amuont',
  },
])('$fact', ({ change, path, says }) => {
  const result = parsed(change);
  expect(result.kind).toBe('invalid');
  const issue = result.kind === 'invalid' ? result.issues.find((one) => one.path === path) : undefined;
  expect(`${issue?.message} ${issue?.fix ?? ''}`).toContain(says);
});

test('a bare `on` that YAML 1.1 made a boolean is what was meant', () => {
  const result = parsed((spec) => {
    (spec['stages'] as Spec[])[0] = {
      name: 'sums',
      from: 'orders',
      keyBy: 'event.shop',
      machine: {
        eventType: "'e'",
        initial: 'a',
        states: { a: { true: { e: { actions: [{ emit: { output: 'x', value: { shop: 'key' } } }] } } } },
      },
    };
    (spec['sinks'] as Spec[])[0]!['from'] = 'sums.x';
  });
  expect(result.kind).toBe('job');
});

test.each<{ fact: string; change: (spec: Spec) => void; isNew: boolean }>([
  {
    fact: 'another expression is another revision',
    change: (spec) => ((spec['stages'] as Spec[])[0]!['filter'] = 'event.amount > 1.0'),
    isNew: true,
  },
  { fact: 'another value of a parameter is another revision', change: (spec) => (spec['values'] = {}), isNew: false },
  { fact: 'more workers are none', change: (spec) => (spec['replicas'] = 7), isNew: false },
  { fact: 'a stage in a pool is another revision', change: (spec) => (spec['pools'] = [{ name: 'heavy', stages: ['sums'] }]), isNew: true },
  { fact: 'no pools are none', change: (spec) => (spec['pools'] = []), isNew: false },
  { fact: 'suspending is none', change: (spec) => (spec['suspend'] = true), isNew: false },
  { fact: 'other pods are none', change: (spec) => (spec['workers'] = { resources: { limits: { memory: '1Gi' } } }), isNew: false },
  { fact: 'standby replicas', change: (spec) => (spec['standbyReplicas'] = 1), isNew: true },
  { fact: 'no standby replicas, as before there were any', change: (spec) => (spec['standbyReplicas'] = 0), isNew: false },
])('$fact', ({ change, isNew }) => expect(hashOf(change) !== hashOf(() => undefined)).toBe(isNew));

test('how a job is run is known although the rest of its spec is broken', () => {
  expect(clusterPart({ suspend: true, upgrade: { strategy: 'stateless' }, stages: 'nonsense' })).toMatchObject({
    replicas: 1,
    suspend: true,
    deletionPolicy: 'Retain',
    upgrade: { strategy: 'stateless', rollback: true },
  });
});

test('how pools are scaled and what their pods get is no revision, nor is their order', () => {
  const pools = [
    { name: 'a', stages: ['sums', 'out'] },
    { name: 'b', stages: ['orders'] },
  ];
  const otherwise = [
    { ...pools[1], replicas: 5, scaling: { mode: 'Apply' } },
    { ...pools[0], stages: ['out', 'sums'], workers: { resources: { requests: { cpu: '2' } } } },
  ];
  expect(hashOf((spec) => (spec['pools'] = otherwise))).toBe(hashOf((spec) => (spec['pools'] = pools)));
});

test('a job without pools has the hash that it had before there were pools: an operator that is new changes nothing', () =>
  expect(hashOf(() => undefined)).toBe('7b72987e3683f5aa'));
