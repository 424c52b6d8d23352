// Auction statistics: number and prices of the bids of an auction and day.
import { count, job, max, mean, min, sum, tumbling } from 'millrace';
import { dayOf, isBid, isRank1, isRank2, isRank3, nexmarkEvents, priceOf } from '../events.ts';

export const q17 = job('nexmark-q17', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .keyBy({ auction: ({ value: bid }) => bid.auction, day: ({ ts }) => dayOf(ts) })
    .window(tumbling('1d'))
    .aggregate({
      total_bids: count(),
      rank1_bids: count({ where: isRank1 }),
      rank2_bids: count({ where: isRank2 }),
      rank3_bids: count({ where: isRank3 }),
      min_price: min(priceOf),
      max_price: max(priceOf),
      avg_price: mean(priceOf),
      sum_price: sum(priceOf),
    })
    .as('auctions')
    .map(({ windowStartMs: _start, windowEndMs: _end, ...value }) => ({ value }))
    .toFile('result.ndjson');
});
