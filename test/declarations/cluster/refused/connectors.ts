// Refused by rules on sources, sinks and workers.
import {
  job,
  many,
  pool,
  sink,
  withPool,
  withSink,
  withSource,
  withStage,
  withTable,
  withWorkers,
  type Fields,
  type Manifest,
  type Refused,
} from '../sample.ts';

const nats = { subjects: ['shop.events'] };
const toleration = (changes: Fields): Manifest => withWorkers({ tolerations: [changes] });
const OF_SOURCE = 'a subject of a source is tokens with dots between them, without blanks';
const OF_SINK = 'results go to one subject: tokens with dots between them, without blanks and wildcards';

export const connectors: readonly Refused[] = [
  {
    fact: 'a source connected to two',
    object: withSource({ nats, file: { path: 'a' } }),
    says: ['source "', 'events', 'is connected to file and nats: keep one'],
  },
  {
    fact: 'a source connected to nothing',
    object: withSource({ nats: undefined }),
    says: ['spec.sources[0]', 'is connected to nothing: give it file or nats'],
  },
  {
    fact: 'a sink that writes a file',
    object: withSink({ nats: undefined, file: { path: 'out.ndjson' } }),
    says: ['sink "', 'out', 'writes a file, and pods have no lasting file system'],
  },
  {
    fact: 'a sink connected to two',
    object: withSink({ journal: {} }),
    says: ['spec.sinks[0]', 'is connected to nats and journal: keep one'],
  },
  {
    fact: 'a sink connected to nothing',
    object: withSink({ nats: undefined }),
    says: ['spec.sinks[0]', 'is connected to nothing: give it nats or journal'],
  },
  {
    fact: 'a source file without files',
    object: withSource({ nats: undefined, file: { path: 'a.csv' } }),
    says: 'the job reads files, and workers are given none',
  },
  {
    fact: 'a table without files',
    object: job({ tables: [{ name: 't', file: { path: 'a.csv' }, key: 'row.id' }] }),
    says: 'the job reads files, and workers are given none',
  },
  {
    fact: 'a table with an empty list of files',
    object: { ...withTable({}), spec: { ...(withTable({}).spec as Fields), workers: { files: [] } } },
    says: 'the job reads files, and workers are given none',
  },
  {
    fact: 'two sinks with one subject',
    object: job({ sinks: [sink, { ...sink, name: 'again' }] }),
    says: ['sink "', 'out', 'writes a subject that another sink writes, too; give each its own'],
  },
  { fact: 'a source subject with a blank', object: withSource({ nats: { subjects: ['shop events'] } }), says: [OF_SOURCE, 'shop events'] },
  { fact: 'a source subject with an empty token', object: withSource({ nats: { subjects: ['shop..events'] } }), says: OF_SOURCE },
  { fact: 'a source subject that ends in a dot', object: withSource({ nats: { subjects: ['shop.'] } }), says: OF_SOURCE },
  { fact: 'a source subject with > inside', object: withSource({ nats: { subjects: ['shop.>.a'] } }), says: OF_SOURCE },
  { fact: 'a source subject with a wildcard in a token', object: withSource({ nats: { subjects: ['shop.a*'] } }), says: OF_SOURCE },
  { fact: 'a sink subject with a wildcard', object: withSink({ nats: { subject: 'shop.*' } }), says: [OF_SINK, 'shop.*'] },
  { fact: 'a sink subject with >', object: withSink({ nats: { subject: 'shop.>' } }), says: OF_SINK },
  { fact: 'a sink subject with an empty token', object: withSink({ nats: { subject: '.shop' } }), says: OF_SINK },
  {
    fact: 'a stream with a blank',
    object: withSource({ nats: { subjects: ['a'], stream: 'my stream' } }),
    says: 'the name of a JetStream stream has no blanks',
  },

  {
    fact: 'a least number of workers above the most',
    object: job({ scaling: { mode: 'Apply', min: 5, max: 4 } }),
    says: 'scaling.min is more than scaling.max; it is at most that',
  },
  {
    fact: 'a lag of none as target',
    object: job({ scaling: { mode: 'Apply', targetLag: '0s' } }),
    says: ['spec.scaling.targetLag', 'a targetLag of no time at all cannot be held'],
  },
  {
    fact: 'a lag of none as target, in several units',
    object: job({ scaling: { targetLag: '0h0.0m00s' } }),
    says: 'a targetLag of no time at all cannot be held',
  },
  {
    fact: 'sleep after no time',
    object: job({ scaling: { idle: '0s' } }),
    says: ['spec.scaling.idle', 'idle of no time at all would put a job to sleep between two events'],
  },
  {
    fact: 'a pool called default',
    object: withPool({ name: 'default' }),
    says: '"default" is the pool of all stages that no pool names: spec.replicas, spec.scaling and spec.workers describe it',
  },
  {
    fact: 'a pool whose name has worker between its dashes',
    object: withPool({ name: 'a-worker-b' }),
    says: 'could have a Deployment of the name of another job',
  },
  { fact: 'a pool without a name', object: withPool({ name: '' }), says: 'spec.pools[0].name in body should match' },
  { fact: 'a pool without stages', object: withPool({ stages: [] }), says: 'spec.pools[0].stages in body should have at least 1 items' },
  {
    fact: 'two pools of one name',
    object: job({ pools: [pool, { ...pool, stages: ['events'] }] }),
    says: ['spec.pools[1]', 'Duplicate value'],
  },
  {
    fact: 'more pools than there may be',
    object: job({ pools: many(17, (i) => ({ name: `p${i}`, stages: ['counts'] })) }),
    says: 'spec.pools: Too many: 17: must have at most 16 items',
  },
  {
    fact: 'a stage that a pool names twice',
    object: withPool({ stages: ['counts', 'counts'] }),
    says: ['spec.pools[0].stages[1]', 'Duplicate value'],
  },
  {
    fact: 'a pool of a stage that is not declared',
    object: withPool({ stages: ['cuonts'] }),
    says: 'there is no source, stage or sink of that name; correct it, or declare it: pool heavy names cuonts',
  },
  {
    fact: 'a stage in two pools',
    object: job({ pools: [pool, { name: 'other', stages: ['events', 'counts'] }] }),
    says: 'a stage is in one pool, keep one: pool heavy shares counts',
  },
  {
    fact: 'a least number of workers of a pool above the most',
    object: withPool({ scaling: { min: 5, max: 4 } }),
    says: ['spec.pools[0].scaling', 'scaling.min is more than scaling.max; it is at most that'],
  },
  {
    fact: 'a lag of none as target of a pool',
    object: withPool({ scaling: { targetLag: '0s' } }),
    says: ['spec.pools[0].scaling.targetLag', 'a targetLag of no time at all cannot be held'],
  },
  {
    fact: 'a request of a pool above its limit',
    object: withPool({ workers: { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } } }),
    says: ['spec.pools[0].workers.resources', 'it is at most that'],
  },
  {
    fact: 'an annotation of a pool that is not its to set',
    object: withPool({ workers: { annotations: { 'millrace.dev/applied': 'x' } } }),
    says: 'annotations of millrace.dev, kubectl and the security of pods are not for a job to set; remove millrace.dev/applied',
  },
  {
    fact: 'a label of nodes of a pool that is none',
    object: withPool({ workers: { nodeSelector: { 'a b': 'c' } } }),
    says: ['a key of pools[].workers.nodeSelector', '"a b"'],
  },
  {
    fact: 'an image of a pool of its own',
    object: withPool({ workers: { image: 'x' } }),
    says: 'unknown field "spec.pools[0].workers.image"',
  },
  {
    fact: 'a request of cpu above the limit',
    object: withWorkers({ resources: { requests: { cpu: '2' }, limits: { cpu: '500m' } } }),
    says: ['requests.cpu ', '2 is more than limits.cpu 500m', 'it is at most that'],
  },
  {
    fact: 'a request of memory above the limit',
    object: withWorkers({ resources: { requests: { memory: '1Gi' }, limits: { memory: '1G' } } }),
    says: ['requests.memory ', '1Gi is more than limits.memory 1G', 'it is at most that'],
  },
  {
    fact: 'a variable with a value and a secret',
    object: withWorkers({ env: [{ name: 'A', value: '1', secret: { name: 'a', key: 'k' } }] }),
    says: ['the variable ', 'A has a value and a secret', ' has a value and a secret: keep one'],
  },
  {
    fact: 'a variable with nothing',
    object: withWorkers({ env: [{ name: 'A' }] }),
    says: ['the variable A', ' has neither a value nor a secret: give it one'],
  },
  {
    fact: 'a range of addresses that cannot be',
    object: withWorkers({ egress: [{ cidr: '999.1.1.1/8' }] }),
    says: ['"999.1.1.1/8"', 'is no range of addresses; write one such as 10.1.0.0/16'],
  },
  {
    fact: 'a range that is longer than an address',
    object: withWorkers({ egress: [{ cidr: '10.0.0.0/40' }] }),
    says: 'is no range of addresses; write one such as 10.1.0.0/16',
  },
  {
    fact: 'a toleration of all, by forgetting the key',
    object: toleration({ operator: 'Equal', value: 'a' }),
    says: 'a toleration without a key tolerates all taints',
  },
  {
    fact: 'a toleration of any value, with a value',
    object: toleration({ key: 'a', operator: 'Exists', value: 'b' }),
    says: 'a toleration with operator: Exists has no value',
  },
  {
    fact: 'a toleration for seconds of what is not executed',
    object: toleration({ key: 'a', effect: 'NoSchedule', tolerationSeconds: 5 }),
    says: 'tolerationSeconds goes with effect: NoExecute',
  },
  {
    fact: 'a value of a node that is no label',
    object: withWorkers({ nodeSelector: { disk: '-ssd' } }),
    says: 'a value of nodeSelector is that of a label',
  },
  {
    fact: 'a label of a node that is none',
    object: withWorkers({ nodeSelector: { 'a b': 'c' } }),
    says: ['a key of workers.nodeSelector is a name', '"a b"'],
  },
  {
    fact: 'a label of a node with two slashes',
    object: withWorkers({ nodeSelector: { 'a/b/c': 'd' } }),
    says: 'a key of workers.nodeSelector is a name',
  },
  {
    fact: 'a sink of a stage that is filtered and misspelt',
    object: withStage({ filter: 'true', fitler: 'true' }),
    says: 'unknown field "spec.stages[1].fitler"',
  },
];
