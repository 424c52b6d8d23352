// Refused by rules on names, parameters and references.
import { job, largest, savepoint, sink, source, stage, withSink, withStage, type Refused } from '../sample.ts';

const table = { name: 'people', file: { path: 'people.csv' }, key: 'row.id' };
const workers = { files: [{ configMap: 'files' }] };
const SHARED = 'sources, tables, stages and sinks share one set of names; rename one';

export const names: readonly Refused[] = [
  {
    fact: 'a job with a very long name',
    object: job({}, { name: 'x'.repeat(64) }),
    says: 'the name of a StreamJob becomes part of NATS subjects and of labels',
  },
  {
    fact: 'a job with a dot in its name',
    object: job({}, { name: 'a.b' }),
    says: 'the name of a StreamJob becomes part of NATS subjects and of labels',
  },
  {
    fact: 'a job whose name begins with a digit',
    object: job({}, { name: '1a' }),
    says: 'the name of a StreamJob becomes part of NATS subjects and of labels',
  },
  {
    fact: 'a savepoint with a dot in its name',
    object: savepoint({ job: 'a' }, { name: 'a.b' }),
    says: 'the name of a StreamSavepoint becomes part of NATS names',
  },
  {
    fact: 'a savepoint with a very long name',
    object: savepoint({ job: 'a' }, { name: 'x'.repeat(64) }),
    says: 'the name of a StreamSavepoint becomes part of NATS names',
  },
  {
    fact: 'a stage with the name of a source',
    object: job({ stages: [{ ...stage, name: 'events' }], sinks: [] }),
    says: [SHARED, 'stage "events" has the name of another element'],
  },
  {
    fact: 'a sink with the name of a stage',
    object: withSink({ name: 'counts' }),
    says: [SHARED, 'stage "counts" has the name of another element'],
  },
  {
    fact: 'a sink with the name of a source',
    object: withSink({ name: 'events' }),
    says: [SHARED, 'sink "events" has the name of another element'],
  },
  {
    fact: 'a source with the name of a table',
    object: job({ tables: [{ ...table, name: 'events' }], workers }),
    says: [SHARED, 'source "events" has the name of another element'],
  },
  {
    fact: 'a sink with the name of a table',
    object: job({ tables: [{ ...table, name: 'out' }], workers }),
    says: [SHARED, 'sink "out" has the name of another element'],
  },
  {
    fact: 'a source with a name of Millrace',
    object: job({ sources: [source, { ...source, name: 'dead-letters' }] }),
    says: ['spec.sources[1]', 'give the source another name'],
  },
  {
    fact: 'a table with a name of Millrace',
    object: job({ tables: [{ ...table, name: 'dead' }], workers }),
    says: ['spec.tables[0]', 'give the table another name'],
  },
  {
    fact: 'a stage with a name of Millrace',
    object: withStage({ name: 'sinks', map: 'event' }),
    says: ['spec.stages[1]', 'give the stage another name'],
  },
  {
    fact: 'a sink with a name of Millrace',
    object: withSink({ name: 'dead-letters-subject' }),
    says: ['spec.sinks[0]', 'give the sink another name'],
  },

  {
    fact: 'a parameter without a value',
    object: job({ parameters: [{ name: 'a', default: '' }, { name: 'b' }] }),
    says: ['parameter "b"', 'has no default: give it a value in spec.values'],
  },
  {
    fact: 'a value without a parameter',
    object: job({ values: { a: '1' } }),
    says: 'spec.values has a value for which no parameter is declared',
  },

  {
    fact: 'a stage that reads nothing there is',
    object: withStage({ from: 'evnets', map: 'event' }),
    says: ['there is no source or stage of that name', 'added reads evnets'],
  },
  {
    fact: 'a stage that merges something there is not',
    object: withStage({ from: ['events', 'more'], map: 'event' }),
    says: ['there is no source or stage of that name', 'added reads more'],
  },
  {
    fact: 'a stage that reads an output of nothing',
    object: withStage({ from: 'nobody.late', map: 'event' }),
    says: ['there is no source or stage of that name', 'added reads nobody'],
  },
  {
    fact: 'a join with nothing',
    object: withStage({ keyBy: 'event.id', join: { with: 'nobody', within: '1h' } }),
    says: ['there is no source or stage of that name', 'added reads nobody'],
  },
  {
    fact: 'a sink that reads nothing there is',
    object: withSink({ from: ['counts', 'nobody'] }),
    says: ['there is no source or stage of that name', 'out reads nobody'],
  },
  {
    fact: 'a stage that reads a sink',
    object: withStage({ from: 'out', map: 'event' }),
    says: ['there is no source or stage of that name', 'added reads out'],
  },
  {
    fact: 'a stage that reads a table',
    object: job({ tables: [table], workers, stages: [stage, { name: 'b', from: 'people', map: 'event' }] }),
    says: ['there is no source or stage of that name', 'b reads people'],
  },
  {
    fact: 'an input named twice',
    object: withStage({ from: ['events', 'events'], map: 'event' }),
    says: ['an input is named twice, its events would come twice', 'added'],
  },
  {
    fact: 'an input of a sink named twice',
    object: withSink({ from: ['counts', 'counts'] }),
    says: ['an input is named twice, its events would come twice', 'out'],
  },
  {
    fact: 'an input that is a number',
    object: withStage({ from: 1, map: 'event' }),
    says: ['from is the name of a source or stage', 'added'],
  },
  {
    fact: 'an input that is a mapping',
    object: withSink({ from: { stage: 'counts' } }),
    says: ['from is the name of a source or stage', 'out'],
  },
  { fact: 'no inputs', object: withStage({ from: [], map: 'event' }), says: 'a list in from has 1 to 64 names of sources or stages' },
  { fact: 'inputs that are numbers', object: withSink({ from: [1] }), says: 'a list in from has 1 to 64 names of sources or stages' },
  {
    fact: 'too many inputs',
    object: withSink({ from: Array.from({ length: 65 }, () => 'counts') }),
    says: 'a list in from has 1 to 64 names of sources or stages',
  },
  {
    fact: 'a look-up in a table there is not',
    object: withStage({ enrich: [{ table: 'people', key: 'event.id', as: 'person' }] }),
    says: ['stage "added"', 'looks up a table that is not declared'],
  },

  {
    fact: 'a stage that reads itself',
    object: withStage({ from: 'added', map: 'event' }),
    says: ['stages read each other in a circle', 'added'],
  },
  {
    fact: 'two stages that read each other',
    object: job({ stages: [stage, { name: 'a', from: 'b', map: 'event' }, { name: 'b', from: ['events', 'a'], map: 'event' }] }),
    says: ['stages read each other in a circle', 'a', 'b'],
  },
  {
    fact: 'a circle through a join and a named output',
    object: job({
      stages: [
        { name: 'a', from: 'events', map: 'event' },
        { name: 'b', from: 'a', keyBy: 'event.id', join: { with: 'd.late', within: '1h' } },
        { name: 'c', from: 'b', filter: 'true' },
        { name: 'd', from: 'c', keyBy: 'event.id', window: { session: { gap: '1h' } }, aggregate: { n: { count: {} } } },
      ],
      sinks: [{ ...sink, from: 'd' }],
    }),
    says: ['stages read each other in a circle', 'b'],
  },

  // The API server's limits on CEL are met by none of these.
  {
    fact: 'the largest job with an input there is not',
    object: largest({ from: 'nobody' }),
    says: 'stage-with-a-long-name-511 reads nobody',
  },
  {
    fact: 'the largest job with a circle',
    object: largest({ from: ['stage-with-a-long-name-447', 'stage-with-a-long-name-511'] }),
    says: 'stages read each other in a circle',
  },
  {
    fact: 'the largest job with a name twice',
    object: largest({}, { name: 'stage-with-a-long-name-0' }),
    says: 'stage "stage-with-a-long-name-0" has the name of another element',
  },
  {
    fact: 'the largest job with a subject twice',
    object: largest({}, { nats: { subject: 'shop.results.0' } }),
    says: 'sink "sink-with-a-long-name-0" writes a subject that another sink writes',
  },
  {
    fact: 'the largest job with a table there is not',
    object: largest({ enrich: [{ table: 'nobody', key: 'event.id', as: 'a' }] }),
    says: 'stage "stage-with-a-long-name-511" looks up a table that is not declared',
  },
  {
    fact: 'the largest job with two verbs in a stage',
    object: largest({ dedupe: { ttl: '1h' } }),
    says: 'stage-with-a-long-name-511 has aggregate and dedupe',
  },
  {
    fact: 'the largest job with an expression of a wrong form',
    object: largest({ keyBy: 5 }),
    says: ['keyBy is a CEL expression', 'stages: stage-with-a-long-name-511'],
  },
];
