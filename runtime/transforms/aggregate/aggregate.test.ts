import { expect, test } from 'vitest';
import type { Value } from '../../event/batch.ts';
import { encodeKey } from '../../event/key.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeAggregate } from './aggregate.ts';

const make = () => makeAggregate({ kind: 'aggregate', aggregates: { n: { count: {} }, sum: { sum: 'event.n' } }, keyNames: ['id'] });

function show(value: Value, timeMs: number): string {
  const { id, n, sum } = value as { id: string; n: number; sum: number };
  return `${id}:${n}/${sum}@${timeMs}`;
}

test.each([
  { fact: 'a result a key and batch, in the order in which keys came', events: 'a1 b2 a3=5', emits: 'a:2/6@3 b:1/2@2' },
  { fact: 'figures go on over batches', events: 'a1 | a2 b3 | a4', emits: 'a:1/1@1 a:2/3@2 b:1/3@3 a:3/7@4' },
  { fact: 'the time is the newest so far', events: 'a5 | a2', emits: 'a:1/5@5 a:2/7@5' },
  { fact: 'figures survive a restart', events: 'a1 R a2', emits: 'a:1/1@1 a:2/3@2' },
  { fact: 'a watermark passes', events: 'a1 W5 Wend', emits: 'a:1/1@1 W5 Wend' },
])('$fact', ({ events, emits }) => expect(new StepHarness({ make }).play(events).drawn(show)).toBe(emits));

test('an event that fails is a dead letter, others of its key count', () => {
  const harness = new StepHarness({ make, value: ({ id, n }) => ({ id, n: n === 13 ? 'x' : n }) });
  expect(harness.play('a1 a13 a2 | b13').drawn(show)).toMatch(/^a:2\/3@2 dead:.* dead:/);
});

test('parts of a key come back under their names', () => {
  const harness = new StepHarness({
    make: () => makeAggregate({ kind: 'aggregate', aggregates: { n: { count: {} } }, keyNames: ['origin', 'hour'] }),
  });
  harness.pushBatch({ values: [{}], times: [1], keys: [encodeKey(['JFK', 7])], ingestMs: 0 });
  expect(harness.emissions).toMatchObject([{ value: { origin: 'JFK', hour: 7, n: 1 } }]);
});
