import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { planJob } from './plan.ts';

type Stage = Record<string, unknown>;
const tumbling = { tumbling: { size: '10s' } };

/** What the exchange of the job's keyed stages carries. */
function carryOf(stages: readonly Stage[], more: Stage = {}): string {
  const source = { name: 'events', file: { path: 'x.ndjson' }, eventTime: { at: 'event.ts' }, ...more };
  const sinks = stages.map(({ name }) => ({ name: `${String(name)}-out`, from: name, journal: {} }));
  const job = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'carry' },
    spec: { sources: [source], stages, sinks },
  };
  const nodes = planJob(streamJobSchema.parse(job), {}).stages.flatMap((stage) => stage.nodes);
  return nodes.flatMap(({ op }) => (op.kind === 'keyBy' ? [op.carry ?? 'event'] : [])).join(' ');
}

const counting = { name: 'a', from: 'events', keyBy: 'event.x', window: tumbling, aggregate: { n: { count: {} } } };

test.each([
  { fact: 'a window that counts needs nothing of the event', stages: [counting], carries: 'nothing' },
  {
    fact: 'an event may be late by the watermark of its key',
    stages: [{ ...counting, window: { ...tumbling, keyWatermark: { closeAfter: '1m' } } }],
    carries: 'event',
  },
  { fact: 'a sum needs the event', stages: [{ ...counting, aggregate: { n: { sum: 'event.y' } } }], carries: 'event' },
  {
    fact: 'a count of some needs the event',
    stages: [{ ...counting, aggregate: { n: { count: {}, where: 'event.y > 1' } } }],
    carries: 'event',
  },
  {
    fact: 'one reader that needs the event is enough',
    stages: [counting, { ...counting, name: 'b', aggregate: { n: { max: 'event.y' } } }],
    carries: 'event',
  },
  {
    fact: 'two that count share an exchange of nothing',
    stages: [counting, { ...counting, name: 'b', window: { session: { gap: '1m' } } }],
    carries: 'nothing',
  },
  {
    fact: 'a dedupe gives the event on',
    stages: [{ name: 'a', from: 'events', keyBy: 'event.x', dedupe: { ttl: '1m' } }],
    carries: 'event',
  },
])('$fact', ({ stages, carries }) => expect(carryOf(stages)).toBe(carries));

test('a late event behind a split that was idle is told whole', () => {
  expect(carryOf([counting], { idle: { after: '1s' } })).toBe('event');
});
