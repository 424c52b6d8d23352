import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EMPTY_SUM, addExact, mergeExact, roundExact } from './exact-sum.ts';

const sumOf = (values: readonly number[]) => values.reduce(addExact, EMPTY_SUM);
const check = (values: readonly number[], expected: number) => expect(roundExact(sumOf(values))).toBe(expected);

test.each([
  { fact: 'nothing is 0', values: [], sum: 0 },
  { fact: 'tenths are exact', values: Array<number>(10).fill(0.1), sum: 1 },
  { fact: 'small addends survive large ones', values: [1e16, 1, -1e16], sum: 1 },
  { fact: 'far beyond 2^53 too', values: [2 ** 60, 1, -(2 ** 60), 1e-30], sum: 1 + 1e-30 },
  { fact: 'a tie is rounded by what lies below it', values: [1, 2 ** -53, 2 ** -80], sum: 1 + 2 ** -52 },
  { fact: 'a tie with nothing below goes to even', values: [1, 2 ** -53], sum: 1 },
  { fact: 'NaN sticks', values: [1, NaN, 2], sum: NaN },
  { fact: 'infinity sticks', values: [1, Infinity, -1e308], sum: Infinity },
  { fact: 'opposite infinities have no sum', values: [Infinity, 0.5, -Infinity], sum: NaN },
  { fact: 'minus zero adds nothing', values: [-0, -0], sum: 0 },
])('$fact', ({ values, sum }) => check(values, sum));

const double = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 });

/** The exact sum by integers: every double is a whole number of 2^-1074. */
function slowSum(values: readonly number[]): bigint {
  return values.reduce((sum, value) => sum + scaled(value), 0n);
}

function scaled(value: number): bigint {
  let exponent = 0;
  let whole = value;
  while (!Number.isInteger(whole)) {
    whole *= 2;
    exponent++;
  }
  return BigInt(whole) << BigInt(1074 - exponent);
}

test('the sum is the double nearest to the exact one, in whatever order and grouping', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(double, fc.integer(), fc.double({ min: -1, max: 1, noNaN: true })), { maxLength: 12 }),
      fc.nat(),
      (values, cut) => {
        const sum = roundExact(sumOf(values));
        const at = cut % (values.length + 1);
        expect(roundExact(mergeExact(sumOf(values.slice(at)), sumOf(values.slice(0, at))))).toBe(sum);
        expect(roundExact(sumOf(values.toReversed()))).toBe(sum);
        const exact = slowSum(values);
        const miss = distance(exact, scaled(sum));
        for (const neighbour of neighbours(sum)) expect(distance(exact, scaled(neighbour)) >= miss).toBe(true);
      },
    ),
  );
});

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

/** The doubles just below and above. */
function neighbours(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  return [bits + 1n, bits === 0n ? 1n : bits - 1n].map((near) => {
    view.setBigUint64(0, near);
    return (value < 0 ? -1 : 1) * view.getFloat64(0);
  });
}
