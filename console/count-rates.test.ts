import { expect, test } from 'vitest';
import { CountRates } from './count-rates.ts';

test('a rate is the rise over the last three seconds; nothing at first, nothing after a fall', () => {
  const rates = new CountRates();
  const look = (atMs: number, count: number): number => {
    rates.begin(atMs);
    return rates.perS('a', count);
  };
  expect([look(0, 10), look(1_000, 110), look(2_000, 110), look(4_000, 410), look(5_000, 20)]).toEqual([0, 100, 50, 100, 0]);
});
