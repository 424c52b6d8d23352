import { counted, readableBytes, readableCount } from '../../runtime/base/quantity.ts';
import { describe, expect, test } from 'vitest';
import {
  cutMiddle,
  readableClock,
  readableDuration,
  readableLatency,
  readableRest,
  readableShare,
  readableTime,
  shortCount,
  wrapped,
} from './readable.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('figures', () => {
  test.each([
    [readableCount(27004), '27,004'],
    [readableCount(1234.6), '1,235'],
    [shortCount(1_234_567, 9), '1,234,567'],
    [shortCount(1_234_567, 7), '1.2M'],
    [shortCount(123_456_789, 7), '123M'],
    [shortCount(99_999_999_999_999, 7), '100T'],
    [counted(1, 'worker'), '1 worker'],
    [counted(0, 'worker'), '0 workers'],
    [counted(2, 'recovery', 'recoveries'), '2 recoveries'],
    [readableLatency(0.42), '0.4 ms'],
    [readableLatency(9.96), '10 ms'],
    [readableLatency(999.6), '1.0 s'],
    [readableLatency(45_000), '45.0 s'],
    [readableDuration(0), '0.0 s'],
    [readableDuration(59_960), '1 min 0 s'],
    [readableDuration(12 * MINUTE + 4 * SECOND), '12 min 4 s'],
    [readableDuration(59 * MINUTE + 59.9 * SECOND), '1 h 0 min'],
    [readableDuration(27 * HOUR + 20 * MINUTE), '27 h 20 min'],
    [readableClock(7 * SECOND), '0:07'],
    [readableClock(HOUR + 2 * MINUTE + 3 * SECOND), '1:02:03'],
    [readableRest(200), '1 s'],
    [readableRest(12 * MINUTE), '12 min'],
    [readableRest(3 * HOUR), '3 h'],
    [readableShare(0), '0.0 %'],
    [readableShare(0.0069), '0.6 %'],
    [readableShare(0.999), '99 %'],
    [readableShare(1), '100 %'],
    [readableBytes(531 * 1024 * 1024), '531 MiB'],
    [readableBytes(1229 * 1024 * 1024), '1.2 GiB'],
  ])('%s reads %s', (found, expected) => expect(found).toBe(expected));
});

describe('event time', () => {
  test.each([
    { fact: 'to the minute', ms: Date.UTC(2013, 0, 23, 4, 59, 7), width: 16, text: '2013-01-23 04:59' },
    { fact: 'to the second where there is room', ms: Date.UTC(2013, 0, 23, 4, 59, 7), width: 19, text: '2013-01-23 04:59:07' },
    { fact: 'the end of all input', ms: Number.MAX_SAFE_INTEGER, width: 16, text: 'end' },
    { fact: 'none yet', ms: null, width: 16, text: '–' },
    { fact: 'a number that is no time is shown as it is', ms: 9e15 - 1, width: 16, text: '8999999999999999' },
  ])('$fact', ({ ms, width, text }) => expect(readableTime(ms, width)).toBe(text));
});

describe('what does not fit', () => {
  test.each([
    { text: 'sessions', width: 8, cut: 'sessions' },
    { text: 'dead-letters-subject', width: 12, cut: 'dead-l…bject' },
    { text: 'sessions', width: 1, cut: '…' },
    { text: 'sessions', width: 0, cut: '' },
  ])('$text in $width characters is $cut', ({ text, width, cut }) => {
    expect(cutMiddle(text, width)).toBe(cut);
    expect(cut.length).toBeLessThanOrEqual(width);
  });

  test('text breaks between words, and a word that is too long stays whole', () => {
    expect(wrapped('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapped('a /very/long/path b', 6)).toEqual(['a', '/very/long/path', 'b']);
    expect(wrapped('one\ntwo', 20)).toEqual(['one', 'two']);
  });
});
