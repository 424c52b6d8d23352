// Bidding statistics: bids, bidders and auctions of a day, by three ranks of price.
import { count, distinct, job, tumbling } from 'millrace';
import { auctionOf, bidderOf, dayOf, isBid, isRank1, isRank2, isRank3, nexmarkEvents } from '../events.ts';

export const q15 = job('nexmark-q15', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .keyBy({ day: ({ ts }) => dayOf(ts) })
    .window(tumbling('1d'))
    .aggregate({
      total_bids: count(),
      rank1_bids: count({ where: isRank1 }),
      rank2_bids: count({ where: isRank2 }),
      rank3_bids: count({ where: isRank3 }),
      total_bidders: distinct(bidderOf),
      rank1_bidders: distinct(bidderOf, { where: isRank1 }),
      rank2_bidders: distinct(bidderOf, { where: isRank2 }),
      rank3_bidders: distinct(bidderOf, { where: isRank3 }),
      total_auctions: distinct(auctionOf),
      rank1_auctions: distinct(auctionOf, { where: isRank1 }),
      rank2_auctions: distinct(auctionOf, { where: isRank2 }),
      rank3_auctions: distinct(auctionOf, { where: isRank3 }),
    })
    .as('days')
    .map(({ windowStartMs: _start, windowEndMs: _end, ...value }) => ({ value }))
    .toFile('result.ndjson');
});
