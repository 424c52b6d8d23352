import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeKey, encodeKey, hashKey, partitionOf } from './key.ts';

describe('a key', () => {
  // State lies where these say. A row of this table is never changed.
  test.each([
    { value: '', text: '', hash: 2872998923, of8: 3 },
    { value: 'JFK', text: 'JFK', hash: 2045073349, of8: 5 },
    { value: 'N14228', text: 'N14228', hash: 947015453, of8: 5 },
    { value: 'ключ', text: 'ключ', hash: 1398607446, of8: 6 },
    { value: 1, text: '\u00001', hash: 2104612082, of8: 2 },
    { value: '1', text: '1', hash: 1514053472, of8: 0 },
    { value: -0, text: '\u00000', hash: 2612255572, of8: 4 },
    { value: 1.5, text: '\u00001.5', hash: 1844600507, of8: 3 },
    { value: 12345678901234567890n, text: '\u0000{"$int":"12345678901234567890"}', hash: 2212826620, of8: 4 },
    { value: true, text: '\u0000true', hash: 3359909401, of8: 1 },
    { value: ['a', 2], text: '\u0000["a",2]', hash: 3662845169, of8: 1 },
    { value: { b: 1, a: null }, text: '\u0000{"a":null,"b":1}', hash: 2448981078, of8: 6 },
  ])('$value lies where it always lay', ({ value, text, hash, of8 }) => {
    expect(encodeKey(value)).toBe(text);
    expect(hashKey(text)).toBe(hash);
    expect(partitionOf(text, 8)).toBe(of8);
  });

  test('comes back as the value that it was made of', () => {
    const values = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.array(fc.oneof(fc.string(), fc.maxSafeInteger())),
    );
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeKey(encodeKey(value))).toEqual(value);
      }),
    );
  });

  test.each([
    { fact: 'that is no number', value: { $int: 'abc' } },
    { fact: 'that is one', value: { $int: '12345678901234567890' } },
    { fact: 'beside others', value: { $int: 5, $$int: 6, a: [{ $int: null }, 12345678901234567890n] } },
    { fact: 'next to __proto__', value: JSON.parse('{"__proto__":1,"$int":"1"}') as unknown },
  ])('of a record with a field $int $fact is no big int, and comes back', ({ value }) => {
    expect(decodeKey(encodeKey(value))).toEqual(value);
    expect(encodeKey(value)).not.toBe(encodeKey(12345678901234567890n));
  });

  test('has another text than every different value', () => {
    const values = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.integer()));
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(encodeKey(a) === encodeKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  test('spreads over partitions', () => {
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < 80_000; i++) counts[partitionOf(encodeKey(i), 8)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(9_500);
    expect(Math.max(...counts)).toBeLessThan(10_500);
  });
});
