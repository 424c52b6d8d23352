import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addToSketch, countOf, mergeSketches, type HyperLogLog } from './hyper-log-log.ts';

function sketchOf(texts: Iterable<string>, sketch: HyperLogLog = []): HyperLogLog {
  for (const text of texts) sketch = addToSketch(sketch, text);
  return sketch;
}
const numbered = (prefix: string, count: number): readonly string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

test.each([0, 1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000])(
  '%i different texts are counted within 2 %%',
  (count) => {
    for (const prefix of ['', 'user-', 'https://example.com/a/long/way/']) {
      const found = countOf(sketchOf(numbered(prefix, count)));
      expect(Math.abs(found - count), `${prefix}: ${found}`).toBeLessThanOrEqual(count * 0.02);
    }
  },
  300_000,
);

test('H2 over many sets the error is that of the method: no bias, and a deviation of less than a percent', () => {
  const errors = Array.from({ length: 200 }, (_, set) => countOf(sketchOf(numbered(`${set}/`, 5_000))) / 5_000 - 1);
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / errors.length);
  console.log(`200 sets of 5,000: mean error ${(mean * 100).toFixed(3)} %, deviation ${(deviation * 100).toFixed(3)} %`);
  expect(Math.abs(mean)).toBeLessThan(0.003);
  expect(deviation).toBeLessThan(0.0095);
});

test('merging is associative and commutative, repetition changes nothing, and parts give what the whole gives', () => {
  const part = fc
    .tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 4_000 }))
    .map(([from, count]) => numbered('t', from + count).slice(from));
  fc.assert(
    fc.property(part, part, part, (a, b, c) => {
      const whole = countOf(sketchOf([...a, ...b, ...c]));
      const merged = (...parts: readonly (readonly string[])[]): HyperLogLog =>
        parts.reduce<HyperLogLog>((into, each) => mergeSketches(into, sketchOf(each)), []);
      expect(countOf(merged(a, b, c))).toBe(whole);
      expect(countOf(merged(c, a, b, a))).toBe(whole);
      expect(countOf(mergeSketches(sketchOf(a), mergeSketches(sketchOf(b), sketchOf(c))))).toBe(whole);
    }),
    { numRuns: 40 },
  );
});

test('what is merged stays as it is', () => {
  for (const count of [10, 5_000]) {
    const from = sketchOf(numbered('a', count));
    const before = structuredClone(from);
    const into = mergeSketches([], from);
    sketchOf(numbered('b', 5_000), into);
    expect(from).toStrictEqual(before);
  }
});

test('few registers are a short list, many are bytes', () => {
  expect(sketchOf(numbered('a', 100))).toBeInstanceOf(Array);
  expect(sketchOf(numbered('a', 5_000))).toBeInstanceOf(Uint8Array);
});
