import { expect, test } from 'vitest';
import type { Code } from '../../crds/stream-job/code.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeEventTime } from './event-time.ts';
import fc from 'fast-check';

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
  {
    fact: 'a text',
    at: "event.n == 2 ? 'noon' : event.n",
    problem: 'the event time is "noon", not a timestamp or ms since 1970; write timestamp(…), or declare it in the schema',
  },
  {
    fact: 'a text that is a date',
    at: 'event.n == 2 ? "2020-01-01" : event.n',
    problem: 'the event time is "2020-01-01", not a timestamp or ms since 1970; write timestamp(…), or declare it in the schema',
  },
  {
    fact: 'in ns, as a 64-bit int',
    at: (event: { n: number }) => (event.n === 2 ? 1_700_000_000_000_000_000n : event.n),
    problem: 'the event time is 1700000000000000000, beyond what a date can be; is its unit ms?',
  },
  {
    fact: '1e300',
    at: (event: { n: number }) => (event.n === 2 ? 1e300 : event.n),
    problem: 'the event time is 1e+300, beyond what a date can be; is its unit ms?',
  },
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

/** Events that say the watermark themselves: `p…` says that all before its time has come. */
const punctuated = (watermark: Code = '(event.id == "p") ? event.n - 1 : null'): StepHarness =>
  new StepHarness({
    make: () => makeEventTime({ kind: 'eventTime', spec: { at: 'event.n', maxOutOfOrder: '0s', watermark }, maxOutOfOrderMs: 0 }),
  });

// a0=7: an event that says that it happened at 7
test.each([
  { fact: 'only what events say moves it', events: 'a0=5 b0=90 | p0=20 | c0=95', gives: 'a5 b90 p20 W19 c95' },
  { fact: 'the highest of a batch counts', events: 'p0=20 p0=30 p0=25', gives: 'p20 p30 p25 W29' },
  { fact: 'it does not go back', events: 'p0=30 | p0=20', gives: 'p30 W29 p20' },
  { fact: 'it survives a restart', events: 'p0=30 R p0=20 | p0=31', gives: 'p30 W29 p20 p31 W30' },
  { fact: 'the end of the input is the end', events: 'a0=5 Wend', gives: 'a5 Wend' },
])('E1 custom watermarks: $fact', ({ events, gives }) => expect(punctuated().play(events).drawn()).toBe(gives));

test.each([
  {
    fact: 'no time',
    watermark: () => 'soon',
    problem: 'the watermark is "soon", not a timestamp or ms since 1970; write timestamp(…), or declare it in the schema',
  },
  {
    fact: 'far ahead: it would close all windows',
    watermark: () => 400 * 86_400_000,
    problem: 'the watermark is 1971-02-05T00:00:00.000Z, more than 366d ahead of the clock (eventTime.maxAhead)',
  },
])('E1 an event that says a watermark that is $fact is a dead letter and moves nothing', ({ watermark, problem }) => {
  const played = punctuated(watermark as unknown as Code).play('a0=1');
  expect(played.deadLetters.map((letter) => letter.message)).toEqual([`MR3002 TransformFailed: node: ${problem}`]);
  played.deadLetters.length = 0;
  expect(played.drawn()).toBe('');
});

test('E1 whatever events say, and however they are batched, the watermark is the highest that was said', () => {
  const event = fc.record({ id: fc.constantFrom('a', 'p'), n: fc.nat(50), sign: fc.constantFrom('', ' |', ' R') });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 20 }), (events) => {
      const drawing = events.map(({ id, n, sign }) => `${id}0=${n}${sign}`).join(' ');
      const marks = [
        ...punctuated()
          .play(drawing)
          .drawn()
          .matchAll(/W(-?\d+)/g),
      ].map(([, text]) => Number(text));
      const said = events.filter(({ id }) => id === 'p').map(({ n }) => n - 1);
      expect(marks).toEqual([...new Set(marks)].toSorted((a, b) => a - b)); // it never goes back
      expect(marks.at(-1) ?? -1).toBe(Math.max(-1, ...said));
    }),
  );
});
