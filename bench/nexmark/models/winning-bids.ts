// What follows from the winning bid of each auction: queries 4, 6 and 9.

import { atEnd, auctionsOf, bidsOf, windowsOf } from './model.ts';
import type { NexmarkLine, Span } from './model.ts';
import type { AuctionEvent, BidEvent } from '../../../examples/nexmark/events.ts';

type Sold = { readonly auction: AuctionEvent['value']; readonly bid: BidEvent['value'] };

/** Of the bids that reach the reserve before the auction expires, the highest, and of those the earliest. */
function winningBids(events: readonly NexmarkLine[]): Sold[] {
  const bids = Map.groupBy(bidsOf(events), ({ auction }) => auction);
  return auctionsOf(events).flatMap((auction) => {
    const valid = (bids.get(auction.id) ?? []).filter(({ price, dateTime }) => price >= auction.reserve && dateTime < auction.expires);
    const [bid] = valid.sort((a, b) => b.price - a.price || a.dateTime - b.dateTime);
    return bid === undefined ? [] : [{ auction, bid }];
  });
}

export const q4 = atEnd((events) => {
  const found = new Map<string, { readonly window: Span; readonly category: number; readonly prices: number[] }>();
  for (const { auction, bid } of winningBids(events)) {
    // sold in the last ms in which it could be bid on
    for (const window of windowsOf(auction.expires - 1, { sizeMs: 10_000, everyMs: 5_000 })) {
      const place = `${window[0]} ${auction.category}`;
      const held = found.get(place) ?? { window, category: auction.category, prices: [] };
      held.prices.push(bid.price);
      found.set(place, held);
    }
  }
  return [...found.values()].map(({ window, category, prices }) => ({
    window,
    value: { category, price: roundedMean(prices), isLast: true },
  }));
});

/** The last price of each seller: what came before it depends on the order of events. */
export const q6 = atEnd((events) =>
  [...Map.groupBy(winningBids(events), ({ auction }) => auction.seller)].map(([seller, sold]) => {
    const last = sold.map(({ bid }) => bid).sort((a, b) => b.dateTime - a.dateTime || b.price - a.price);
    return { value: { seller, price: roundedMean(last.slice(0, 10).map(({ price }) => price)) } };
  }),
);

export const q9 = atEnd((events) =>
  winningBids(events).map(({ auction, bid }) => ({ window: [auction.dateTime, auction.expires], value: { auction, bid } })),
);

/** Half up. */
function roundedMean(prices: readonly number[]): number {
  return Math.floor(prices.reduce((sum, price) => sum + price, 0) / prices.length + 0.5);
}
