// Currency conversion: the price of each bid in euros (of 0.89 to the dollar), in whole cents.
import { job } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q1 = job('nexmark-q1', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .map(({ value: bid }) => ({ value: { ...bid, price: Math.trunc((bid.price * 89) / 100) } }))
    .toFile('result.ndjson');
});
