// Top ten bids of each auction, told anew whenever they change.
import { job, top } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q19 = job('nexmark-q19', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .keyBy({ auction: ({ value: bid }) => bid.auction })
    // of equal prices the earlier bid ranks higher
    .aggregate({ bids: top(10, { by: ({ value: bid }) => [bid.price, -bid.dateTime, bid.bidder], value: ({ value: bid }) => bid }) })
    .as('top-bids')
    .map(({ auction, bids }) => ({ value: { auction, bids } }))
    .toFile('result.ndjson');
});
