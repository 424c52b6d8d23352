// The winning bid of each auction, given in the last ms before it expires: one actor per auction, a plain function.
//
// Events come out of order and bids before their auction, so the actor goes by what events say, not by when they come.

import type { Actor, Stream } from 'millrace';
import { isAuction, isBid } from './events.ts';
import type { Auction, AuctionEvent, Bid, BidEvent, NexmarkEvent } from './events.ts';

export type WinningBid = { readonly auction: Auction; readonly bid: Bid };

type AuctionState =
  | { readonly kind: 'unknown'; readonly bids: readonly Bid[] }
  | { readonly kind: 'open'; readonly auction: Auction; readonly best: Bid | null }
  | { readonly kind: 'over' };

/** How long bids wait for their auction, and how long it is remembered that an auction is over. */
const MEMORY_MS = 3_600_000;

export function winningBids(events: Stream<NexmarkEvent>): Stream<WinningBid> {
  return events
    .filter((event): event is AuctionEvent | BidEvent => isAuction(event) || isBid(event))
    .keyBy((event) => (event.type === 'auction' ? event.value.id : event.value.auction))
    .reduce(actor)
    .as('auctions');
}

const actor: Actor<AuctionEvent | BidEvent, AuctionState, WinningBid> = {
  init: () => ({ kind: 'unknown', bids: [] }),
  step: (state, event, context) => {
    if (context.timer === 'forget') return state.kind === 'open' ? state : null;
    if (context.timer === 'expired') {
      if (state.kind === 'open' && state.best !== null) context.emit({ auction: state.auction, bid: state.best });
      context.setTimer('forget', context.timeMs + MEMORY_MS, event);
      return { kind: 'over' };
    }
    switch (state.kind) {
      case 'unknown':
        if (event.type === 'auction') {
          const auction = event.value;
          context.clearTimer('forget');
          context.setTimer('expired', auction.expires - 1, event);
          return { kind: 'open', auction, best: state.bids.reduce<Bid | null>((best, bid) => better(auction, best, bid), null) };
        }
        if (state.bids.length === 0) context.setTimer('forget', context.timeMs + MEMORY_MS, event);
        return { kind: 'unknown', bids: [...state.bids, event.value] };
      case 'open':
        return event.type === 'bid' ? { ...state, best: better(state.auction, state.best, event.value) } : state;
      case 'over':
        return state;
    }
  },
};

/** The higher one of those that count; of equal prices the earlier. */
function better(auction: Auction, best: Bid | null, bid: Bid): Bid | null {
  if (bid.price < auction.reserve || bid.dateTime >= auction.expires) return best;
  if (best === null || bid.price > best.price) return bid;
  return bid.price === best.price && bid.dateTime < best.dateTime ? bid : best;
}
