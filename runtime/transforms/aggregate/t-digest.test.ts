import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addToDigest, emptyDigest, mergeDigests, quantileOf, type TDigest } from './t-digest.ts';

function digestOf(values: readonly number[]): TDigest {
  const digest = emptyDigest();
  for (const value of values) addToDigest(digest, value);
  return digest;
}

/** How far the share of values below (and not above) what was found is from `q`; 0 when `q` lies between them. */
function rankError(values: readonly number[], q: number, found: number): number {
  const below = values.filter((value) => value < found).length / values.length;
  const upTo = values.filter((value) => value <= found).length / values.length;
  return Math.max(0, below - q, q - upTo);
}

const SHARES = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1];
/** A linear congruential generator: the same values each time. */
function drawn(count: number, seed: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32);
}

const shapes: Readonly<Record<string, (x: number, i: number) => number>> = {
  even: (x) => x,
  'with a long tail': (x) => (-Math.log(1 - x)) ** 3,
  'of few values': (x) => Math.floor(x * 7),
  ascending: (x, i) => i + x,
  descending: (x, i) => -i - x,
  'in two far groups': (x, i) => (i % 2 === 0 ? x : 1e12 + x),
};

test.each(Object.entries(shapes))('20,000 values %s: every rank is right within 1 %%', (_name, shape) => {
  const values = drawn(20_000, 7).map(shape);
  const digest = digestOf(values);
  for (const q of SHARES) expect(rankError(values, q, quantileOf(digest, q) as number), `${q}`).toBeLessThanOrEqual(0.01);
  expect([quantileOf(digest, 0), quantileOf(digest, 1)]).toEqual([Math.min(...values), Math.max(...values)]);
});

test.each(Object.entries(shapes))('H3 merged from 100 parts, %s, in any grouping: within 1 %%', (_name, shape) => {
  const values = drawn(30_000, 11).map(shape);
  const parts = Array.from({ length: 100 }, (_, part) => values.filter((_value, i) => (i * 7 + (i >> 5)) % 100 === part)).map(digestOf);
  const chain = emptyDigest();
  for (const part of parts.toReversed()) mergeDigests(chain, part);
  const tree = (from: number, to: number): TDigest => {
    if (to - from === 1) return structuredClone(parts[from]!);
    const middle = (from + to) >>> 1;
    const left = tree(from, middle);
    mergeDigests(left, tree(middle, to));
    return left;
  };
  for (const digest of [chain, tree(0, parts.length)]) {
    for (const q of SHARES) expect(rankError(values, q, quantileOf(digest, q) as number), `${q}`).toBeLessThanOrEqual(0.01);
    expect(digest.means.length).toBeLessThan(700);
  }
});

test('up to 512 values are exact, also when merged: between the two nearest, linearly', () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 200 }),
      fc.array(value, { maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (a, b, q) => {
        const digest = digestOf(a);
        mergeDigests(digest, digestOf(b));
        const sorted = [...a, ...b].toSorted((x, y) => x - y);
        const place = q * (sorted.length - 1);
        const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
        if (low === undefined || high === undefined) expect(quantileOf(digest, q)).toBeNull();
        else expect(quantileOf(digest, q)).toBeCloseTo(low + (high - low) * (place - Math.floor(place)), 3);
      },
    ),
  );
});

test('what is merged, or asked, stays as it is', () => {
  for (const count of [10, 5_000]) {
    const from = digestOf(drawn(count, 3));
    const before = structuredClone(from);
    const into = emptyDigest();
    mergeDigests(into, from);
    for (const value of drawn(2_000, 5)) addToDigest(into, value);
    quantileOf(from, 0.5);
    expect(from).toStrictEqual(before);
  }
});
