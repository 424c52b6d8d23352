import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, isDuration, parseDuration } from './duration.ts';

test.each([
  { text: '250ms', ms: 250, back: '250ms' },
  { text: '10s', ms: 10_000, back: '10s' },
  { text: '1h30m', ms: 5_400_000, back: '1h30m' },
  { text: '3d', ms: 259_200_000, back: '3d' },
  { text: '366d', ms: 31_622_400_000, back: '366d' },
  { text: '1.5h', ms: 5_400_000, back: '1h30m' },
  { text: '90m', ms: 5_400_000, back: '1h30m' },
  { text: '0s', ms: 0, back: '0s' },
  { text: '0.4ms', ms: 0, back: '0s' },
  { text: '1m1ms', ms: 60_001, back: '1m1ms' },
])('$text is $ms ms, written $back', ({ text, ms, back }) => {
  expect(parseDuration(text)).toBe(ms);
  expect(formatDuration(ms)).toBe(back);
});

test.each(['', '10', 's', '10 s', '-1s', '1w', '1H', '1e3s', '.5s'])('%j is no duration', (text) => {
  expect(isDuration(text)).toBe(false);
  expect(() => parseDuration(text)).toThrow('is a duration');
});

test('every number of ms survives being written and read', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (ms) => parseDuration(formatDuration(ms)) === ms));
});
