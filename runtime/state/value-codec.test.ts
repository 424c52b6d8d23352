import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeValue, encodeValue } from './value-codec.ts';

function check(value: unknown): void {
  expect(decodeValue(encodeValue(value))).toStrictEqual(value);
}

test.each([
  { fact: 'minus zero stays minus zero', value: [-0, { a: -0 }, 0] },
  { fact: 'not-a-number and the infinities stay', value: [NaN, Infinity, -Infinity] },
  { fact: 'a small bigint stays a bigint', value: [5n, -5n, 0n, 2n ** 40n] },
  { fact: 'a bigint beyond 64 bits stays', value: [2n ** 63n, 2n ** 64n, -(2n ** 63n) - 1n, 2n ** 200n, -(2n ** 200n)] },
  { fact: 'a large number stays a number', value: [2 ** 32, 2 ** 53, 2 ** 63, 2 ** 64, -(2 ** 53), 1e300, 5e-324] },
  { fact: 'bytes stay bytes', value: { bytes: new Uint8Array([0, 255]) } },
  { fact: 'null and a missing field differ', value: [{ a: null }, {}] },
  { fact: 'an own field __proto__ stays a field', value: JSON.parse('{"a":1,"__proto__":{"x":-1},"b":[{"__proto__":null}]}') },
  { fact: 'a lone surrogate stays in a text and in a field name', value: ['\ud800', { 'a\udfff': '\ud800x' }] },
  { fact: 'odd values nest', value: JSON.parse('{"__proto__":{"__proto__":[-0,"\\ud800"]}}') },
])('$fact', ({ value }) => check(value));

test('whatever plain data it is given comes back', () => {
  const odd = fc.constantFrom<unknown>(-0, NaN, Infinity, 2 ** 53, '__proto__', '\ud800');
  const value = fc.anything({
    withBigInt: true,
    withNullPrototype: false,
    maxDepth: 4,
    values: [odd, fc.string({ unit: 'binary' }), fc.double(), fc.integer(), fc.bigInt(), fc.uint8Array(), fc.boolean(), fc.constant(null)],
  });
  fc.assert(fc.property(value, check), { numRuns: 2_000 });
});

test('a field __proto__ changes no prototype', () => {
  const value = decodeValue(encodeValue(JSON.parse('{"__proto__":{"admin":true}}'))) as { admin?: boolean };
  expect(value.admin).toBeUndefined();
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test('a value without oddities is not copied before it is encoded, a deep odd one costs one pass', () => {
  let deep: unknown = -0;
  for (let i = 0; i < 500; i++) deep = i % 2 === 0 ? [deep] : { deep };
  check(deep);
});
