import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { planJob } from './plan.ts';
import { phasesOf } from './two-phase.ts';

type Fields = Record<string, unknown>;
const sums = { n: { count: {} }, total: { sum: 'event.y' }, most: { max: 'event.y' }, kinds: { approxDistinct: 'event.z' } };
const window = { name: 'a', from: 'events', keyBy: 'event.x', window: { tumbling: { size: '10s' } }, aggregate: sums };

/** How the job's keyed stage is computed. */
function phases(stages: readonly Fields[], source: Fields = {}): string {
  const job = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'phases' },
    spec: {
      sources: [{ name: 'events', file: { path: 'x.ndjson' }, eventTime: { at: 'event.ts' }, ...source }],
      stages,
      sinks: stages.map(({ name }) => ({ name: `${String(name)}-out`, from: name, journal: {} })),
    },
  };
  const plan = planJob(streamJobSchema.parse(job), {});
  const told = plan.edges.map((edge) => phasesOf(plan, edge)).filter((found) => found !== null);
  return told.map((found) => (found.kind === 'two' ? 'two' : found.why)).join('; ');
}

test.each([
  { fact: 'sums that do not depend on order', stages: [window], told: 'two' },
  { fact: 'of windows that overlap', stages: [{ ...window, window: { sliding: { size: '10s', every: '1s' } } }], told: 'two' },
  {
    fact: 'of windows that are corrected',
    stages: [{ ...window, window: { tumbling: { size: '10s' }, allowedLateness: '1m' } }],
    told: 'two',
  },
  {
    fact: 'what a running aggregate tells',
    stages: [{ name: 'a', from: 'events', keyBy: 'event.x', aggregate: sums }],
    told: 'a running aggregate has a result whenever it changes',
  },
  {
    fact: 'sessions',
    stages: [{ ...window, window: { session: { gap: '1m' } } }],
    told: 'an event may join two sessions, or be too late for one',
  },
  { fact: 'windows by count', stages: [{ ...window, window: { count: { size: 3 } } }], told: 'a window by count ends at an event' },
  {
    fact: 'early results',
    stages: [{ ...window, window: { tumbling: { size: '10s' }, early: [{ count: 3 }] } }],
    told: 'results before the end of a window tell of events as they come',
  },
  {
    fact: 'two readers',
    stages: [window, { ...window, name: 'b', window: { tumbling: { size: '20s' } } }],
    told: 'a and b read the same exchange',
  },
  ...['variance', 'stddev', 'first', 'last', 'collect', 'distinct'].map((name) => ({
    fact: name,
    stages: [{ ...window, aggregate: { ...sums, more: { [name]: 'event.y' } } }],
    told: expect.stringContaining(name) as unknown as string,
  })),
  {
    fact: 'windows by the watermark of their key',
    stages: [{ ...window, window: { tumbling: { size: '10s' }, keyWatermark: { closeAfter: '1m' } } }],
    told: 'each event may close windows of its key',
  },
  { fact: 'who says so', stages: [{ ...window, window: { tumbling: { size: '10s' }, preAggregate: false } }], told: 'it is declared so' },
])('two phases or why not: $fact', ({ stages, told }) => expect(phases(stages)).toEqual(told));

test('two phases or why not: splits that may be idle', () =>
  expect(phases([window], { idle: { after: '1s' } })).toBe(
    'splits of events may be idle, and an event may then be late in a that was not where it came from',
  ));
