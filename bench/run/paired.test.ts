import { expect, test } from 'vitest';
import { pairedShare, toldShare } from './paired.ts';

const upTo = (pairs: number): number[] => Array.from({ length: pairs }, (_, n) => Math.exp((n + 1) / 100));

// Wilcoxon's published critical values, both sides 5 %: the rank sum that is still unlikely.
test.each([
  { pairs: 6, critical: 0 },
  { pairs: 8, critical: 3 },
  { pairs: 10, critical: 8 },
  { pairs: 15, critical: 25 },
  { pairs: 20, critical: 52 },
  { pairs: 25, critical: 89 },
])('of $pairs pairs $critical means are left out on each side', ({ pairs, critical }) => {
  const shares = upTo(pairs);
  const logs = shares.map(Math.log);
  const means = logs.flatMap((a, i) => logs.slice(i).map((b) => (a + b) / 2)).toSorted((a, b) => a - b);
  const { interval } = pairedShare(shares);
  expect(interval?.map(Math.log)).toEqual([expect.closeTo(means[critical]!, 12), expect.closeTo(means[means.length - 1 - critical]!, 12)]);
});

test('one disturbed run of ten moves it by less than what the others differ by', () => {
  const quiet = [0.97, 0.98, 0.99, 0.96, 0.975, 0.985, 0.965, 0.97, 0.98, 0.97];
  const disturbed = quiet.with(3, 0.3);
  expect(pairedShare(disturbed).share).toBeCloseTo(pairedShare(quiet).share, 2);
  expect(pairedShare(quiet).share).toBeCloseTo(0.974, 2);
});

test('turned round it says the opposite', () => {
  const shares = [1.1, 0.9, 1.3, 1.02, 0.95, 1.2, 1.07];
  const { share, interval } = pairedShare(shares);
  const turned = pairedShare(shares.map((one) => 1 / one));
  expect(turned.share).toBeCloseTo(1 / share, 12);
  expect(turned.interval?.[0]).toBeCloseTo(1 / interval![1], 12);
});

test('of five pairs there is an estimate without an interval', () => {
  const five = pairedShare([0.9, 1, 1.1, 0.98, 0.97]);
  expect(five.interval).toBeNull();
  expect(toldShare(five)).toContain('too few pairs for an interval');
});

test('it is told in percent, with signs', () =>
  expect(toldShare({ share: 0.982, interval: [0.969, 0.996], quartiles: [0.96, 1.002] })).toBe(
    '−1.8 % (95 %: −3.1 … −0.4; quartiles −4.0, +0.2)',
  ));

test('nothing says nothing', () => expect(() => pairedShare([])).toThrow('no pairs'));
