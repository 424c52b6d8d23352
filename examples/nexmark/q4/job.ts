// Average price for a category: of the winning bids of 10 seconds, every 5 seconds.
import { job, mean, sliding } from 'millrace';
import { nexmarkEvents, windowOf } from '../events.ts';
import { winningBids } from '../winning-bids.ts';

export const q4 = job('nexmark-q4', (j) => {
  winningBids(nexmarkEvents(j))
    .keyBy({ category: ({ auction }) => auction.category })
    .window(sliding('10s', '5s'))
    .aggregate({ price: mean(({ bid }) => bid.price) })
    .as('categories')
    // Math.round is half up
    .map((result) => ({
      window: windowOf(result),
      value: { category: result.category, price: Math.round(result.price ?? 0), isLast: true },
    }))
    .toFile('result.ndjson');
});
