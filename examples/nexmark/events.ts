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

/** A line of the file. */
export type NexmarkEvent = { readonly type: string; readonly ts: number; readonly value: unknown };
export type PersonEvent = { readonly type: 'person'; readonly ts: number; readonly value: Person };
export type AuctionEvent = { readonly type: 'auction'; readonly ts: number; readonly value: Auction };
export type BidEvent = { readonly type: 'bid'; readonly ts: number; readonly value: Bid };

export const isPerson = (event: NexmarkEvent): event is PersonEvent => event.type === 'person';
export const isAuction = (event: NexmarkEvent): event is AuctionEvent => event.type === 'auction';
export const isBid = (event: NexmarkEvent): event is BidEvent => event.type === 'bid';

/** The source, with the parameters `events` (a file) and `out-of-order`. */
export function nexmarkEvents(j: JobParts): Stream<NexmarkEvent> {
  const path = j.parameter('events', { default: '../data/events.ndjson.gz', description: 'Nexmark events, one JSON object a line' });
  const maxOutOfOrder = j.parameter('out-of-order', { default: '5s', description: 'how far out of order events come' });
  const schema = { type: 'string', ts: 'timestamp', value: 'any' } as const;
  return j.source('events', file({ path, schema, eventTime: { at: 'ts', maxOutOfOrder } }));
}

/** `[start, end)` of a windowed result. */
export function windowOf(result: { readonly windowStartMs: number; readonly windowEndMs: number }): readonly [number, number] {
  return [result.windowStartMs, result.windowEndMs];
}
