import { describe, expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { createMachine } from 'xstate';
import { markJob, planToJson } from '../job/code-marks.ts';
import { compareForUpgrade } from './compatibility.ts';
import type { PhysicalPlan } from './physical-plan.ts';
import { planJob } from './plan.ts';

type Spec = Readonly<Record<string, unknown>>;

const WINDOW: Spec = {
  name: 'hourly',
  from: 'rows',
  keyBy: 'event.id',
  window: { tumbling: { size: '1h' } },
  aggregate: { n: { count: {} }, total: { sum: 'event.n' } },
};
const DOORS: Spec = {
  name: 'doors',
  from: 'good',
  keyBy: 'event.door',
  machine: {
    context: { opened: 0 },
    initial: 'shut',
    states: {
      shut: { on: { open: { target: 'open', guard: 'event.n > 0' } }, after: { '10m': 'gone' } },
      open: { on: { shut: 'shut' }, entry: [{ emit: { output: 'opened', value: 'event' } }] },
      gone: { type: 'final' },
    },
  },
};
const SLAMS: Spec = {
  within: '1m',
  steps: [
    { name: 'opened', where: 'event.n > 1' },
    { name: 'shut', where: 'event.n > 2' },
  ],
};
const BASE = {
  sources: [
    {
      name: 'rows',
      nats: { subjects: ['in'] },
      eventTime: { at: 'event.at' },
      schema: { id: 'string', at: 'timestamp', n: 'int', door: 'string' },
    },
  ],
  tables: [{ name: 'planes', file: { path: 'planes.csv', format: 'csv' }, key: 'row.id' }],
  stages: [
    { name: 'good', from: 'rows', filter: 'event.n > 0' },
    { name: 'looked-up', from: 'rows', enrich: [{ table: 'planes', key: 'event.id', as: 'plane' }] },
    WINDOW,
    DOORS,
    { name: 'pairs', from: 'good', keyBy: 'event.id', join: { with: 'looked-up', within: '5m' } },
    { name: 'once', from: 'good', keyBy: 'event.n', dedupe: { ttl: '1h' } },
    { name: 'slams', from: 'good', keyBy: { door: 'event.door' }, pattern: SLAMS },
    { name: 'counts', from: 'good', keyBy: 'event.at', aggregate: { n: { count: {} } } },
  ] as readonly Spec[],
  sinks: [
    { name: 'out', from: 'hourly', nats: { subject: 'out.hourly' } },
    { name: 'out-doors', from: 'doors.opened', nats: { subject: 'out.doors' } },
    { name: 'out-pairs', from: 'pairs', nats: { subject: 'out.pairs' } },
    { name: 'out-once', from: 'once', nats: { subject: 'out.once' } },
    { name: 'out-slams', from: 'slams', nats: { subject: 'out.slams' } },
    { name: 'out-counts', from: 'counts', nats: { subject: 'out.counts' } },
  ] as readonly Spec[],
};
type Base = typeof BASE;

const plan = (spec: Base, before: PhysicalPlan | null = null, splits = 1): PhysicalPlan =>
  planJob(
    streamJobSchema.parse({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'j' }, spec }),
    { rows: splits },
    { identity: 'ns_j', deadLetterFile: false, before },
  );
const before = plan(BASE);
const compare = (spec: Base): ReturnType<typeof compareForUpgrade> => compareForUpgrade(before, plan(spec, before));
/** BASE with the stage, sink or source of that name changed; null: without it. */
const change = (name: string, to: Spec | null): Base => {
  const within = (list: readonly Spec[]): readonly Spec[] =>
    list.flatMap((one) => (one['name'] !== name ? [one] : to === null ? [] : [{ ...one, ...to }]));
  return { ...BASE, sources: within(BASE.sources) as Base['sources'], stages: within(BASE.stages), sinks: within(BASE.sinks) };
};
const add = (stages: readonly Spec[], sinks: readonly Spec[] = []): Base => ({
  ...BASE,
  stages: [...BASE.stages, ...stages],
  sinks: [...BASE.sinks, ...sinks],
});
const machineOf = (states: Spec, more: Spec = {}): Spec => ({
  machine: { ...(DOORS['machine'] as Spec), states: { ...((DOORS['machine'] as Spec)['states'] as Spec), ...states }, ...more },
});

test('the same declaration leaves every stage alone', () => {
  expect(compare(BASE)).toEqual({ unchanged: before.stages.map(({ id }) => id), restarted: [], added: [], removed: [], incompatible: [] });
});

test.each([
  { more: { standbyReplicas: 1 }, says: { standbyReplicas: 1 } },
  { more: { state: { memory: '64Mi' } }, says: { state: { memoryBytes: 64 * 2 ** 20, diskBytes: 10 * 2 ** 30 } } },
  { more: { state: { memory: '1k', disk: '2M' } }, says: { state: { memoryBytes: 1_000, diskBytes: 2_000_000 } } },
])('$more is switched on and off without a stage that begins anew', ({ more, says }) => {
  const on = plan({ ...BASE, ...more } as Base, before);
  expect(on).toMatchObject(says);
  expect(on.fingerprint).toBe(plan(BASE, before).fingerprint);
  for (const [from, to] of [[before, on] as const, [on, plan(BASE, on)] as const])
    expect(compareForUpgrade(from, to)).toMatchObject({ restarted: [], added: [], removed: [], incompatible: [] });
});

describe('these stages begin anew, with their state, when it is', () => {
  test.each<{ fact: string; to: Base; restarted: readonly string[] }>([
    { fact: 'a filter in the stage of the source', to: change('good', { filter: 'event.n > 1' }), restarted: ['rows'] },
    {
      fact: 'what an aggregate sums',
      to: change('hourly', { aggregate: { n: { count: {} }, total: { sum: 'event.n * 2' } } }),
      restarted: ['rows', 'hourly'],
    },
    {
      fact: 'a condition of an aggregate',
      to: change('hourly', { aggregate: { n: { count: {} }, total: { sum: 'event.n', where: 'event.n > 3' } } }),
      restarted: ['rows', 'hourly'],
    },
    {
      fact: 'an aggregate that is gone at the end',
      to: change('hourly', { aggregate: { n: { count: {} } } }),
      restarted: ['rows', 'hourly'],
    },
    {
      fact: 'a guard of a machine',
      to: change('doors', machineOf({ shut: { on: { open: { target: 'open', guard: 'event.n > 9' } }, after: { '10m': 'gone' } } })),
      restarted: ['doors'],
    },
    { fact: 'a further state of a machine', to: change('doors', machineOf({ broken: {} })), restarted: ['doors'] },
    {
      fact: 'a further field of the context',
      to: change('doors', machineOf({}, { context: { opened: 0, broken: false } })),
      restarted: ['doors'],
    },
    { fact: 'a timer of a machine that is gone', to: change('doors', machineOf({ shut: { on: { open: 'open' } } })), restarted: ['doors'] },
    {
      fact: 'a final state of a machine that is gone',
      to: change('doors', {
        machine: {
          ...(DOORS['machine'] as Spec),
          states: {
            shut: { on: { open: 'open' } },
            open: { on: { shut: 'shut' }, entry: [{ emit: { output: 'opened', value: 'event' } }] },
          },
        },
      }),
      restarted: ['doors'],
    },
    { fact: 'what a join gives', to: change('pairs', { join: { with: 'looked-up', within: '5m', select: 'left' } }), restarted: ['pairs'] },
    { fact: 'the interval of an inner join', to: change('pairs', { join: { with: 'looked-up', within: '1m' } }), restarted: ['pairs'] },
    {
      fact: 'conditions, within and skipping of a pattern',
      to: change('slams', {
        pattern: {
          within: '2m',
          afterMatch: 'skipToNext',
          steps: [
            { name: 'opened', where: 'event.n > 7' },
            { name: 'shut', within: '5s' },
          ],
        },
      }),
      restarted: ['slams'],
    },
    { fact: 'the ttl of dedupe', to: change('once', { dedupe: { ttl: '2h' } }), restarted: ['once'] },
    {
      fact: 'how many lines a message of a sink has',
      to: change('out', { nats: { subject: 'out.hourly', batch: 10 } }),
      restarted: ['out'],
    },
    { fact: 'the lateness of a source', to: change('rows', { eventTime: { at: 'event.at', maxOutOfOrder: '5s' } }), restarted: ['rows'] },
    { fact: 'a table', to: { ...BASE, tables: [{ ...BASE.tables[0]!, key: 'row.tail' }] }, restarted: ['rows'] },
  ])('$fact', ({ to, restarted }) => {
    const found = compare(to);
    expect(found.restarted).toEqual(restarted);
    expect(found.incompatible).toEqual([]);
    expect([...found.unchanged, ...found.restarted].toSorted()).toEqual(before.stages.map(({ id }) => id).toSorted());
  });

  test('a description restarts nothing', () => {
    expect(compare({ ...BASE, description: 'other words' } as Base)).toMatchObject({ restarted: [], incompatible: [] });
  });
});

describe('an edit of the topology', () => {
  test('a sink more restarts what feeds it, and the dead letters that it may have', () => {
    expect(compare(add([], [{ name: 'copy', from: 'hourly', nats: { subject: 'out.copy' } }]))).toMatchObject({
      added: ['copy'],
      restarted: ['hourly', 'dead-letters-subject'],
      removed: [],
      incompatible: [],
    });
  });

  test('a keyed stage more restarts the stage that keys its events', () => {
    const stage = { name: 'more', from: 'good', keyBy: 'event.at', partitions: 2, aggregate: { n: { count: {} } } };
    expect(compare(add([stage]))).toMatchObject({ added: ['more'], restarted: ['rows', 'dead-letters-subject'], incompatible: [] });
  });

  test('what else reads the exchange of a window with two phases would meet its sums', () => {
    const { incompatible } = compare(add([{ ...WINDOW, name: 'more', window: { tumbling: { size: '2h' } } }]));
    expect(incompatible).toMatchObject([
      { reason: 'so far hourly alone read rows/key:id→hourly, so what is under way on it are sums, and more now reads it too' },
    ]);
  });

  test('a stage and its sink less restart what fed them, and their state is gone with them', () => {
    const to = { ...change('once', null), sinks: BASE.sinks.filter(({ name }) => name !== 'out-once') };
    expect(compare(to)).toMatchObject({ removed: ['once', 'out-once'], restarted: ['rows', 'dead-letters-subject'], incompatible: [] });
  });

  test('a further input of a stage restarts it', () => {
    const found = compare({
      ...add([]),
      stages: BASE.stages.map((one) => (one['name'] === 'counts' ? { ...one, from: ['good', 'pairs'] } : one)),
    });
    expect(found).toMatchObject({ restarted: ['pairs', 'counts'], incompatible: [] });
  });
});

describe('state does not fit', () => {
  test.each<{ fact: string; to: Base; says: readonly string[] }>([
    {
      fact: 'another number of partitions',
      to: change('hourly', { partitions: 4 }),
      says: ['hourly: it has 8 partitions and would have 4: what each holds stays where it is'],
    },
    {
      fact: 'another key',
      to: change('hourly', { keyBy: 'event.door' }),
      says: ['hourly: the key changes, and what it holds lies under the old keys'],
    },
    {
      fact: 'another key under the same name',
      to: change('hourly', { keyBy: { id: 'event.door' } }),
      says: ['hourly: the key changes, and what it holds lies under the old keys'],
    },
    {
      fact: 'another size of windows',
      to: change('hourly', { window: { tumbling: { size: '2h' } } }),
      says: ['hourly: window hourly: windows are tumbling 1h and would be tumbling 2h: those that are open would be cut elsewhere'],
    },
    {
      fact: 'another kind of windows',
      to: change('hourly', { window: { session: { gap: '1h' } } }),
      says: ['hourly: window hourly: windows are tumbling 1h and would be session 1h: those that are open would be cut elsewhere'],
    },
    {
      fact: 'an aggregate more',
      to: change('hourly', { aggregate: { n: { count: {} }, total: { sum: 'event.n' }, most: { max: 'event.n' } } }),
      says: ['hourly: window hourly: most (max) would be new, and what is counted so far has no figure for it'],
    },
    {
      fact: 'another function of an aggregate',
      to: change('hourly', { aggregate: { n: { count: {} }, total: { mean: 'event.n' } } }),
      says: ['hourly: window hourly: total (mean) would be new, and what is counted so far has no figure for it'],
    },
    {
      fact: 'a field that a counting stage begins to read, whose events under way have none',
      to: change('counts', { aggregate: { n: { count: {} }, most: { max: 'event.n' } } }),
      says: [
        'counts: so far all of it only counted, so the events that are under way to it (rows/key:at→counts) have a key and a time but no fields',
        'counts: aggregate counts: most (max) would be new, and what is counted so far has no figure for it',
      ],
    },
    {
      fact: 'another verb under the same name',
      to: change('once', { dedupe: undefined, aggregate: { times: { count: {} } } }),
      says: ['once: once was of the kind dedupe and would be of the kind aggregate'],
    },
    {
      fact: 'a keyed stage that becomes stateless',
      to: change('counts', { aggregate: undefined, keyBy: undefined, map: 'event' }),
      says: ['counts: counts was of the kind aggregate and would be of the kind map'],
    },
    {
      fact: 'a join of another type',
      to: change('pairs', { join: { with: 'looked-up', within: '5m', type: 'left' } }),
      says: [
        'pairs: join pairs: its type was inner and would be left, and which rows have had a match is known only as far as the old one needed it',
      ],
    },
    {
      fact: 'another step of a pattern',
      to: change('slams', { pattern: { ...SLAMS, steps: [{ name: 'opened' }, { name: 'wide', optional: true }, { name: 'shut' }] } }),
      says: [
        'slams: pattern slams: its steps would be others, and partial matches stand between the old ones (conditions, within and afterMatch may change)',
      ],
    },
    {
      fact: 'a state less of a machine',
      to: change('doors', {
        machine: {
          ...(DOORS['machine'] as Spec),
          states: {
            shut: { on: { open: 'gone' }, after: { '10m': 'gone' }, entry: [{ emit: { output: 'opened', value: 'event' } }] },
            gone: { type: 'final' },
          },
        },
      }),
      says: ['doors: machine doors: actors may be in open, which would be gone'],
    },
    {
      fact: 'a state that becomes parallel',
      to: change(
        'doors',
        machineOf({
          open: {
            type: 'parallel',
            states: { a: {}, b: {} },
            on: { shut: 'shut' },
            entry: [{ emit: { output: 'opened', value: 'event' } }],
          },
        }),
      ),
      says: ['doors: machine doors: state open would be parallel: where its actors are then is not known'],
    },
    {
      fact: 'a delay of a timer that may run',
      to: change('doors', machineOf({ shut: { on: { open: 'open' }, after: { '5m': 'gone' } } })),
      says: [
        'doors: machine doors: actors that wait in state shut have a timer of 10m, which would lead nowhere, and none of the new delay',
      ],
    },
    {
      fact: 'another subject of a source',
      to: change('rows', { nats: { subjects: ['elsewhere'] } }),
      says: ['rows: source rows: it read in and would read elsewhere: how far it has come says nothing there'],
    },
    {
      fact: 'another connector of a source',
      to: change('rows', { nats: undefined, file: { path: 'rows.ndjson' } }),
      says: ['rows: source rows: it read in and would read rows.ndjson (ndjson, auto): how far it has come says nothing there'],
    },
    {
      fact: 'a source that becomes bounded',
      to: change('rows', { nats: { subjects: ['in'], bounded: true } }),
      says: ['rows: source rows: it read in and would read in up to its end: how far it has come says nothing there'],
    },
    {
      fact: 'another subject of a sink',
      to: change('out', { nats: { subject: 'out.other' } }),
      says: ['out: sink out: it wrote out.hourly and would write out.other: what is there already is not known'],
    },
  ])('$fact', ({ to, says }) => {
    expect(compare(to).incompatible.map(({ stage, reason }) => `${stage}: ${reason}`)).toEqual(says);
  });

  test('a transform with state that would run in another stage, as the one it shared is gone', () => {
    const share = {
      name: 'sliding',
      from: 'rows',
      keyBy: 'event.id',
      window: { sliding: { size: '1h', every: '10m' } },
      aggregate: { n: { count: {} } },
    };
    const shared = plan(add([share]));
    const to = {
      ...add([share]),
      stages: [...BASE.stages, share].filter(({ name }) => name !== 'hourly'),
      sinks: BASE.sinks.filter(({ name }) => name !== 'out'),
    };
    expect(compareForUpgrade(shared, plan(to, shared)).incompatible).toEqual([
      {
        stage: 'hourly',
        reason: 'window sliding would run in stage sliding, and its state lies in hourly',
        fix: 'keep hourly as it is declared (stages with one input and one key are run together, named after the first), or give sliding another name',
      },
    ]);
  });

  test('events that are held for a machine that would not wait for them any more', () => {
    const ordered = plan(change('doors', { machine: { ...(DOORS['machine'] as Spec), order: 'eventTime' } }));
    expect(compareForUpgrade(ordered, plan(BASE, ordered)).incompatible.map(({ reason }) => reason)).toEqual([
      'doors would take events as they come, and those that are held for their turn in doors would be lost',
    ]);
  });

  test('every reason comes with what to do', () => {
    expect(compare(change('hourly', { partitions: 4 })).incompatible[0]!.fix).toBe(
      'keep 8 partitions, or give it another name: then it begins without state, and the old one is dropped',
    );
  });
});

describe('machines of which only marks are there', () => {
  const jobOf = (states: object): PhysicalPlan => {
    const stage = { name: 'x', from: 'rows', keyBy: 'event.id', xstate: { machine: createMachine({ initial: 'a', states } as never) } };
    const spec = { sources: BASE.sources, stages: [stage], sinks: [{ name: 'o', from: 'x.out', nats: { subject: 'o' } }] };
    const job = streamJobSchema.parse({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'j' }, spec });
    return planToJson(planJob(markJob(job).job, { rows: 1 })) as PhysicalPlan;
  };

  test('are judged by the names of their states', () => {
    const was = jobOf({ a: {}, b: { initial: 'c', states: { c: {} } } });
    expect(compareForUpgrade(was, jobOf({ a: {}, b: { initial: 'c', states: { c: {}, d: {} } } }))).toMatchObject({
      restarted: ['x'],
      incompatible: [],
    });
    expect(compareForUpgrade(was, jobOf({ a: {}, b: {} })).incompatible.map(({ reason }) => reason)).toEqual([
      'xstate x: actors may be in b.c, which would be gone',
    ]);
  });
});

describe('joins with bounds of their own', () => {
  const joined = (bound: Spec): Base => change('pairs', { join: { with: 'looked-up', type: 'left', ...bound } });
  const compareJoins = (was: Spec, is: Spec): readonly string[] => {
    const old = plan(joined(was));
    return compareForUpgrade(old, plan(joined(is), old)).incompatible.map(({ reason }) => reason);
  };
  const temporal = { grace: '5s', deleted: 'event.n < 0', validFor: '1h' };
  const window = { tumbling: { size: '1h' } };
  test.each<{ fact: string; was: Spec; is: Spec; says: readonly string[] }>([
    {
      fact: 'rows of a temporal join may be valid for longer, and be deleted by another rule',
      was: { temporal },
      is: { temporal: { grace: '5s', deleted: 'event.n < 1', validFor: '2h' }, type: 'inner' },
      says: [],
    },
    {
      fact: 'its grace stays: it says what of the waiting events has come out',
      was: { temporal },
      is: { temporal: { ...temporal, grace: '1s' } },
      says: ['temporalJoin pairs: grace was 5s and would be 1s: events that wait would come out a second time, or not at all'],
    },
    { fact: 'a window join may get another type', was: { window }, is: { window, type: 'full' }, says: [] },
    {
      fact: 'but no other windows',
      was: { window },
      is: { window: { tumbling: { size: '2h' } } },
      says: ['windowJoin pairs: its windows would be others: those that are open would be cut elsewhere'],
    },
    {
      fact: 'a table join keeps its type and its ids',
      was: { table: { left: { id: 'event.n', deleted: 'event.n < 0' } } },
      is: { table: { left: { id: 'event.door' }, emit: 'changes' }, type: 'full' },
      says: [
        'tableJoin pairs: the id of its left rows changes, and rows lie under the old ones',
        'tableJoin pairs: its type was left and would be full: what changes of the result would be told of rows that were never given',
      ],
    },
    {
      fact: 'and another bound is another join',
      was: { within: '1h' },
      is: { temporal },
      says: ['pairs was of the kind join and would be of the kind temporalJoin'],
    },
  ])('$fact', ({ was, is, says }) => expect(compareJoins(was, is)).toEqual(says));
});

test('state begins to expire, at another ttl too, but never stops: its timers would have no meaning', () => {
  const kept = (ttl: string | null): Base => change('counts', ttl === null ? {} : { state: { ttl } });
  const reasons = (was: string | null, is: string | null): readonly string[] => {
    const old = plan(kept(was));
    return compareForUpgrade(old, plan(kept(is), old)).incompatible.map(({ reason }) => reason);
  };
  expect(reasons(null, '1h')).toEqual([]);
  expect(reasons('2h', '1h')).toEqual([]);
  expect(reasons('1h', null)).toEqual(['aggregate counts: its state expires and would no longer']);
});

test('a cell of a reducer may come and go, but not become one of another kind', () => {
  const kept = (cells: Spec): Base =>
    change('counts', { aggregate: undefined, reduce: { init: () => 0, step: (state: number) => state, cells } });
  const reasons = (was: Spec, is: Spec): readonly string[] => {
    const old = plan(kept(was));
    return compareForUpgrade(old, plan(kept(is), old)).incompatible.map(({ reason }) => reason);
  };
  expect(reasons({ one: { kind: 'map' } }, { two: { kind: 'list' } })).toEqual([]);
  expect(reasons({ one: { kind: 'map' } }, { one: { kind: 'list' } })).toEqual([
    'reduce counts: its cell one was a map and would be a list',
  ]);
});

test('state of a reducer needs a way from its version to the declared one', () => {
  const step = (from: number, to: number): Spec => ({ from, to, state: 'state' });
  const kept = (...migrate: Spec[]): Base =>
    change('counts', {
      aggregate: undefined,
      reduce: { init: () => 0, step: (state: number) => state },
      ...(migrate.length === 0 ? {} : { migrate }),
    });
  const reasons = (was: Base, is: Base): readonly string[] => {
    const old = plan(was);
    return compareForUpgrade(old, plan(is, old)).incompatible.map(({ reason }) => reason);
  };
  expect(reasons(kept(), kept(step(1, 2), step(2, 3)))).toEqual([]);
  expect(reasons(kept(step(1, 2)), kept(step(2, 3)))).toEqual([]);
  expect(reasons(kept(step(1, 2)), kept())).toEqual([
    'reduce counts: its state has version 2 and would have 1, and no migration leads from 2',
  ]);
  expect(reasons(kept(), kept(step(2, 3)))).toEqual([
    'reduce counts: its state has version 1 and would have 3, and no migration leads from 1',
  ]);
});
