import { expect, test } from 'vitest';
import type { Batch } from '../../event/batch.ts';
import type { Combined } from '../../event/combined.ts';
import { planOfSpec } from '../../testing/plan-of.ts';
import { Combiner } from './combiner.ts';

/** Keys of a step's events in their order; `*` behind one: it is traced. What crosses: key, events that it stands for, `*`: traced. */
test.each([
  { fact: 'a sum stands where its first event stood', events: 'a b a', crosses: 'a2 b1' },
  { fact: 'a traced event begins a sum', events: 'a b*', crosses: 'a1 b1*' },
  { fact: 'those behind it, of its key, are in it', events: 'a* b a', crosses: 'a2* b1' },
  { fact: 'those before it, of its key, are not', events: 'a a a* a', crosses: 'a2 a2*' },
  { fact: 'each traced one has its own', events: 'a* a* a', crosses: 'a1* a2*' },
])('$fact', ({ events, crosses }) => {
  const { batch } = combiner().combine([batchOf(events.split(' '))], -Infinity, 0)!;
  expect(drawn(batch)).toBe(crosses);
});

function combiner(): Combiner {
  const plan = planOfSpec({
    sources: [{ name: 's', nats: { subjects: ['a'] }, eventTime: { at: 'event.at' } }],
    stages: [{ name: 'w', from: 's', keyBy: 'event.id', window: { tumbling: { size: '10ms' } }, aggregate: { n: { count: {} } } }],
    sinks: [{ name: 'o', from: 'w', journal: {} }],
  });
  const ops = plan.stages.flatMap(({ nodes }) => nodes.map(({ op }) => op));
  return new Combiner(ops.find((op) => op.kind === 'window')!);
}

function batchOf(events: readonly string[]): Batch {
  const keys = events.map((text) => text.charAt(0));
  const traces = events.flatMap((text, at) => (text.endsWith('*') ? [{ at, context: { traceId: `t${at}`, spanId: `s${at}` } }] : []));
  return { values: keys, times: keys.map(() => 5), keys, ingestMs: 0, traces: traces.length === 0 ? undefined : traces };
}

function drawn({ values, keys, traces = [] }: Batch): string {
  const traced = new Set(traces.map(({ at }) => at));
  return values.map((sum, at) => `${keys![at]}${(sum as Combined).events}${traced.has(at) ? '*' : ''}`).join(' ');
}
