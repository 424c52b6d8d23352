// Last bid: of each bidder on each auction, told anew whenever there is a later one.
import { job, top } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q18 = job('nexmark-q18', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .keyBy({ auction: ({ value: bid }) => bid.auction, bidder: ({ value: bid }) => bid.bidder })
    // of bids in the same ms the higher one
    .aggregate({ bids: top(1, { by: ({ value: bid }) => [bid.dateTime, bid.price], value: ({ value: bid }) => bid }) })
    .as('last-bids')
    .map(({ bids: [bid] }) => ({ value: bid }))
    .toFile('result.ndjson');
});
