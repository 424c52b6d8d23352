// The events of the Nexmark benchmark, and the source that all of its queries read.

import { file } from 'millrace';
import type { JobParts, Stream } from 'millrace';

export type Person = {
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  readonly dateTime: number;
  readonly extra: string;
};
export type Auction = {
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  /** Cents; no bid below it wins. */
  readonly reserve: number;
  readonly dateTime: number;
  /** Ms; no bid at or after it counts. */
  readonly expires: number;
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
};
export type Bid = {
  readonly auction: number;
  readonly bidder: number;
  /** Cents. */
  readonly price: number;
  readonly dateTime: number;
  readonly extra: string;
};

/** What the newer generator of nexmark/nexmark adds: where a bid came from. */
export type ChannelBid = Bid & { readonly channel: string; readonly url: string };

/** A line of the file. */
export type NexmarkEvent = { readonly type: string; readonly ts: number; readonly value: unknown };
export type PersonEvent = { readonly type: 'person'; readonly ts: number; readonly value: Person };
export type AuctionEvent = { readonly type: 'auction'; readonly ts: number; readonly value: Auction };
export type BidEvent = { readonly type: 'bid'; readonly ts: number; readonly value: Bid };

export type ChannelBidEvent = { readonly type: 'bid'; readonly ts: number; readonly value: ChannelBid };

export const isPerson = (event: NexmarkEvent): event is PersonEvent => event.type === 'person';
export const isAuction = (event: NexmarkEvent): event is AuctionEvent => event.type === 'auction';
export const isBid = (event: NexmarkEvent): event is BidEvent => event.type === 'bid';
export const isChannelBid = (event: NexmarkEvent): event is ChannelBidEvent => event.type === 'bid';

export const auctionOf = ({ value: bid }: BidEvent): number => bid.auction;
export const bidderOf = ({ value: bid }: BidEvent): number => bid.bidder;
export const priceOf = ({ value: bid }: BidEvent): number => bid.price;

/** Ranks of price: below 100.00, below 10,000.00, and the rest. */
export const isRank1 = ({ value: bid }: BidEvent): boolean => bid.price < 10_000;
export const isRank2 = ({ value: bid }: BidEvent): boolean => bid.price >= 10_000 && bid.price < 1_000_000;
export const isRank3 = ({ value: bid }: BidEvent): boolean => bid.price >= 1_000_000;

/** `2015-07-15`, in UTC. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
/** `17:05`, in UTC. */
export function minuteOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 16);
}

/** The source, with the parameters `events` (a file) and `out-of-order`. */
export function nexmarkEvents(j: JobParts): Stream<NexmarkEvent> {
  return source(j, { default: '../data/events.ndjson.gz', description: 'Nexmark events, one JSON object a line' });
}

/** The same, of events whose bids have `channel` and `url`. */
export function channelEvents(j: JobParts): Stream<NexmarkEvent> {
  const description = 'Nexmark events, one JSON object a line, whose bids have channel and url';
  return source(j, { default: '../data/events-with-channels.ndjson.gz', description });
}

function source(j: JobParts, events: { readonly default: string; readonly description: string }): Stream<NexmarkEvent> {
  const path = j.parameter('events', events);
  const maxOutOfOrder = j.parameter('out-of-order', { default: '1m', description: 'how far out of order events come' });
  const schema = { type: 'string', ts: 'timestamp', value: 'any' } as const;
  return j.source('events', file({ path, schema, eventTime: { at: 'ts', maxOutOfOrder } }));
}

/** `[start, end)` of a windowed result. */
export function windowOf(result: { readonly windowStartMs: number; readonly windowEndMs: number }): readonly [number, number] {
  return [result.windowStartMs, result.windowEndMs];
}
