import { expect, test } from 'vitest';
import { quantilesOf } from './quantiles.ts';

const upTo = (count: number): Float64Array => Float64Array.from({ length: count }, (_, index) => count - index);

test.each([
  { fact: 'one value is all of them', values: upTo(1), quantiles: { p50: 1, p90: 1, p99: 1, p999: 1, max: 1 } },
  { fact: 'of 1 … 1000 each share is its rank', values: upTo(1000), quantiles: { p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 } },
  { fact: 'numbers are sorted as numbers', values: Float64Array.of(10, 9, 2), quantiles: { p50: 9, p90: 10, p99: 10, p999: 10, max: 10 } },
])('$fact', ({ values, quantiles }) => expect(quantilesOf(values)).toEqual(quantiles));

test('nothing has no quantiles', () => expect(() => quantilesOf(new Float64Array(0))).toThrow('of nothing'));
