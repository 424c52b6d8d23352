import { expect, test } from 'vitest';
import type { Code } from '../../crds/stream-job/code.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeEventTime } from './event-time.ts';

function timed({ at = 'event.n', maxOutOfOrderMs = 0 }: { at?: Code; maxOutOfOrderMs?: number } = {}): StepHarness {
  return new StepHarness({ make: () => makeEventTime({ kind: 'eventTime', spec: { at, maxOutOfOrder: '0s' }, maxOutOfOrderMs }) });
}

// a0=7: an event that says that it happened at 7
test.each([
  { fact: 'the watermark follows the highest time, after each batch', events: 'a0=5 b0=7 | c0=9', gives: 'a5 b7 W6 c9 W8' },
  { fact: 'it stays behind by the bound', maxOutOfOrderMs: 3, events: 'a0=10', gives: 'a10 W6' },
  { fact: 'an older event does not move it back', events: 'a0=9 | b0=5', gives: 'a9 W8 b5' },
  { fact: 'watermarks of the input are of another time', events: 'a0=5 W99 b0=7', gives: 'a5 W4 b7 W6' },
  { fact: 'the end of the input is the end', events: 'a0=5 Wend', gives: 'a5 W4 Wend' },
  { fact: 'an input without events ends too', events: 'Wend', gives: 'Wend' },
  { fact: 'the highest time survives a restart', events: 'a0=9 R b0=5 | c0=10', gives: 'a9 W8 b5 c10 W9' },
  { fact: 'the first moment of 1970 is a time', events: 'a0=0', gives: 'a0 W-1' },
  { fact: 'parts of a ms are cut off', events: 'a0=5.9', gives: 'a5 W4' },
])('$fact', ({ events, gives, maxOutOfOrderMs }) => {
  expect(
    timed(maxOutOfOrderMs === undefined ? {} : { maxOutOfOrderMs })
      .play(events)
      .drawn(),
  ).toBe(gives);
});

test.each([
  { fact: 'null', at: 'event.n == 2 ? null : event.n', problem: 'the event time is null, not a timestamp or ms since 1970' },
  { fact: 'a text', at: "event.n == 2 ? 'noon' : event.n", problem: 'the event time is "noon", not a timestamp or ms since 1970' },
  {
    fact: 'before 1970',
    at: (event: { n: number }) => (event.n === 2 ? -1 : event.n),
    problem: 'the event time is 1969-12-31T23:59:59.999Z, before 1970',
  },
  {
    fact: 'in the far future',
    at: (event: { n: number }) => (event.n === 2 ? 367 * 86_400_000 : event.n),
    problem: 'the event time is 1971-01-03T00:00:00.000Z, more than 366d ahead of the clock (eventTime.maxAhead)',
  },
  {
    fact: 'missing',
    at: (event: { n: number }) => (event.n === 2 ? undefined : event.n),
    problem: 'the event time is null, not a timestamp or ms since 1970',
  },
  {
    fact: 'infinite',
    at: (event: { n: number }) => (event.n === 2 ? Infinity : event.n),
    problem: 'the event time is Infinity, beyond what a date can be; is its unit ms?',
  },
  {
    fact: 'not a number',
    at: (event: { n: number }) => (event.n === 2 ? NaN : event.n),
    problem: 'the event time is NaN, not a timestamp or ms since 1970',
  },
  {
    fact: 'in microseconds',
    at: (event: { n: number }) => (event.n === 2 ? 8.65e15 : event.n),
    problem: 'the event time is 8650000000000000, beyond what a date can be; is its unit ms?',
  },
])('an event whose time is $fact is a dead letter and moves nothing', ({ at, problem }) => {
  const played = timed({ at: at as Code }).play('a0=1 b0=2 c0=3 | b0=2');
  expect(played.deadLetters.map((letter) => letter.message)).toEqual([
    `MR3002 TransformFailed: node: ${problem}`,
    `MR3002 TransformFailed: node: ${problem}`,
  ]);
  played.deadLetters.length = 0;
  expect(played.drawn()).toBe('a1 c3 W2');
});
