// Jobs in YAML and in TypeScript that are the same: rows of equality.test.ts.

import {
  approxDistinct,
  collect,
  count,
  distinct,
  first,
  heavyHitters,
  last,
  max,
  mean,
  min,
  quantiles,
} from '../../runtime/job/aggregates.ts';
import { reservoir, stddev, sum, top, variance } from '../../runtime/job/aggregates.ts';
import { cel } from '../../runtime/job/cel.ts';
import { from, type JobOptions, type JobParts } from '../../runtime/job/job.ts';
import type { DeclaredMachine } from '../../runtime/job/machine-type.ts';
import { file, nats } from '../../runtime/job/source.ts';
import type { Stream } from '../../runtime/job/stream.ts';
import { countWindow, globalWindow, session, sliding, tumbling } from '../../runtime/job/window.ts';

export type Row = { readonly fact: string; readonly yaml: string; readonly options?: JobOptions; readonly declare: (j: JobParts) => void };
type Any = Record<string, unknown>;

const S = '  sources: [{ name: s, nats: { subjects: [s] }, eventTime: { at: event.at } }]\n';
const S_T = `  sources:
    - { name: s, nats: { subjects: [s] }, eventTime: { at: event.at } }
    - { name: t, nats: { subjects: [t] }, eventTime: { at: event.at } }
`;
const source = (j: JobParts, name = 's'): Stream<Any> => j.source(name, nats<Any>({ subjects: [name], eventTime: { at: 'at' } }));
const sink = (of: string): string => `  sinks: [{ name: out, from: ${of}, nats: { subject: out } }]\n`;
const OUT = { name: 'out' };

/** A row of one stage `x`, in flow form, behind the source. */
function stage(fact: string, text: string, make: (s: Stream<Any>) => Stream<unknown>): Row {
  return {
    fact,
    yaml: `${S}  stages: [{ name: x, from: s, ${text} }]\n${sink('x')}`,
    declare: (j) => void make(source(j)).as('x').toNats('out', OUT),
  };
}

/** Of two streams. */
function joined(fact: string, text: string, make: (s: Stream<Any>, t: Stream<Any>) => Stream<unknown>): Row {
  return {
    fact,
    yaml: `${S_T}  stages: [{ name: x, from: s, keyBy: event.id, join: { with: t, ${text} } }]\n${sink('x')}`,
    declare: (j) => void make(source(j), source(j, 't')).as('x').toNats('out', OUT),
  };
}

/** Of one machine that both hand on as it is. */
function machine(
  fact: string,
  declared: object,
  { options = {}, more = {} }: { readonly options?: object; readonly more?: object } = {},
): Row {
  return {
    fact,
    yaml: `${S}  stages: [{ name: x, from: s, keyBy: event.id, machine: ${JSON.stringify({ ...declared, ...options })}, ${JSON.stringify(more).slice(1, -1)} }]\n${sink('x.o')}`,
    declare: (j) => {
      const { migrate, ...rest } = more as {
        readonly migrate?: readonly { readonly from: number; readonly to: number; readonly state: string }[];
      };
      const kept = migrate === undefined ? rest : { ...rest, migrate: migrate.map((one) => ({ ...one, state: cel(one.state) })) };
      source(j)
        .keyBy('id')
        .machine(declared as DeclaredMachine, { ...options, ...kept })
        .as('x')
        .output('o')
        .toNats('out', OUT);
    },
  };
}

const keyed = (s: Stream<Any>) => s.keyBy('id');
const emit = { emit: { output: 'o', value: { id: 'key' } } };

export const rows: readonly Row[] = [
  {
    fact: 'options of a job',
    yaml: `  description: what it is
  parameters: [{ name: where, default: here, description: a place }]
  partitions: 3
  standbyReplicas: 1
  state: { memory: 64Mi, disk: 1Gi }
  pools: [{ name: big, stages: [x], replicas: 2 }]
  sources: [{ name: s, nats: { subjects: [s.here] } }]
  stages: [{ name: x, from: s, keyBy: event.id, partitions: 5, aggregate: { n: { count: {} } } }]
${sink('x')}`,
    options: {
      description: 'what it is',
      partitions: 3,
      standbyReplicas: 1,
      state: { memory: '64Mi', disk: '1Gi' },
      pools: [{ name: 'big', stages: ['x'], replicas: 2 }],
    },
    declare: (j) => {
      const where = j.parameter('where', { default: 'here', description: 'a place' });
      j.source('s', nats<Any>({ subjects: [`s.${where}`] }))
        .keyBy('id', { partitions: 5 })
        .aggregate({ n: count() })
        .as('x')
        .toNats('out', OUT);
    },
  },
  {
    fact: 'sources and sinks',
    yaml: `  sources:
    - { name: f, file: { path: f.csv.gz, format: csv, compression: gzip, nulls: [NA] }, schema: { id: { type: string, nullable: true, description: who }, at: timestamp }, eventTime: { at: event.at, maxOutOfOrder: 5s, maxAhead: 1d }, maxEventBytes: 1000 }
    - { name: s, nats: { stream: S, subjects: [a, b], startFrom: latest, bounded: true, format: ndjson }, eventTime: { at: event.at, watermark: event.w }, idle: { after: 5s, closeAfter: 1m }, alignment: { maxDrift: 1m, group: g } }
  stages: [{ name: x, from: [f, s], map: event }]
  sinks:
    - { name: out, from: x, file: { path: out.ndjson } }
    - { name: told, from: x, nats: { subject: told, stream: TOLD, batch: 5 } }
    - { name: kept, from: x, journal: {} }
`,
    declare: (j) => {
      const f = j.source(
        'f',
        file({
          path: 'f.csv.gz',
          format: 'csv',
          compression: 'gzip',
          nulls: ['NA'],
          schema: { id: { type: 'string', nullable: true, description: 'who' }, at: 'timestamp' },
          eventTime: { at: cel('event.at'), maxOutOfOrder: '5s', maxAhead: '1d' },
          maxEventBytes: 1_000,
        }),
      );
      const s = j.source(
        's',
        nats<Any>({
          stream: 'S',
          subjects: ['a', 'b'],
          startFrom: 'latest',
          bounded: true,
          format: 'ndjson',
          eventTime: { at: 'at', watermark: cel('event.w') },
          idle: { after: '5s', closeAfter: '1m' },
          alignment: { maxDrift: '1m', group: 'g' },
        }),
      );
      from(f, s)
        .map(cel('event'))
        .as('x')
        .toFile('out.ndjson', OUT)
        .toNats('told', { name: 'told', stream: 'TOLD', batch: 5 })
        .toJournal({ name: 'kept' });
    },
  },
  {
    fact: 'tables of files, and enrich',
    yaml: `${S}  tables: [{ name: r, file: { path: r.csv, format: csv, compression: none, nulls: [''] }, schema: { id: string, v: { type: timestamp, nullable: true, description: since } }, key: row.id, at: row.v, validFor: 1d }]
  stages: [{ name: x, from: s, enrich: [{ table: r, key: event.id, at: event.at, as: row, when: event.n > 1 }] }]
${sink('x')}`,
    declare: (j) => {
      const r = j.table(
        'r',
        file({
          path: 'r.csv',
          format: 'csv',
          compression: 'none',
          nulls: [''],
          schema: { id: 'string', v: { type: 'timestamp', nullable: true, description: 'since' } },
        }),
        { key: 'id', at: cel('row.v'), validFor: '1d' },
      );
      source(j)
        .enrich({ row: r.lookup<Any, ReturnType<typeof cel<boolean>>>({ key: 'id', at: cel('event.at'), when: cel('event.n > 1') }) })
        .as('x')
        .toNats('out', OUT);
    },
  },
  {
    fact: 'tables that follow a stream',
    yaml: `  sources:
    - { name: s, nats: { subjects: [s] }, eventTime: { at: event.at } }
    - { name: t, nats: { subjects: [t] }, eventTime: { at: event.at } }
    - { name: f, file: { path: f.ndjson }, eventTime: { at: event.at } }
  tables:
    - { name: a, from: t, bootstrap: f, key: row.id, deleted: row.gone, asOf: eventTime, maxWaiting: 7 }
    - { name: b, from: t, key: row.id, asOf: latest }
    - { name: c, from: t, key: row.id, at: row.since, validFor: 1d, keepFor: 2d, deleted: row.gone }
  stages:
    - { name: x, from: s, enrich: [{ table: a, key: event.id, as: row }, { table: c, key: event.id, at: event.b, as: version }] }
    - { name: y, from: s, keyBy: event.id, tables: [b], machine: { initial: a, states: { a: { on: { go: { actions: [{ emit: { output: o, value: { id: key } } }] } } } } } }
  sinks: [{ name: out, from: x, nats: { subject: out } }, { name: more, from: y.o, nats: { subject: more } }]
`,
    declare: (j) => {
      const [s, t] = [source(j), source(j, 't')];
      const f = j.source('f', file<Any>({ path: 'f.ndjson', eventTime: { at: 'at' } }));
      const a = j.table<Any>('a', t, { key: 'id', deleted: cel('row.gone'), asOf: 'eventTime', maxWaiting: 7, bootstrap: f });
      const b = j.table<Any>('b', t, { key: 'id', asOf: 'latest' });
      const c = j.table<Any>('c', t, { key: 'id', at: 'since', validFor: '1d', keepFor: '2d', deleted: cel('row.gone') });
      s.enrich({ row: a.lookup({ key: 'id' }), version: c.lookup({ key: 'id', at: 'b' }) })
        .as('x')
        .toNats('out', OUT);
      s.keyBy('id')
        .machine({ initial: 'a', states: { a: { on: { go: { actions: [emit] } } } } } as DeclaredMachine, { tables: [b] })
        .as('y')
        .output('o')
        .toNats('more', { name: 'more' });
    },
  },
  stage('filter and map of fields', 'filter: event.n > 1, map: { n: event.n + 1 }, onError: { then: stopJob }', (s) =>
    s
      .filter(cel('event.n > 1'))
      .map({ n: cel('event.n + 1') })
      .onError({ then: 'stopJob' }),
  ),
  stage('flatMap by cases', 'flatMap: [{ when: event.n > 1, emit: { n: event.n } }, { emit: event }]', (s) =>
    s.flatMap([{ when: cel('event.n > 1'), emit: { n: cel('event.n') } }, { emit: cel('event') }]),
  ),
  stage('event time anew', 'eventTime: { at: event.b, maxOutOfOrder: 1s, maxAhead: 2d }', (s) =>
    s.eventTime({ at: 'b', maxOutOfOrder: '1s', maxAhead: '2d' }),
  ),
  stage('event time with a watermark of its own', 'eventTime: { at: event.b, watermark: event.w }', (s) =>
    s.eventTime({ at: 'b', watermark: cel('event.w') }),
  ),
  stage('sample', 'sample: { ratio: 0.5, by: event.id }', (s) => s.sample(0.5, { by: cel('event.id') })),
  stage('rateLimit', 'rateLimit: { perSecond: 5, burst: 9, per: stage }', (s) => s.rateLimit(5, { burst: 9, per: 'stage' })),
  stage(
    'validate',
    'validate: { schema: { n: int, t: { type: string, nullable: true, description: a text } }, coerce: true, others: remove, rules: [{ holds: event.n > 1, message: too few }] }',
    (s) =>
      s.validate({
        schema: { n: 'int', t: { type: 'string', nullable: true, description: 'a text' } },
        coerce: true,
        others: 'remove',
        rules: [{ holds: cel('event.n > 1'), message: 'too few' }],
      }),
  ),
  stage('compress', 'compress: { field: a, codec: zstd, to: bytes }', (s) => s.compress('a', { codec: 'zstd', to: 'bytes' })),
  stage('decompress', 'decompress: { field: a, codec: brotli, to: json, bytesMax: 77 }', (s) =>
    s.decompress('a', { codec: 'brotli', to: 'json', bytesMax: 77 }),
  ),
  {
    fact: 'branch',
    yaml: `${S}  stages: [{ name: x, from: s, branch: { outputs: [{ name: a, when: event.n > 1 }, { name: b }], match: all } }]\n${sink('[x.a, x.b]')}`,
    declare: (j) => {
      const x = source(j)
        .branch({ a: cel('event.n > 1'), b: true }, { match: 'all' })
        .as('x');
      from(x.output('a'), x.output('b')).toNats('out', OUT);
    },
  },
  stage('keys of named parts, every aggregate', `keyBy: { k: event.id, p: event.p }, aggregate: ${JSON.stringify(aggregates())}`, (s) =>
    s.keyBy({ k: cel('event.id'), p: cel('event.p') }).aggregate({
      n: count({ where: cel('event.n > 1') }),
      sum: sum(cel('event.n')),
      min: min(cel('event.n')),
      max: max(cel('event.n')),
      mean: mean(cel('event.n')),
      variance: variance(cel('event.n')),
      stddev: stddev(cel('event.n')),
      first: first(cel('event.n')),
      last: last(cel('event.n')),
      collect: collect(cel('event.n')),
      distinct: distinct(cel('event.n')),
      approxDistinct: approxDistinct(cel('event.n')),
      quantiles: quantiles([0.5, 0.9], cel('event.n')),
      heavyHitters: heavyHitters(0.1, cel('event.n')),
      reservoir: reservoir(5, cel('event.n')),
      top: top(3, { by: cel('event.n'), value: cel('event.id'), ties: true }),
    }),
  ),
  stage(
    'rows and state that expires',
    'keyBy: event.id, rows: { id: event.r, deleted: event.gone }, state: { ttl: 1d, onExpire: emit }, aggregate: { n: { count: {} } }',
    (s) => keyed(s).aggregate({ n: count() }, { rows: { id: 'r', deleted: cel('event.gone') }, state: { ttl: '1d', onExpire: 'emit' } }),
  ),
  stage('changelog', 'keyBy: event.id, changelog: { deleted: event.gone }', (s) => keyed(s).changelog({ deleted: cel('event.gone') })),
  stage('dedupe by the clock', 'keyBy: event.id, processingTime: { missed: skip, missedAfter: 3s }, dedupe: { ttl: 1d }', (s) =>
    keyed(s).processingTime({ missed: 'skip', missedAfter: '3s' }).dedupe('1d'),
  ),
  ...windows(),
  joined('interval join', 'key: event.other, type: full, within: 5m, select: { l: left.n, r: right.n }', (s, t) =>
    keyed(s).join(t.keyBy('other'), { within: '5m', type: 'full', select: { l: cel('left.n'), r: cel('right.n') } }),
  ),
  joined('join of tumbling windows', 'window: { tumbling: { size: 1h, offset: 5m } }', (s, t) =>
    keyed(s).join(keyed(t), { window: tumbling('1h', { offset: '5m' }) }),
  ),
  joined('join of sliding windows', 'window: { sliding: { size: 1h, every: 10m, offset: 5m } }', (s, t) =>
    keyed(s).join(keyed(t), { window: sliding('1h', '10m', { offset: '5m' }) }),
  ),
  joined('temporal join', 'type: left, temporal: { grace: 5s, deleted: event.gone, validFor: 1d }', (s, t) =>
    keyed(s).join(keyed(t), { type: 'left', temporal: { grace: '5s', deleted: cel('event.gone'), validFor: '1d' } }),
  ),
  joined(
    'join of tables',
    'type: left, table: { left: { id: event.l, deleted: event.gone }, right: { id: event.r, deleted: event.gone }, emit: changes }',
    (s, t) =>
      keyed(s).join(keyed(t), {
        type: 'left',
        table: { left: { id: 'l', deleted: cel('event.gone') }, right: { id: 'r', deleted: cel('event.gone') }, emit: 'changes' },
      }),
  ),
  stage(
    'lookup',
    `keyBy: event.id, lookup: { http: { url: '"http://a/" + event.id', query: { q: event.q }, method: POST, headers: { h: event.h }, secretHeaders: { authorization: { env: TOKEN, prefix: 'Bearer ' } }, body: event }, as: answer, ordered: false, maxInFlight: 5, timeout: 1s, retries: 2, backoff: 1s, backoffMax: 2s, cache: { size: 9, ttl: 1m }, breaker: { failures: 3, openFor: 5s } }`,
    (s) =>
      keyed(s).lookup({
        http: {
          url: cel('"http://a/" + event.id'),
          query: { q: cel('event.q') },
          method: 'POST',
          headers: { h: cel('event.h') },
          secretHeaders: { authorization: { env: 'TOKEN', prefix: 'Bearer ' } },
          body: cel('event'),
        },
        as: 'answer',
        ordered: false,
        maxInFlight: 5,
        timeout: '1s',
        retries: 2,
        backoff: '1s',
        backoffMax: '2s',
        cache: { size: 9, ttl: '1m' },
        breaker: { failures: 3, openFor: '5s' },
      }),
  ),
  stage(
    'pattern',
    'keyBy: event.id, pattern: { steps: [{ name: a, where: event.n > 1, times: { min: 1, max: 3 }, greedy: true, until: event.n > 9 }, { name: b, contiguity: next, optional: true, within: 1m }, { name: g, contiguity: followedBy, times: { min: 1, max: 2 }, inner: next, steps: [{ name: c, where: size(matched.a) > 1 }] }], within: 1h, afterMatch: skipToLast, skipTo: a, partialMatchesMax: 50, select: { n: size(matched.a) } }',
    (s) =>
      keyed(s).pattern({
        steps: [
          { name: 'a', where: cel('event.n > 1'), times: { min: 1, max: 3 }, greedy: true, until: cel('event.n > 9') },
          { name: 'b', contiguity: 'next', optional: true, within: '1m' },
          {
            name: 'g',
            contiguity: 'followedBy',
            times: { min: 1, max: 2 },
            inner: 'next',
            steps: [{ name: 'c', where: cel('size(matched.a) > 1') }],
          },
        ],
        within: '1h',
        afterMatch: 'skipToLast',
        skipTo: 'a',
        partialMatchesMax: 50,
        select: { n: cel('size(matched.a)') },
      }),
  ),
  {
    fact: 'what is there before',
    yaml: `  sources:
    - { name: s, nats: { subjects: [s] }, eventTime: { at: event.at } }
    - { name: f, file: { path: f.ndjson }, eventTime: { at: event.at } }
  stages: [{ name: x, from: s, keyBy: event.id, bootstrap: [f], aggregate: { n: { count: {} } } }]
${sink('x')}`,
    declare: (j) => {
      const s = source(j);
      const f = j.source('f', file<Any>({ path: 'f.ndjson', eventTime: { at: 'at' } }));
      s.keyBy('id').bootstrap(f).aggregate({ n: count() }).as('x').toNats('out', OUT);
    },
  },
  {
    fact: 'what comes back',
    yaml: `${S}  stages:
    - { name: x, from: s, keyBy: event.id, feedback: { from: y, maxRounds: 3 }, aggregate: { n: { count: {} } } }
    - { name: y, from: x, filter: event.n < 3, map: event }
${sink('x')}`,
    declare: (j) => {
      const key = source(j).keyBy('id');
      const x = key.aggregate({ n: count() }).as('x');
      const y = x.filter(cel('event.n < 3')).map(cel('event')).as('y');
      key.feedback(y as unknown as Stream<Any>, { maxRounds: 3 });
      x.toNats('out', OUT);
    },
  },
  machine(
    'a machine: every action, every kind of transition',
    {
      eventType: 'event.type',
      context: { n: 0 },
      initial: 'a',
      entry: [{ assign: { n: 'context.n + 1' } }],
      exit: [emit],
      on: { '*': { actions: [emit] }, reset: [{ target: '.a', guard: 'context.n > 1', reenter: true, actions: [{ cancel: '"later"' }] }] },
      states: {
        a: {
          entry: [{ raise: { type: 'tick', data: { n: '1' }, delay: '5m', id: '"later"' } }],
          exit: [{ sendTo: { key: 'event.other', type: 'told', data: { n: '2' }, delay: '1m', id: '"other"' } }],
          on: { go: { target: 'b', guard: 'event.n > 1', reenter: true, actions: [emit, { cancel: '"later"' }] }, tick: 'b', told: 'b' },
          after: { '1h': { target: 'b', guard: 'context.n > 1', reenter: true, actions: [emit] } },
          always: { target: 'b', guard: 'context.n > 100', reenter: true, actions: [emit] },
        },
        b: {
          type: 'compound',
          initial: 'c',
          onDone: { target: 'a', guard: 'context.n > 2', reenter: true, actions: [emit] },
          states: { c: { on: { go: 'd' } }, d: { type: 'final' }, h: { type: 'history', history: 'deep', target: 'c' } },
          on: { back: '.h' },
        },
      },
    },
    {
      options: { order: 'eventTime', unhandled: 'ignore', stateBytesMax: 999 },
      more: { state: { ttl: '2d', onExpire: 'drop' }, migrate: [{ from: 1, to: 2, state: '{"n": state.n}' }] },
    },
  ),
];

function windows(): readonly Row[] {
  const of = (fact: string, window: string, make: (s: Stream<Any>) => Stream<unknown>, more = ''): Row =>
    stage(fact, `keyBy: event.id, window: ${window}, aggregate: { n: { count: {} } }${more}`, make);
  return [
    of(
      'tumbling windows with panes',
      '{ tumbling: { size: 1h, offset: 5m }, early: [{ every: 1m, processingTime: 5s, count: 3, when: event.n > 1, once: true }], allowedLateness: 1d, accumulation: retracting, preAggregate: false }',
      (s) =>
        keyed(s)
          .window(
            tumbling('1h', {
              offset: '5m',
              early: [{ every: '1m', processingTime: '5s', count: 3, when: cel('event.n > 1'), once: true }],
              allowedLateness: '1d',
              accumulation: 'retracting',
              preAggregate: false,
            }),
          )
          .aggregate({ n: count() }),
    ),
    of('sliding windows', '{ sliding: { size: 1h, every: 10m, offset: 5m } }', (s) =>
      keyed(s)
        .window(sliding('1h', '10m', { offset: '5m' }))
        .aggregate({ n: count() }),
    ),
    of('sessions with a watermark for each key', '{ session: { gap: 5m }, keyWatermark: { maxOutOfOrder: 1s, closeAfter: 1h } }', (s) =>
      keyed(s)
        .window(session('5m', { keyWatermark: { maxOutOfOrder: '1s', closeAfter: '1h' } }))
        .aggregate({ n: count() }),
    ),
    of(
      'windows by count with a time bound',
      '{ count: { size: 9, orAfter: 1h, order: eventTime } }',
      (s) =>
        keyed(s)
          .window(countWindow(9, { orAfter: '1h', order: 'eventTime' }))
          .aggregate({ n: count() }, { state: { ttl: '1d' } }),
      ', state: { ttl: 1d }',
    ),
    of('windows by count that overlap', '{ count: { size: 9, every: 3 } }', (s) =>
      keyed(s)
        .window(countWindow(9, { every: 3 }))
        .aggregate({ n: count() }),
    ),
    of('the global window', '{ global: {}, early: [{ count: 5 }], accumulation: discarding }', (s) =>
      keyed(s)
        .window(globalWindow<Any>({ early: [{ count: 5 }], accumulation: 'discarding' }))
        .aggregate({ n: count() }),
    ),
  ];
}

function aggregates(): object {
  const plain = ['sum', 'min', 'max', 'mean', 'variance', 'stddev', 'first', 'last', 'collect', 'distinct', 'approxDistinct'];
  return {
    n: { count: {}, where: 'event.n > 1' },
    ...Object.fromEntries(plain.map((name) => [name, { [name]: 'event.n' }])),
    quantiles: { quantiles: { of: 'event.n', at: [0.5, 0.9] } },
    heavyHitters: { heavyHitters: { of: 'event.n', share: 0.1 } },
    reservoir: { reservoir: { of: 'event.n', size: 5 } },
    top: { top: { limit: 3, by: 'event.n', value: 'event.id', ties: true } },
  };
}
