import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareCodePoints, compareValues } from './value-order.ts';
import type { Comparable } from './value-order.ts';

test.each<{ fact: string; order: Comparable[] }>([
  { fact: 'booleans, numbers, strings', order: [false, true, -Infinity, -1, -0, 0, 1, Infinity, NaN, '', 'a'] },
  { fact: 'bigints lie among the numbers, exactly', order: [1, 2n, 2.5, 2 ** 53, 2n ** 53n, 2n ** 53n + 1n, 2 ** 53 + 2, Infinity, NaN] },
  { fact: 'strings go by code points: U+FF5E before U+1F600', order: ['Z', 'a', 'aa', 'ab', 'ä', '\uff5e', '\u{1f600}'] },
])('$fact', ({ order }) => {
  for (const [i, a] of order.entries()) for (const [j, b] of order.entries()) expect(Math.sign(compareValues(a, b))).toBe(Math.sign(i - j));
});

test('code points go as UTF-8 bytes go', () => {
  const text = fc.string({ unit: 'binary', maxLength: 4 });
  fc.assert(fc.property(text, text, (a, b) => Math.sign(compareCodePoints(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b))));
});
