// Channel statistics: bids, bidders and auctions of a channel and day, by three ranks of price, and the minute of the last bid.
import { count, distinct, job, max, tumbling } from 'millrace';
import { auctionOf, bidderOf, channelEvents, dayOf, isChannelBid, isRank1, isRank2, isRank3, minuteOf } from '../events.ts';

export const q16 = job('nexmark-q16', (j) => {
  channelEvents(j)
    .filter(isChannelBid)
    .keyBy({ channel: ({ value: bid }) => bid.channel, day: ({ ts }) => dayOf(ts) })
    .window(tumbling('1d'))
    .aggregate({
      minute: max(({ ts }) => minuteOf(ts)),
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
    .as('channels')
    .map(({ windowStartMs: _start, windowEndMs: _end, ...value }) => ({ value }))
    .toFile('result.ndjson');
});
