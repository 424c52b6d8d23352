// Selection: bids on every 123rd auction.
import { job } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q2 = job('nexmark-q2', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .as('bids')
    .filter(({ value: bid }) => bid.auction % 123 === 0)
    .map(({ value: { auction, price } }) => ({ value: { auction, price } }))
    .toFile('result.ndjson');
});
