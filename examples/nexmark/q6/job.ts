// Average selling price by seller: of the last 10 auctions that were won, told whenever one more is.
import { job, top } from 'millrace';
import { nexmarkEvents } from '../events.ts';
import { winningBids } from '../winning-bids.ts';

export const q6 = job('nexmark-q6', (j) => {
  winningBids(nexmarkEvents(j))
    .keyBy({ seller: ({ auction }) => auction.seller })
    .aggregate({ prices: top(10, { by: ({ bid }) => [bid.dateTime, bid.price], value: ({ bid }) => bid.price }) })
    .as('sellers')
    // Math.round is half up
    .map(({ seller, prices }) => ({ value: { seller, price: Math.round(prices.reduce((sum, price) => sum + price, 0) / prices.length) } }))
    .toFile('result.ndjson');
});
