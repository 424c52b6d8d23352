// Refused by rules on stages: verbs, keys, windows, aggregates, forms of expressions.
import { job, stage, withSource, withStage, withTable, type Fields, type Manifest, type Refused } from '../sample.ts';

const keyed = (changes: Fields): Manifest => withStage({ keyBy: 'event.id', ...changes });
const aggregate = { n: { count: {} } };
const windowed = (window: Fields): Manifest => keyed({ window, aggregate });
const CODE_OR_FIELDS = 'is a CEL expression of at most 4096 characters, or a mapping of field to expression with at least one field';

export const stages: readonly Refused[] = [
  {
    fact: 'two verbs',
    object: withStage({ map: 'event', sample: { ratio: 0.5 } }),
    says: ['one verb a stage, make a stage of each', 'added has map and sample'],
  },
  {
    fact: 'tables of a stage whose code reads none',
    object: withStage({ map: 'event', tables: ['rates'] }),
    says: 'tables goes with machine and reduce',
  },
  {
    fact: 'a bootstrap of a stage without state',
    object: withStage({ map: 'event', bootstrap: ['counts'] }),
    says: 'bootstrap fills the state of a stage, and this one has none',
  },
  {
    fact: 'a bootstrap from what nobody gives out',
    object: keyed({ aggregate, bootstrap: ['nobody'] }),
    says: 'added reads nobody',
  },
  {
    fact: 'a window and dedupe',
    object: keyed({ window: { session: { gap: '1h' } }, aggregate, dedupe: { ttl: '1h' } }),
    says: ['one verb a stage, make a stage of each', 'added has window and dedupe'],
  },
  {
    fact: 'a rate that lets nothing go on',
    object: withStage({ rateLimit: { perSecond: 0 } }),
    says: 'perSecond is above 0',
  },
  {
    fact: 'a field of a type that there is not, in validate',
    object: withStage({ validate: { schema: { n: 'integer' } } }),
    says: 'a field of a schema is string, int, double, bool, timestamp or any, or a mapping with type and nullable; stages: added',
  },
  {
    fact: 'a codec that there is not',
    object: withStage({ compress: { field: 'x', codec: 'lzma' } }),
    says: 'compress.codec',
  },
  {
    fact: 'an event that may be unpacked without end',
    object: withStage({ decompress: { field: 'x', bytesMax: 0 } }),
    says: 'decompress.bytesMax',
  },
  {
    fact: 'heavy hitters of next to nothing',
    object: keyed({ window: { tumbling: { size: '1h' } }, aggregate: { n: { heavyHitters: { of: 'event.id', share: 0 } } } }),
    says: 'share is above 0',
  },
  {
    fact: 'a reservoir without bound',
    object: keyed({ window: { tumbling: { size: '1h' } }, aggregate: { n: { reservoir: { of: 'event.id', size: 100_000 } } } }),
    says: 'aggregate.n.reservoir.size',
  },
  {
    fact: 'rows of a window',
    object: keyed({ window: { session: { gap: '1h' } }, aggregate, rows: { id: 'event.id' } }),
    says: 'rows goes with an aggregate without window',
  },
  {
    fact: 'rows without an id',
    object: keyed({ aggregate, rows: {} }),
    says: 'rows.id',
  },
  {
    fact: 'a trigger that waits for nothing of the clock',
    object: windowed({ tumbling: { size: '1h' }, early: [{ processingTime: '0s' }] }),
    says: 'processingTime',
  },
  {
    fact: 'a branch without outputs',
    object: withStage({ branch: { outputs: [] } }),
    says: 'branch.outputs',
  },
  {
    fact: 'a lookup that asks nobody',
    object: keyed({ lookup: { as: 'a' } }),
    says: 'a lookup has exactly one of http and code',
  },
  {
    fact: 'a lookup without a key',
    object: job({
      stages: [stage, { name: 'added', from: 'events', lookup: { http: { url: "'http://x'" }, as: 'a' } }],
      workers: { egress: [{ cidr: '10.0.0.0/8' }] },
    }),
    says: 'work per key, and there is none: add keyBy',
  },
  {
    fact: 'a secret header of what is no variable',
    object: keyed({ lookup: { http: { url: "'http://x'", secretHeaders: { authorization: { env: 'a-b' } } }, as: 'a' } }),
    says: 'secretHeaders.authorization.env',
  },
  {
    fact: 'a lookup by http of workers that may reach nobody',
    object: keyed({ lookup: { http: { url: "'http://x'" }, as: 'a' } }),
    says: 'workers may reach nobody: declare in spec.workers.egress where they may go',
  },
  {
    fact: 'a GET with a body',
    object: keyed({ lookup: { http: { url: "'http://x'", body: 'event' }, as: 'a' } }),
    says: 'only a POST request has a body',
  },
  {
    fact: 'a lookup by code of a job without code',
    object: keyed({ lookup: { code: '@code:0123456789abcdef0123456789abcdef', as: 'a' } }),
    says: 'is code, and the job has none (spec.code)',
  },
  {
    fact: 'a lookup without time',
    object: keyed({ lookup: { http: { url: "'http://x'" }, as: 'a', timeout: '0s' } }),
    says: 'timeout is no time at all',
  },
  {
    fact: 'retries of expressions',
    object: withStage({ map: 'event', onError: { retries: 3 } }),
    says: 'retries are for functions, and the job has none',
  },
  {
    fact: 'a first wait that is longer than the longest',
    object: withStage({ map: 'event', onError: { backoff: '1h', backoffMax: '1m' } }),
    says: 'backoff 1h and backoffMax 1m: the longest wait is at least as long as the first one',
  },
  {
    fact: 'an end of failures that there is not',
    object: withStage({ map: 'event', onError: { then: 'ignore' } }),
    says: 'onError.then: Unsupported value: "ignore"',
  },
  { fact: 'no verb', object: withStage({}), says: ['a stage does nothing', 'stages: added'] },
  {
    fact: 'an aggregate without a key',
    object: withStage({ aggregate }),
    says: ['work per key, and there is none: add keyBy', 'stages: added'],
  },
  { fact: 'dedupe without a key', object: withStage({ dedupe: { ttl: '1h' } }), says: 'work per key, and there is none: add keyBy' },
  {
    fact: 'a machine without a key',
    object: withStage({ machine: { initial: 'a', states: { a: {} } } }),
    says: 'work per key, and there is none: add keyBy',
  },
  {
    fact: 'a key for nothing',
    object: withStage({ keyBy: 'event.id' }),
    says: ['keyBy goes with window, aggregate, changelog, dedupe, join, lookup, machine or pattern', 'stages: added'],
  },
  {
    fact: 'a key for a map',
    object: keyed({ map: 'event' }),
    says: 'keyBy goes with window, aggregate, changelog, dedupe, join, lookup, machine or pattern',
  },
  {
    fact: 'partitions without a key',
    object: withStage({ map: 'event', partitions: 4 }),
    says: ['only a stage with keyBy has partitions of its own', 'stages: added'],
  },
  {
    fact: 'a stage by the clock that has no use for it',
    object: keyed({ processingTime: {}, aggregate }),
    says: ['processingTime goes with window, dedupe, pattern, machine', 'stages: added'],
  },
  {
    fact: 'a machine by the clock that wants events in the order of their event time',
    object: keyed({ processingTime: {}, machine: { order: 'eventTime', initial: 'a', states: { a: {} } } }),
    says: 'events come in the order of their arrival',
  },
  {
    fact: 'a policy that is none',
    object: keyed({ processingTime: { missed: 'never' }, dedupe: { ttl: '1h' } }),
    says: 'supported values: "catchUp", "fireOnce", "skip"',
  },
  { fact: 'a map that is a number', object: withStage({ map: 5 }), says: [`map ${CODE_OR_FIELDS}`, 'stages: added'] },
  { fact: 'a map of no fields', object: withStage({ map: {} }), says: `map ${CODE_OR_FIELDS}` },
  { fact: 'a map of a number', object: withStage({ map: { a: 1 } }), says: `map ${CODE_OR_FIELDS}` },
  {
    fact: 'a map of a field with a very long name',
    object: withStage({ map: { ['x'.repeat(129)]: 'event.a' } }),
    says: `map ${CODE_OR_FIELDS}`,
  },
  { fact: 'a map that is too long', object: withStage({ map: 'x'.repeat(4097) }), says: `map ${CODE_OR_FIELDS}` },
  { fact: 'a key that is a list', object: keyed({ keyBy: ['event.a', 'event.b'], aggregate }), says: `keyBy ${CODE_OR_FIELDS}` },
  {
    fact: 'a join that selects a number',
    object: keyed({ join: { with: 'counts', within: '1h', select: 1 } }),
    says: `join.select ${CODE_OR_FIELDS}`,
  },
  {
    fact: 'a pattern that selects a number',
    object: keyed({ pattern: { within: '1h', steps: [{ name: 'a' }], select: 1 } }),
    says: `pattern.select ${CODE_OR_FIELDS}`,
  },
  {
    fact: 'a flatMap that is a number',
    object: withStage({ flatMap: 1 }),
    says: 'flatMap is a CEL expression that gives a list, or a list of 1 to 64',
  },
  {
    fact: 'a flatMap that emits nothing',
    object: withStage({ flatMap: [{ when: 'true' }] }),
    says: 'flatMap is a CEL expression that gives a list, or a list of 1 to 64',
  },
  {
    fact: 'a flatMap of an empty list',
    object: withStage({ flatMap: [] }),
    says: 'flatMap is a CEL expression that gives a list, or a list of 1 to 64',
  },
  {
    fact: 'a field of a type that is none',
    object: withSource({ schema: { at: 'timestamp', id: 'integer' } }),
    says: ['a field of a schema is string, int, double, bool, timestamp or any', 'sources: events'],
  },
  {
    fact: 'a field with a mapping without type',
    object: withSource({ schema: { id: { nullable: true } } }),
    says: 'a field of a schema is string, int, double, bool, timestamp or any',
  },
  {
    fact: 'a field of a table of a type that is none',
    object: withTable({ schema: { id: 'text' } }),
    says: ['a field of a schema is string, int, double, bool, timestamp or any', 'tables: people'],
  },

  {
    fact: 'a window without an aggregate',
    object: keyed({ window: { session: { gap: '1h' } } }),
    says: ['window of stage "', 'has no aggregate; add one', 'added'],
  },
  {
    fact: 'a window of two kinds',
    object: windowed({ tumbling: { size: '1h' }, session: { gap: '1h' } }),
    says: 'a window has exactly one of tumbling, sliding, session, count, global',
  },
  { fact: 'a window of no kind', object: windowed({}), says: 'a window has exactly one of tumbling, sliding, session, count, global' },
  {
    fact: 'an aggregate of two functions',
    object: keyed({ aggregate: { a: { sum: 'event.a', min: 'event.a' } } }),
    says: ['an aggregate has exactly one of count, sum', 'stages: added'],
  },
  {
    fact: 'an aggregate of no function',
    object: keyed({ aggregate: { a: { where: 'true' } } }),
    says: 'an aggregate has exactly one of count, sum',
  },
  { fact: 'an aggregate of no fields', object: keyed({ aggregate: {} }), says: 'aggregate names no field; give at least one' },
  {
    fact: 'gaps between sliding windows',
    object: windowed({ sliding: { size: '5m', every: '1h' } }),
    says: ['events between windows would count nowhere; every is at most size', 'every 1h and size 5m'],
  },
  {
    fact: 'an offset as long as the window',
    object: windowed({ tumbling: { size: '1h', offset: '60m' } }),
    says: ['an offset shifts windows within one step; it is smaller than size', 'offset 60m and size 1h'],
  },
  {
    fact: 'an offset as long as a step',
    object: windowed({ sliding: { size: '1h', every: '10m', offset: '10m' } }),
    says: ['an offset shifts windows within one step; it is smaller than every', 'offset 10m'],
  },
  {
    fact: 'a tumbling window of no size',
    object: windowed({ tumbling: { size: '0s' } }),
    says: ['window.tumbling', 'size is no time at all'],
  },
  {
    fact: 'a sliding window of no size',
    object: windowed({ sliding: { size: '0s', every: '0m' } }),
    says: ['window.sliding', 'size is no time at all'],
  },
  {
    fact: 'a sliding window at every moment',
    object: windowed({ sliding: { size: '1s', every: '0ms' } }),
    says: ['window.sliding', 'every is no time at all'],
  },
  { fact: 'a session of no gap', object: windowed({ session: { gap: '0h0m' } }), says: ['window.session', 'gap is no time at all'] },
  {
    fact: 'what further results have, of windows that have one',
    object: windowed({ tumbling: { size: '1h' }, accumulation: 'retracting' }),
    says: 'accumulation says what further results of a window have: add early or allowedLateness, or remove accumulation',
  },
  {
    fact: 'a global window that gives nothing before the end of the input',
    object: windowed({ global: {}, accumulation: 'discarding' }),
    says: 'a global window ends with the input only: say by early when its results come',
  },
  {
    fact: 'a global window that waits for late events',
    object: windowed({ global: {}, early: [{ count: 5 }], allowedLateness: '1h' }),
    says: 'a global window has no end after which an event could be late',
  },
  {
    fact: 'a window by count with results before it is full',
    object: windowed({ count: { size: 5 }, early: [{ count: 2 }] }),
    says: 'a window by count has one result, when it is full',
  },
  { fact: 'a window of no events', object: windowed({ count: { size: 0 } }), says: 'count.size' },
  {
    fact: 'gaps between windows by count',
    object: windowed({ count: { size: 5, every: 6 } }),
    says: 'events between windows would count nowhere; every is at most size',
  },
  {
    fact: 'a time bound of windows that overlap',
    object: windowed({ count: { size: 5, every: 2, orAfter: '1m' } }),
    says: 'windows that overlap have no time bound',
  },
  {
    fact: 'a time bound of no time',
    object: windowed({ count: { size: 5, orAfter: '0s' } }),
    says: 'orAfter is no time at all',
  },
  {
    fact: 'a trigger without a condition',
    object: windowed({ tumbling: { size: '1h' }, early: [{ count: 5 }, { once: true }] }),
    says: ['early', 'a trigger says at least one of every, processingTime, count, when'],
  },
  {
    fact: 'a trigger at every moment',
    object: windowed({ tumbling: { size: '1h' }, early: [{ every: '0s' }] }),
    says: ['early', 'every is no time at all'],
  },
  {
    fact: 'a trigger at no event',
    object: windowed({ tumbling: { size: '1h' }, early: [{ count: 0 }] }),
    says: 'early[0].count',
  },
  {
    fact: 'results before the end that are not told when',
    object: windowed({ tumbling: { size: '1h' }, early: [] }),
    says: 'window.early',
  },
  {
    fact: 'windows that are kept for no time',
    object: windowed({ tumbling: { size: '1h' }, allowedLateness: '0s' }),
    says: ['allowedLateness is no time at all'],
  },
  {
    fact: 'a watermark of their key for windows that have results before their end',
    object: windowed({ tumbling: { size: '1h' }, keyWatermark: { closeAfter: '1d' }, early: [{ count: 5 }] }),
    says: 'keyWatermark goes with tumbling, sliding or session alone',
  },
  {
    fact: 'a watermark of their key for windows that wait for late events',
    object: windowed({ session: { gap: '1h' }, keyWatermark: { closeAfter: '1d' }, allowedLateness: '1h' }),
    says: 'give more time by maxOutOfOrder',
  },
  {
    fact: 'a watermark of their key for windows by count',
    object: windowed({ count: { size: 5 }, keyWatermark: { closeAfter: '1d' } }),
    says: 'keyWatermark goes with tumbling, sliding or session alone',
  },
  {
    fact: 'keys that are quiet at once',
    object: windowed({ tumbling: { size: '1h' }, keyWatermark: { closeAfter: '0s' } }),
    says: ['keyWatermark', 'closeAfter is no time at all'],
  },
  {
    fact: 'a watermark of their key for windows by the clock',
    object: keyed({ processingTime: {}, window: { tumbling: { size: '1h' }, keyWatermark: { closeAfter: '1d' } }, aggregate }),
    says: 'with processingTime the clock closes windows: remove keyWatermark',
  },
  {
    fact: 'a way of correcting windows that there is not',
    object: windowed({ tumbling: { size: '1h' }, allowedLateness: '1h', accumulation: 'forgetting' }),
    says: 'window.accumulation',
  },
  { fact: 'dedupe for no time', object: keyed({ dedupe: { ttl: '0d' } }), says: ['dedupe', 'ttl is no time at all'] },
  {
    fact: 'a join without a bound',
    object: keyed({ join: { with: 'events' } }),
    says: 'a join has exactly one of within, window, temporal, table: without a bound both sides would be kept for ever',
  },
  {
    fact: 'a join with two bounds',
    object: keyed({ join: { with: 'events', within: '1h', temporal: {} } }),
    says: 'a join has exactly one of within, window, temporal',
  },
  {
    fact: 'a temporal join for rows without an event',
    object: keyed({ join: { with: 'events', temporal: {}, type: 'full' } }),
    says: 'a temporal join is inner or left',
  },
  {
    fact: 'a window of a join that is of no kind',
    object: keyed({ join: { with: 'events', window: {} } }),
    says: 'the window of a join has exactly one of tumbling, sliding',
  },
  {
    fact: 'windows of a join with gaps between them',
    object: keyed({ join: { with: 'events', window: { sliding: { size: '1m', every: '1h' } } } }),
    says: 'events between windows of the join would have no match; every is at most size',
  },
  {
    fact: 'a window of a join of no size',
    object: keyed({ join: { with: 'events', window: { tumbling: { size: '0s' } } } }),
    says: ['join.window.tumbling', 'size is no time at all'],
  },
  {
    fact: 'sliding windows of a join of no size',
    object: keyed({ join: { with: 'events', window: { sliding: { size: '0s', every: '0s' } } } }),
    says: ['join.window.sliding', 'size is no time at all'],
  },
  {
    fact: 'windows of a join at every moment',
    object: keyed({ join: { with: 'events', window: { sliding: { size: '1s', every: '0s' } } } }),
    says: ['join.window.sliding', 'every is no time at all'],
  },
  {
    fact: 'rows of a temporal join that are valid for no time',
    object: keyed({ join: { with: 'events', temporal: { validFor: '0s' } } }),
    says: ['join.temporal', 'validFor is no time at all'],
  },
  {
    fact: 'a field n of a map that was not quoted',
    object: withStage({ map: { false: 'event.n' } }),
    says: ['map has a field named true or false', 'stages: added'],
  },
  {
    fact: 'a field y of a key that was not quoted',
    object: keyed({ keyBy: { true: 'event.y' }, aggregate }),
    says: 'keyBy has a field named true or false',
  },
  {
    fact: 'a field n of results that was not quoted',
    object: keyed({ aggregate: { false: { count: {} } } }),
    says: 'aggregate has a field named true or false',
  },
  {
    fact: 'a lifetime of the state of a window',
    object: withStage({ keyBy: 'event.id', window: { tumbling: { size: '1h' } }, aggregate, state: { ttl: '1d' } }),
    says: 'state goes with reduce, machine, aggregate without a window',
  },
  {
    fact: 'a migration of the state of an aggregate',
    object: keyed({ aggregate, migrate: [{ from: 1, to: 2, state: 'state' }] }),
    says: 'migrate goes with reduce and machine',
  },
  {
    fact: 'state that lives for no time',
    object: keyed({ aggregate, state: { ttl: '0s' } }),
    says: ['stages', 'ttl is no time at all'],
  },
  { fact: 'a machine with no states', object: keyed({ machine: { states: {} } }), says: 'a machine has at least one state' },
  {
    fact: 'a reducer without code',
    object: keyed({ reduce: { init: `@code:${'0'.repeat(32)}`, step: `@code:${'1'.repeat(32)}` } }),
    says: ['stage "added"', 'is code, and the job has none (spec.code)'],
  },
];
