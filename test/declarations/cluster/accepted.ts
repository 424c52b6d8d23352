// What the API server must take.
import { globSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { clusterVariant } from './cluster-variant.ts';
import { job, many, savepoint, sink, source, stage, withSource, withStage, type Fields, type Manifest } from './sample.ts';

export type Accepted = { readonly fact: string; readonly object: Manifest };

const repository = new URL('../../..', import.meta.url).pathname;
/** All read files, which are put beside them by \`millrace deploy\`. */
export const examplePaths: readonly string[] = globSync('examples/**/stream-job.yaml', { cwd: repository }).toSorted();

export function readJob(path: string): Manifest {
  return parse(readFileSync(`${repository}/${path}`, 'utf8'), { maxAliasCount: -1 }) as Manifest;
}

/** `count` stages, each of which reads the one before. */
function chain(count: number, first: string): readonly Fields[] {
  return many(count, (i) => ({ name: `c${i}`, from: i === 0 ? first : `c${i - 1}`, map: 'event' }));
}

const mark = (digit: string): string => `@code:${digit.repeat(32)}`;
const code = { configMap: 'sample-code', sha256: '0'.repeat(64) };

export const accepted: readonly Accepted[] = [
  ...examplePaths.map((path) => ({ fact: `${path}, as it runs on a cluster`, object: clusterVariant(readJob(path)) })),
  { fact: 'the sample', object: job() },
  { fact: 'a job of a source and nothing else', object: job({ stages: undefined, sinks: undefined }) },
  { fact: 'a stage without readers', object: job({ sinks: undefined }) },
  { fact: 'a job with everything that workers may be given', object: job({ ...everyClusterField() }) },
  {
    fact: 'code by its marks',
    object: job({
      code,
      stages: [
        { name: 'a', from: 'events', filter: mark('a'), keyBy: mark('b'), reduce: { init: mark('c'), step: mark('d') } },
        { name: 'b', from: 'events', keyBy: { id: mark('e') }, xstate: { machine: mark('f'), order: 'eventTime', unhandled: 'ignore' } },
      ],
      sinks: [{ ...sink, from: ['a', 'b.emitted'] }],
    }),
  },
  { fact: 'parameters in durations, expressions, subjects and paths', object: parameterised() },
  { fact: 'all tokens of subjects as wildcards', object: withSource({ nats: { subjects: ['a.*.b', '*.*', 'c.>'] } }) },
  { fact: 'a subject for everything', object: withSource({ nats: { subjects: ['>'] } }) },
  { fact: 'a merge of inputs', object: withStage({ from: ['events', 'counts', 'counts.late'], map: 'event' }) },
  {
    fact: 'events that come back',
    object: job({
      stages: [
        { ...stage, feedback: { from: 'again' } },
        { name: 'again', from: 'counts', filter: 'event.n < 3' },
        { name: 'own', from: 'events', keyBy: 'event.id', dedupe: { ttl: '1h' }, feedback: { from: 'own.late', maxRounds: 3 } },
      ],
    }),
  },
  {
    fact: 'a join of a stage with itself',
    object: withStage({ from: 'counts', keyBy: 'event.id', join: { with: 'counts', within: '1h' } }),
  },
  {
    fact: 'a temporal join',
    object: withStage({
      keyBy: 'event.id',
      join: { with: 'counts', type: 'left', temporal: { grace: '1m', deleted: 'event.gone', validFor: '1d' } },
    }),
  },
  {
    fact: 'state that expires',
    object: withStage({
      keyBy: 'event.id',
      aggregate: { n: { count: {} } },
      state: { ttl: '1d', onExpire: 'emit' },
    }),
  },
  {
    fact: 'a table join',
    object: withStage({
      keyBy: 'event.id',
      join: { with: 'counts', type: 'full', table: { left: { id: 'event.n', deleted: 'event.gone' }, right: {}, emit: 'changes' } },
    }),
  },
  {
    fact: 'a window join',
    object: withStage({ keyBy: 'event.id', join: { with: 'counts', type: 'full', window: { sliding: { size: '1h', every: '5m' } } } }),
  },
  {
    fact: 'a pattern with groups in groups',
    object: withStage({
      keyBy: 'event.id',
      pattern: {
        within: '1h',
        steps: [
          { name: 'a', where: 'event.n > 1' },
          { name: 'g', steps: [{ name: 'h', times: { min: 1 }, steps: [{ name: 'b', where: 'size(matched.a) > 0' }] }] },
        ],
        select: { a: 'matched.a' },
      },
    }),
  },
  { fact: 'a flatMap of a list', object: withStage({ flatMap: [{ emit: 'event' }, { when: 'true', emit: { a: 'event.a' } }] }) },
  { fact: 'fields of all types', object: withSource({ schema: { at: 'timestamp', id: { type: 'string', nullable: true } } }) },
  {
    fact: 'null in the context of a machine',
    object: withStage({ keyBy: 'event.id', machine: { context: { a: null, b: [1] }, states: { s: {} } } }),
  },
  {
    fact: 'events of a machine below true, as kubectl reads a bare on',
    object: withStage({ keyBy: 'event.id', machine: { states: { a: { true: { go: 'b' } }, b: {} }, true: { back: 'a' } } }),
  },
  { fact: 'a chain longer than the policy follows', object: job({ stages: chain(200, 'events'), sinks: [{ ...sink, from: 'c199' }] }) },
  { fact: 'stages in any order', object: job({ stages: chain(20, 'events').toReversed(), sinks: [{ ...sink, from: 'c19' }] }) },
  { fact: 'as many stages and inputs as there may be', object: widest() },
  { fact: 'a savepoint', object: savepoint({ job: 'sample' }) },
];

function parameterised(): Manifest {
  return job({
    parameters: [{ name: 'time', default: '1h' }, { name: 'lateness', default: '0s' }, { name: 'shop' }],
    values: { shop: 'north' },
    sources: [
      {
        ...source,
        nats: { subjects: ['shop.${shop}'] },
        eventTime: { at: 'event.${shop}', maxOutOfOrder: '${lateness}', maxAhead: '1d' },
        idle: { after: '${lateness}', closeAfter: '5m' },
        alignment: { maxDrift: '${lateness}', group: 'shop' },
      },
    ],
    stages: [{ ...stage, window: { sliding: { size: '${time}', every: '${time}', offset: '0s' } } }],
    sinks: [{ ...sink, nats: { subject: 'shop.${shop}.counts' } }],
  });
}

/** Every stage merges as many others as it may: the policy gives up long before, and lets it through. */
function widest(): Manifest {
  const stages = many(512, (i) => ({ name: `w${i}`, from: i < 64 ? 'events' : many(64, (j) => `w${i - 64 + j}`), map: 'event' }));
  return job({ stages, sinks: many(256, (i) => ({ ...sink, name: `o${i}`, from: `w${i}`, nats: { subject: `o.${i}` } })) });
}

function everyClusterField(): Fields {
  return {
    description: 'All of it.',
    replicas: 3,
    suspend: true,
    scaling: {
      mode: 'Apply',
      min: 1,
      max: 1_024,
      targetLag: '500ms',
      catchUp: '1h',
      utilization: 95,
      idle: '1d',
      hotKeys: 'Hide',
      behavior: {
        scaleUp: { stabilization: '30s', pods: 4, percent: 1_000, period: '15s' },
        scaleDown: { stabilization: '1h', pods: 1, percent: 10, period: '1m' },
      },
    },
    pools: [
      {
        name: 'heavy',
        stages: ['counts', 'out'],
        replicas: 0,
        scaling: { mode: 'Recommend', min: 2, max: 4, targetLag: '1s' },
        workers: {
          resources: { requests: { cpu: '2' } },
          nodeSelector: { disk: 'fast' },
          tolerations: [{ operator: 'Exists' }],
          affinity: {},
          priorityClassName: 'high',
          annotations: { a: 'b' },
        },
      },
      { name: 'a-workers-b', stages: ['events'] },
    ],
    upgrade: { strategy: 'savepoint', progressDeadline: '1h30m', rollback: false },
    deletionPolicy: 'Delete',
    restoreFrom: { savepoint: 'before' },
    code,
    workers: {
      image: 'images.example.com/team/worker@sha256:abc',
      imagePullPolicy: 'Always',
      imagePullSecrets: ['pull'],
      resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { cpu: '1', memory: '1G' } },
      nodeSelector: { 'kubernetes.io/arch': 'amd64', disk: '' },
      tolerations: [{ operator: 'Exists' }, { key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 0 }],
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
      priorityClassName: 'high',
      annotations: { 'prometheus.io/scrape': 'true', 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
      env: [
        { name: 'A', value: '' },
        { name: 'B', secret: { name: 'b', key: 'k' } },
      ],
      files: [{ configMap: 'a' }, { configMap: 'b' }],
      egress: [{ cidr: '10.0.0.0/8', ports: [443] }, { cidr: 'fd00::/8' }],
    },
  };
}
