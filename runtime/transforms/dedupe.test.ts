import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DrawnEvent } from '../testing/step-harness.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeDedupe } from './dedupe.ts';

const ttlMs = 10;
function deduped(late: 'output' | 'deadLetter' = 'output'): StepHarness {
  return new StepHarness({ make: () => makeDedupe({ kind: 'dedupe', ttlMs, late }), outputs: ['late'] });
}

test.each([
  { fact: 'the first of a key goes on, one within ttl does not', events: 'a1 a2 b2 a10', gives: 'a1 b2', filtered: 2 },
  { fact: 'at ttl it is new', events: 'a1 a11', gives: 'a1 a11', filtered: 0 },
  { fact: 'a duplicate does not prolong the time', events: 'a1 a9 a12', gives: 'a1 a12', filtered: 1 },
  { fact: 'an older one that comes later is a duplicate as well', events: 'a15 a6 a5', gives: 'a15 a5', filtered: 1 },
  { fact: 'it remembers over a restart', events: 'a1 R a5', gives: 'a1', filtered: 1 },
  { fact: 'one behind the watermark is judged as long as it can be', events: 'a1 W8 a5 b7', gives: 'a1 W8 b7', filtered: 1 },
  { fact: 'one that cannot be judged any more is late', events: 'a1 W19 a5', gives: 'a1 W19 late:a5', filtered: 0 },
  { fact: 'times before 1970 are times', events: 'a-5 a4 a5', gives: 'a-5 a5', filtered: 1 },
])('$fact', ({ events, gives, filtered }) => {
  const played = deduped().play(events);
  expect(played.drawn()).toBe(gives);
  expect(played.filtered).toBe(filtered);
});

test.each([
  { fact: 'longer', ttls: [10, 100], events: 'a1 a12 b30 R a95 b131', gives: 'a1 a12 b30 b131' },
  { fact: 'shorter', ttls: [100, 10], events: 'a1 b30 R a11 b31', gives: 'a1 b30 a11' },
])('what it has seen counts for a ttl that became $fact', ({ ttls, events, gives }) => {
  const left = [...ttls];
  const played = new StepHarness({ make: () => makeDedupe({ kind: 'dedupe', ttlMs: left.shift() ?? 0 }) }).play(events);
  expect(played.drawn()).toBe(gives);
  played.play('Wend');
  expect(played.state.cells('node').size()).toBe(0);
});

test('a late event that nothing reads is a dead letter, and counted as late', () => {
  const played = deduped('deadLetter').play('W50 a5');
  expect(played.late).toBe(1);
  expect(played.deadLetters[0]!.message).toBe(
    'MR3002 TransformFailed: node: the event came too late: its time 1970-01-01T00:00:00.005Z is not after the watermark 1970-01-01T00:00:00.050Z',
  );
});

test('old state goes: what the watermark has left behind is dropped', () => {
  const played = deduped();
  for (let t = 0; t < 1_000; t += 10) played.play(`a${t} b${t} W${t}`);
  expect(played.state.cells('node').size()).toBeLessThan(8);
  played.play('Wend');
  expect(played.state.cells('node').size()).toBe(0);
});

test('B2 dedupe: whatever comes in time, in whatever order, is judged as by a search over all that went on', () => {
  const event = fc.record({ id: fc.constantFrom('a', 'b'), jitter: fc.nat(25), restart: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (drawn) => {
      const played = deduped();
      const passed: DrawnEvent[] = [];
      drawn.forEach(({ id, jitter, restart }, i) => {
        const event = { id, timeMs: i * 4 + jitter, n: 0 };
        if (!passed.some((other) => other.id === id && Math.abs(other.timeMs - event.timeMs) < ttlMs)) passed.push(event);
        played.push([event]);
        if (restart) played.restart();
        played.advance(i * 4);
      });
      expect(played.late).toBe(0);
      expect(
        played
          .drawn()
          .split(' ')
          .filter((text) => !text.startsWith('W'))
          .join(' '),
      ).toBe(passed.map(({ id, timeMs }) => `${id}${timeMs}`).join(' '));
    }),
    { numRuns: 500 },
  );
});
