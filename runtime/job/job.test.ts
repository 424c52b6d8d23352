// What each way of writing it becomes in the graph value; what is refused, all at once.

import { expect, test } from 'vitest';
import { BadDeclaration } from '../base/issues.ts';
import { approxDistinct, count, mean, quantiles, stddev, variance } from './aggregates.ts';
import { cel } from './cel.ts';
import type { JobParts } from './job.ts';
import { from, job } from './job.ts';
import { file, nats } from './source.ts';
import type { Stream } from './stream.ts';
import { countWindow, globalWindow, session, sliding, tumbling } from './window.ts';

type Click = { user: string; page: string; ms: number; at: number };
type Parts = JobParts & { readonly clicks: Stream<Click> };

function build(declare: (parts: Parts) => void) {
  return job('test', (j) =>
    declare({
      ...j,
      source: j.source.bind(j),
      table: j.table.bind(j),
      parameter: j.parameter.bind(j),
      clicks: j.source('clicks', file<Click>({ path: 'clicks.ndjson' })),
    }),
  ).build();
}
const isLong = (click: Click): boolean => click.ms > 100;
const pageOf = (click: Click): string => click.page;
const startOf = (match: { startMs: number }): number => match.startMs;

test.each<{ fact: string; declare: (parts: Parts) => void; stages: unknown[] }>([
  {
    fact: 'a verb is a stage named after its input',
    declare: ({ clicks }) => clicks.map({ page: pageOf }),
    stages: [{ name: 'clicks-map', from: 'clicks', map: { page: pageOf } }],
  },
  {
    fact: 'as() names the stage made last',
    declare: ({ clicks }) => clicks.map(pageOf).as('pages').sample(0.5),
    stages: [
      { name: 'pages', from: 'clicks', map: pageOf },
      { name: 'pages-sample', from: 'pages', sample: { ratio: 0.5 } },
    ],
  },
  {
    fact: 'equal siblings are numbered in the order of declaration',
    declare: ({ clicks }) => [clicks.map(pageOf), clicks.map(pageOf), clicks.map(pageOf)],
    stages: ['clicks-map', 'clicks-map-2', 'clicks-map-3'].map((name) => ({ name, from: 'clicks', map: pageOf })),
  },
  {
    fact: 'a derived name steps aside for one that was given later',
    declare: ({ clicks }) => [clicks.map(pageOf), clicks.map(pageOf).as('clicks-map')],
    stages: ['clicks-map-2', 'clicks-map'].map((name) => ({ name, from: 'clicks', map: pageOf })),
  },
  {
    fact: 'a filter belongs to each verb that reads it',
    declare: ({ clicks }) => {
      const long = clicks.filter(isLong);
      long.map(pageOf).as('pages');
      long.keyBy('user').dedupe('1h').as('once');
    },
    stages: [
      { name: 'pages', from: 'clicks', filter: isLong, map: pageOf },
      { name: 'once', from: 'clicks', filter: isLong, keyBy: 'event.user', dedupe: { ttl: '1h' } },
    ],
  },
  {
    fact: 'a filter that is named, filtered again or read by sinks is one stage of its own',
    declare: ({ clicks }) => clicks.filter(isLong).as('long').filter(isLong).filter(isLong).toFile('a').toJournal(),
    stages: [
      { name: 'long', from: 'clicks', filter: isLong },
      { name: 'long-filter', from: 'long', filter: isLong },
      { name: 'long-filter-filter', from: 'long-filter', filter: isLong },
    ],
  },
  {
    fact: 'several streams are merged by from()',
    declare: ({ clicks }) => from(clicks, clicks.map((click) => click).as('again')).map(pageOf),
    stages: [
      { name: 'again', from: 'clicks', map: expect.any(Function) },
      { name: 'clicks-map', from: ['clicks', 'again'], map: pageOf },
    ],
  },
  {
    fact: 'flatMap takes cases',
    declare: ({ clicks }) => clicks.flatMap([{ when: isLong, emit: { page: pageOf } }, { emit: cel('event') }]),
    stages: [{ name: 'clicks-flat-map', from: 'clicks', flatMap: [{ when: isLong, emit: { page: pageOf } }, { emit: 'event' }] }],
  },
  {
    fact: 'the key is a field, CEL, a function, or named parts',
    declare: ({ clicks }) => {
      clicks.keyBy('user', { partitions: 3 }).dedupe('1h');
      clicks.keyBy(cel('event.user + event.page')).dedupe('1h');
      clicks.keyBy(pageOf).dedupe('1h');
      clicks.keyBy({ page: pageOf, user: cel('event.user') }).dedupe('1h');
    },
    stages: [
      { keyBy: 'event.user', partitions: 3 },
      { keyBy: 'event.user + event.page' },
      { keyBy: pageOf },
      { keyBy: { page: pageOf, user: 'event.user' } },
    ].map((key, i) => ({
      name: i === 0 ? 'clicks-dedupe' : `clicks-dedupe-${i + 1}`,
      from: 'clicks',
      dedupe: { ttl: '1h' },
      ...key,
    })),
  },
  {
    fact: 'stages that work by the clock',
    declare: ({ clicks }) => {
      clicks.keyBy('user').processingTime().dedupe('1h');
      clicks
        .keyBy('user')
        .processingTime()
        .pattern({ within: '1m', steps: [{ name: 'one' }] });
      clicks.keyBy('user').processingTime().join(clicks.keyBy('user'), { within: '1m' });
      clicks
        .keyBy('user', { partitions: 2 })
        .processingTime({ missed: 'skip', missedAfter: '1m' })
        .reduce({ init: () => 0, step: (n) => n });
    },
    stages: [
      {
        name: 'clicks-dedupe',
        from: 'clicks',
        keyBy: 'event.user',
        processingTime: { missed: 'catchUp', missedAfter: '10s' },
        dedupe: { ttl: '1h' },
      },
      expect.objectContaining({ name: 'clicks-pattern', processingTime: { missed: 'catchUp', missedAfter: '10s' } }),
      expect.objectContaining({ name: 'clicks-join', processingTime: { missed: 'catchUp', missedAfter: '10s' } }),
      {
        name: 'clicks-reduce',
        from: 'clicks',
        keyBy: 'event.user',
        partitions: 2,
        processingTime: { missed: 'skip', missedAfter: '1m' },
        reduce: { init: expect.any(Function), step: expect.any(Function) },
      },
    ],
  },
  {
    fact: 'windows that are corrected after their end',
    declare: ({ clicks }) => {
      const byUser = clicks.keyBy('user');
      byUser
        .window(tumbling('1h', { offset: '5m', allowedLateness: '1d' }))
        .aggregate({ n: count() })
        .as('a');
      byUser
        .window(sliding('3h', '1h', { allowedLateness: '1d', accumulation: 'retracting' }))
        .aggregate({ n: count() })
        .as('b');
      byUser
        .window(session('30m', { allowedLateness: '1d', accumulation: 'accumulating' }))
        .aggregate({ n: count() })
        .as('c');
    },
    stages: [
      { name: 'a', window: { tumbling: { size: '1h', offset: '5m' }, allowedLateness: '1d' } },
      { name: 'b', window: { sliding: { size: '3h', every: '1h' }, allowedLateness: '1d', accumulation: 'retracting' } },
      { name: 'c', window: { session: { gap: '30m' }, allowedLateness: '1d', accumulation: 'accumulating' } },
    ].map((stage) => ({ from: 'clicks', keyBy: 'event.user', aggregate: { n: { count: {} } }, ...stage })),
  },
  {
    fact: 'windows with results before their end',
    declare: ({ clicks }) => {
      const byUser = clicks.keyBy('user');
      byUser
        .window(tumbling('1h', { early: [{ every: '5m' }, { count: 100, when: isLong, once: true }], accumulation: 'discarding' }))
        .aggregate({ n: count() })
        .as('a');
      byUser
        .window(globalWindow({ early: [{ when: cel('event.duration > 5') }], accumulation: 'retracting' }))
        .aggregate({ n: count() })
        .as('b');
      byUser
        .window(countWindow(5, { every: 2 }))
        .aggregate({ n: count() })
        .as('c');
      byUser
        .window(countWindow(5, { orAfter: '5m', order: 'eventTime' }))
        .aggregate({ n: count() })
        .as('d');
    },
    stages: [
      {
        name: 'a',
        window: {
          tumbling: { size: '1h' },
          accumulation: 'discarding',
          early: [
            { every: '5m', once: false },
            { count: 100, when: isLong, once: true },
          ],
        },
      },
      { name: 'b', window: { global: {}, accumulation: 'retracting', early: [{ when: 'event.duration > 5', once: false }] } },
      { name: 'c', window: { count: { size: 5, every: 2, order: 'arrival' } } },
      { name: 'd', window: { count: { size: 5, orAfter: '5m', order: 'eventTime' } } },
    ].map((stage) => ({ from: 'clicks', keyBy: 'event.user', aggregate: { n: { count: {} } }, ...stage })),
  },
  {
    fact: 'figures that are about right, and how far values spread',
    declare: ({ clicks }) =>
      clicks
        .keyBy('user')
        .aggregate({
          pages: approxDistinct((click) => click.page),
          ms: quantiles([0.5, 0.99], (click) => click.ms, { where: cel('event.ms > 0') }),
          spread: variance(cel('event.ms')),
          deviation: stddev(cel('event.ms')),
        })
        .as('figures'),
    stages: [
      {
        name: 'figures',
        from: 'clicks',
        keyBy: 'event.user',
        aggregate: {
          pages: { approxDistinct: expect.any(Function) },
          ms: { quantiles: { of: expect.any(Function), at: [0.5, 0.99] }, where: 'event.ms > 0' },
          spread: { variance: 'event.ms' },
          deviation: { stddev: 'event.ms' },
        },
      },
    ],
  },
  {
    fact: 'windows and aggregates',
    declare: ({ clicks }) => {
      const byUser = clicks.keyBy('user');
      byUser
        .window(tumbling('1h', { offset: '5m' }))
        .aggregate({ n: count({ where: isLong }) })
        .as('a');
      byUser
        .window(sliding('3h', '1h'))
        .aggregate({ ms: mean((click) => click.ms) })
        .as('b');
      byUser
        .window(session('30m'))
        .aggregate({ ms: mean(cel('event.ms')) })
        .as('c');
      byUser.aggregate({ n: count() }).as('d');
    },
    stages: [
      { name: 'a', window: { tumbling: { size: '1h', offset: '5m' } }, aggregate: { n: { count: {}, where: isLong } } },
      { name: 'b', window: { sliding: { size: '3h', every: '1h' } }, aggregate: { ms: { mean: expect.any(Function) } } },
      { name: 'c', window: { session: { gap: '30m' } }, aggregate: { ms: { mean: 'event.ms' } } },
      { name: 'd', aggregate: { n: { count: {} } } },
    ].map((stage) => ({ from: 'clicks', keyBy: 'event.user', ...stage })),
  },
  {
    fact: 'a window has an output for late events',
    declare: ({ clicks }) => clicks.keyBy('user').window(session('30m')).aggregate({ n: count() }).as('visits').output('late').map(pageOf),
    stages: [
      { name: 'visits', from: 'clicks', keyBy: 'event.user', window: { session: { gap: '30m' } }, aggregate: { n: { count: {} } } },
      { name: 'visits-late-map', from: 'visits.late', map: pageOf },
    ],
  },
  {
    fact: 'a join names its right side, and its key only where it differs',
    declare: (j) => {
      const orders = j.source('orders', nats<{ user: string; buyer: string }>({ subjects: ['orders'] }));
      j.clicks.keyBy('user').join(orders.keyBy('user'), { within: '1h' }).as('a');
      j.clicks
        .keyBy('user')
        .join(orders.keyBy('buyer'), { within: '1h', type: 'left', select: { page: (l) => l.page } })
        .as('b');
    },
    stages: [
      { name: 'a', from: 'clicks', keyBy: 'event.user', join: { with: 'orders', within: '1h', type: 'inner' } },
      {
        name: 'b',
        from: 'clicks',
        keyBy: 'event.user',
        join: { with: 'orders', key: 'event.buyer', within: '1h', type: 'left', select: { page: expect.any(Function) } },
      },
    ],
  },
  {
    fact: 'a pattern keeps its functions, also those in groups',
    declare: ({ clicks }) =>
      clicks
        .keyBy('user')
        .pattern({
          within: '1h',
          steps: [
            { name: 'first', where: isLong },
            { name: 'visit', times: { min: 1 }, steps: [{ name: 'again', where: isLong, until: cel('event.page == "out"') }] },
          ],
          select: { n: (matched) => matched['again']?.length },
        })
        .as('visits')
        .output('timedOut')
        .map(startOf),
    stages: [
      {
        name: 'visits',
        from: 'clicks',
        keyBy: 'event.user',
        pattern: {
          within: '1h',
          afterMatch: 'noSkip',
          partialMatchesMax: 1_000,
          steps: [
            { name: 'first', where: isLong, optional: false, greedy: false },
            {
              name: 'visit',
              times: { min: 1 },
              optional: false,
              greedy: false,
              steps: [{ name: 'again', where: isLong, until: 'event.page == "out"', optional: false, greedy: false }],
            },
          ],
          select: { n: expect.any(Function) },
        },
      },
      { name: 'visits-timedout-map', from: 'visits.timedOut', map: startOf },
    ],
  },
  {
    fact: 'a lookup of a table becomes an enrich',
    declare: (j) => {
      const users = j.table('users', file<{ id: string; since: number }>({ path: 'users.csv', format: 'csv' }), {
        key: 'id',
        at: 'since',
        validFor: '1d',
      });
      j.clicks.enrich({ who: users.lookup({ key: 'user', at: 'at', when: isLong }) });
    },
    stages: [
      { name: 'clicks-enrich', from: 'clicks', enrich: [{ table: 'users', as: 'who', key: 'event.user', at: 'event.at', when: isLong }] },
    ],
  },
  {
    fact: 'events that say the watermark themselves',
    declare: (j) => {
      const marks = j.source('marks', file<{ at: number; isMark: boolean }>({ path: 'x' }));
      marks.eventTime({ at: 'at', watermark: cel('event.isMark ? event.at : null') });
      marks.eventTime({ at: 'at', watermark: ({ at, isMark }) => (isMark ? at : null) });
    },
    stages: [
      {
        name: 'marks-event-time',
        from: 'marks',
        eventTime: { at: 'event.at', maxOutOfOrder: '0s', watermark: 'event.isMark ? event.at : null' },
      },
      { name: 'marks-event-time-2', from: 'marks', eventTime: { at: 'event.at', maxOutOfOrder: '0s', watermark: expect.any(Function) } },
    ],
  },
  {
    fact: 'a field that is no identifier is written with brackets',
    declare: (j) => j.source('odd', file<{ 'a-b': number }>({ path: 'x' })).eventTime({ at: 'a-b', maxOutOfOrder: '1m' }),
    stages: [{ name: 'odd-event-time', from: 'odd', eventTime: { at: 'event["a-b"]', maxOutOfOrder: '1m' } }],
  },
])('$fact', ({ declare, stages }) => {
  expect(build(declare).spec.stages).toEqual(stages);
});

test('sinks are named after what they read, and numbered', () => {
  const { sinks } = build(({ clicks }) => {
    clicks.toFile('a').toFile('b').toNats('c.d', { batch: 10 }).toJournal().toNats('e', { name: 'chosen' });
    clicks.keyBy('user').machine(lamp).as('lamps').output('Turned_on').toFile('on');
  }).spec;
  expect(sinks).toEqual([
    { name: 'clicks-file', from: 'clicks', file: { path: 'a', format: 'ndjson' } },
    { name: 'clicks-file-2', from: 'clicks', file: { path: 'b', format: 'ndjson' } },
    { name: 'clicks-subject', from: 'clicks', nats: { subject: 'c.d', batch: 10 } },
    { name: 'clicks-journal', from: 'clicks', journal: {} },
    { name: 'chosen', from: 'clicks', nats: { subject: 'e', batch: 1 } },
    { name: 'turned-on-file', from: 'lamps.Turned_on', file: { path: 'on', format: 'ndjson' } },
  ]);
});
const lamp = { initial: 'off', states: { off: { on: { click: { actions: [{ emit: { output: 'Turned_on', value: 'event' } }] } } } } };

test('build gives equal values every time', () => {
  const twice = job(
    'twice',
    (j) =>
      void j
        .source('a', file({ path: 'a' }))
        .map({ x: cel('1') })
        .toFile('b'),
  );
  expect(twice.build()).toEqual(twice.build());
});

test('a parameter stands in any text of the job', () => {
  const declared = job('p', (j) => void j.source('a', file({ path: `${j.parameter('dir', { default: 'data' })}/a.ndjson` })).toFile('b'));
  expect(declared.build().spec.sources[0]?.file?.path).toBe('data/a.ndjson');
  expect(declared.build({ dir: 'other' }).spec.sources[0]?.file?.path).toBe('other/a.ndjson');
});

test.each<{ fact: string; declare: (parts: Parts) => void; mistakes: string[] }>([
  {
    fact: 'nothing follows a filter, a key or a window',
    declare: ({ clicks }) => {
      clicks.filter(isLong);
      clicks.keyBy('user').window(tumbling('1h'));
      clicks.keyBy('user');
    },
    mistakes: [
      'clicks.filter: nothing follows this filter',
      'clicks.window: nothing follows this window',
      'clicks.keyBy: nothing follows this keyBy',
    ],
  },
  {
    fact: 'names are given twice, to what has one, or are no names',
    declare: ({ clicks }) => {
      clicks.as('other');
      clicks.map(pageOf).as('clicks');
      clicks.map(pageOf).as('a').as('b');
      clicks.map(pageOf).as('Not A Name');
    },
    mistakes: ['there is no stage to name here', 'already named "a"', 'the name "clicks" was given twice', 'stage "Not A Name": '],
  },
  {
    fact: 'a derived name grows too long',
    declare: ({ clicks }) => Array.from({ length: 15 }).reduce<Stream<Click>>((stream) => stream.map((click) => click), clicks),
    mistakes: ['the derived name "clicks-map-', 'has 66 characters, more than 63'],
  },
  {
    fact: 'streams of two jobs are mixed',
    declare: ({ clicks }) => {
      job('other', (other) => {
        const foreign = other.source('foreign', file<Click>({ path: 'x' }));
        from(clicks, foreign).map(pageOf);
        clicks.keyBy('user').join(foreign.keyBy('user'), { within: '1h' });
      });
    },
    mistakes: ['these streams belong to different jobs', 'the other side belongs to another job'],
  },
  {
    fact: 'a duration, a ratio and a subject are not as they must be',
    declare: ({ clicks }) => {
      clicks.keyBy('user').window(tumbling('an hour')).aggregate({ n: count() }).as('hours');
      clicks.sample(2).as('some');
      clicks.toNats('');
    },
    mistakes: ['stage "hours"', 'must be a duration', 'stage "some"', 'spec.sinks[0].nats.subject'],
  },
  {
    fact: 'a parameter has no value',
    declare: (j) => j.clicks.toFile(j.parameter('target')),
    mistakes: ['parameter "target" has no value', '--set target='],
  },
  {
    fact: 'a table is no file',
    declare: (j) => j.table('t', nats<Click>({ subjects: ['x'] }), { key: 'user' }),
    mistakes: ['a table is read from a file'],
  },
])('build tells all mistakes at once: $fact', ({ declare, mistakes }) => {
  const told = messageOf(() => build(declare));
  for (const mistake of mistakes) expect(told).toContain(mistake);
});

test('from JavaScript, what the types refuse is told by build', () => {
  const told = messageOf(() =>
    build(({ clicks }) => {
      const untyped = clicks as never as Record<string, (...args: unknown[]) => { aggregate(a: unknown): unknown }>;
      untyped['window']!(tumbling('1h')).aggregate({});
      untyped['dedupe']!('1h');
      (clicks.keyBy('user') as unknown as typeof untyped)['window']!().aggregate({});
      (clicks.keyBy('user') as unknown as typeof untyped)['join']!(clicks, {});
    }),
  );
  for (const part of [
    'window needs a key',
    'dedupe needs a key',
    'a window needs its type',
    'the other side of a join needs a key',
    'within',
  ])
    expect(told).toContain(part);
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof BadDeclaration) return error.message;
    throw error;
  }
  return 'no mistake was found';
}
