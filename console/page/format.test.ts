import { expect, test } from 'vitest';
import { bytes, duration, moment, pretty, rate, time } from './format.ts';

test.each([
  [rate(0), '0/s'],
  [rate(0.25), '0.3/s'],
  [rate(1_234), '1.23K/s'],
  [time(null), '–'],
  [time(1_357_016_340_000), '2013-01-01 04:59:00'],
  [time(1e300), '1e+300'],
  [bytes(1_536), '2 KiB'],
  [bytes(5 * 1024 ** 3), '5.0 GiB'],
  [duration(999), '999 ms'],
  [duration(7_260_000), '2 h 1 min'],
  [pretty('{"a":1}'), '{\n  "a": 1\n}'],
  [pretty('{"a":'), '{"a":'],
])('%s', (written, expected) => expect(written).toBe(expected));

test.each([
  ['of the same day only its time', [2026, 10, 28, 4, 59, 12], '04:59:12'],
  ['of an earlier day of the year its day, too', [2026, 10, 27, 23, 59, 59], '27\u00a0Nov 23:59:59'],
  ['of an earlier year all', [2025, 10, 28, 4, 59, 12], '28\u00a0Nov\u00a02025 04:59:12'],
] as const)('a moment is told %s', (_fact, parts, expected) => {
  const now = new Date(2026, 10, 28, 5, 0, 0).getTime();
  expect(moment(new Date(...(parts as readonly number[] as [number, number])).getTime(), now)).toBe(expected);
});
