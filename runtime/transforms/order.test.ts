import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ORDER_CHUNK_EVENTS_MAX } from '../base/limits.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeOrder } from './order.ts';

function ordered(late: 'output' | 'deadLetter' = 'output'): StepHarness {
  return new StepHarness({ make: () => makeOrder({ kind: 'order', late }), outputs: ['late'] });
}

test.each([
  { fact: 'events are held until the watermark passes them', events: 'a5 b3', gives: '' },
  { fact: 'then they come in the order of time, each after the watermark before it', events: 'a5 b3 W9', gives: 'W2 b3 W4 a5 W9' },
  { fact: 'at equal times in the order of arrival', events: 'b5 a5 | c5 W9', gives: 'W4 b5 a5 c5 W9' },
  { fact: 'an event at the watermark is released, one after it is held', events: 'a5 b6 W5', gives: 'W4 a5 W5' },
  { fact: 'the end releases all', events: 'b6 a5 Wend', gives: 'W4 a5 W5 b6 Wend' },
  { fact: 'what is held survives a restart, in its order', events: 'b5 a5 c9 R d5 W6 R Wend', gives: 'W4 b5 a5 d5 W6 W8 c9 Wend' },
  { fact: 'what was released does not come again after a restart', events: 'a3 b9 W5 R W9', gives: 'W2 a3 W5 W8 b9 W9' },
  { fact: 'an event at or before the watermark is late', events: 'W5 a5 b6 W9', gives: 'W5 late:a5 b6 W9' },
  { fact: 'late is judged after a restart as before', events: 'W5 R a5', gives: 'W5 late:a5' },
])('$fact', ({ events, gives }) => expect(ordered().play(events).drawn()).toBe(gives));

test('a late event that nothing reads is a dead letter, and counted as late', () => {
  const played = ordered('deadLetter').play('W5 a5');
  expect(played.late).toBe(1);
  expect(played.deadLetters).toMatchObject([{ code: 'MR3002', event: { id: 'a' }, key: 'a', timeMs: 5 }]);
});

test('the state is as large as what is held', () => {
  const played = ordered();
  for (let t = 0; t < 5_000; t++) {
    played.push([{ id: 'a', timeMs: t, n: t }]);
    played.advance(t - 10);
  }
  expect(played.state.cells('node').size()).toBeLessThanOrEqual(2);
  played.play('Wend');
  expect(played.state.cells('node').size()).toBe(0);
});

test('an event that is held costs the delta itself only, not what is held with it', () => {
  const played = ordered();
  played.push(Array.from({ length: 500 }, (_, i) => ({ id: 'a', timeMs: i, n: i })));
  played.state.takeDelta();
  played.play('b7');
  expect(played.state.takeDelta()!.length).toBeLessThan(64);
});

test('more than a chunk is held in several, and comes out in order all the same', () => {
  const played = ordered();
  const count = 2 * ORDER_CHUNK_EVENTS_MAX + 1;
  played.push(Array.from({ length: count }, (_, i) => ({ id: 'a', timeMs: count - i, n: 0 })));
  expect(played.state.cells('node').size()).toBe(3);
  played.restart();
  played.advance(Infinity);
  const times = played.emissions.flatMap((each) => (each.kind === 'event' ? [each.timeMs] : []));
  expect(times).toEqual(Array.from({ length: count }, (_, i) => i + 1));
});

test('whatever comes in time gives what a stable sort gives, with restarts at any moment', () => {
  const step = fc.record({ times: fc.array(fc.nat(20), { maxLength: 5 }), rise: fc.nat(12), restart: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      const played = ordered();
      const all: { timeMs: number; n: number }[] = [];
      let watermark = 0;
      for (const { times, rise, restart } of steps) {
        const events = times.map((offset, i) => ({ id: 'a', timeMs: watermark + 1 + offset, n: all.length + i }));
        all.push(...events);
        played.push(events);
        if (restart) played.restart();
        played.advance((watermark += rise));
      }
      played.advance(Infinity);
      const seen = played.emissions.flatMap((each) => (each.kind === 'event' ? [(each.value as { n: number }).n] : []));
      expect(seen).toEqual(all.toSorted((a, b) => a.timeMs - b.timeMs).map(({ n }) => n));
    }),
    { numRuns: 500 },
  );
});
