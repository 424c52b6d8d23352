import { describe, expect, test } from 'vitest';
import { InputWatermarks, boundedOutOfOrder, minWatermark } from './watermark.ts';

test.each([
  { fact: 'the lowest holds', of: [5, 3, 9], is: 3 },
  { fact: 'one that knows nothing yet holds all back', of: [5, -Infinity], is: -Infinity },
  { fact: 'none at all hold nobody back', of: [], is: Infinity },
])('minimum: $fact', ({ of, is }) => expect(minWatermark(of)).toBe(is));

test('an event exactly as late as the bound allows is still after the watermark', () => {
  const watermark = boundedOutOfOrder({ highestMs: 100, maxOutOfOrderMs: 30 });
  expect(watermark).toBe(69);
  expect(70 > watermark).toBe(true);
});

describe('over several inputs', () => {
  // 0:5 = input 0 reaches 5; the lowest after each
  test.each([
    { fact: 'nothing is known before all have spoken', inputs: 2, steps: '0:5', lowest: '-Infinity' },
    { fact: 'the slowest holds', inputs: 2, steps: '0:5 1:3 1:4 1:7', lowest: '-Infinity 3 4 5' },
    { fact: 'an older watermark changes nothing', inputs: 1, steps: '0:5 0:3', lowest: '5 5' },
    { fact: 'an input that has ended holds nobody back', inputs: 2, steps: '0:5 1:3 1:Infinity', lowest: '-Infinity 3 5' },
    { fact: 'all ended: the end', inputs: 2, steps: '0:Infinity 1:Infinity', lowest: '-Infinity Infinity' },
    { fact: 'not-a-number changes nothing', inputs: 1, steps: '0:5 0:NaN', lowest: '5 5' },
  ])('$fact', ({ inputs, steps, lowest }) => {
    const watermarks = new InputWatermarks(inputs);
    const seen = steps.split(' ').map((step) => {
      const [index, watermark] = step.split(':').map(Number) as [number, number];
      const before = watermarks.lowest;
      expect(watermarks.advance(index, watermark)).toBe(watermarks.lowest > before);
      return watermarks.lowest;
    });
    expect(seen.join(' ')).toBe(lowest);
  });

  test('they are stored and made again as they stood', () => {
    const watermarks = new InputWatermarks(2);
    watermarks.advance(0, 5);
    watermarks.end(1);
    const again = new InputWatermarks(watermarks.values());
    expect(again.lowest).toBe(5);
    again.end(0);
    expect(again.isEnded).toBe(true);
  });
});
