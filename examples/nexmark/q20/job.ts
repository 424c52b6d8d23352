// Expand bids: each bid on an auction of category 10, with all of the auction.
import { job } from 'millrace';
import { isAuction, isBid, nexmarkEvents } from '../events.ts';

export const q20 = job('nexmark-q20', (j) => {
  const within = j.parameter('memory', { default: '365d', description: 'how far apart in time a bid and its auction still meet' });
  const events = nexmarkEvents(j);
  const bids = events
    .filter(isBid)
    .map(({ value: bid }) => ({ auction: bid.auction, bid }))
    .as('bids');
  const auctions = events
    .filter(isAuction)
    .as('all-auctions')
    .filter(({ value: auction }) => auction.category === 10)
    .map(({ value: auction }) => ({ id: auction.id, auction }))
    .as('auctions');
  bids
    .keyBy('auction')
    .join(auctions.keyBy('id'), {
      within,
      select: ({ bid }, { auction }) => ({
        value: {
          auction: bid.auction,
          bidder: bid.bidder,
          price: bid.price,
          bidDateTime: bid.dateTime,
          bidExtra: bid.extra,
          itemName: auction.itemName,
          description: auction.description,
          initialBid: auction.initialBid,
          reserve: auction.reserve,
          auctionDateTime: auction.dateTime,
          expires: auction.expires,
          seller: auction.seller,
          category: auction.category,
          auctionExtra: auction.extra,
        },
      }),
    })
    .as('expanded')
    .toFile('result.ndjson');
});
