// The rest of the suite: what the SQL of nexmark/nexmark says.

import { readFileSync } from 'node:fs';
import type { BidEvent, ChannelBid } from '../../../examples/nexmark/events.ts';
import { atEnd, auctionsOf, bidsOf, eachBid } from './model.ts';

type Bid = BidEvent['value'];

export const q10 = eachBid((bid) => ({ ...bid, dt: dayOf(bid), hm: minuteOf(bid) }));

/** Rows of the side input, read when the first bid comes. */
let side: ReadonlyMap<number, string> | null = null;
function readSide(): ReadonlyMap<number, string> {
  const [, ...lines] = readFileSync(new URL('../../../examples/nexmark/data/side-input.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  return new Map(lines.map((line) => line.split(',')).map(([key, value]) => [Number(key), value as string]));
}

export const q13 = eachBid(({ auction, bidder, price, dateTime }) => {
  side ??= readSide();
  const value = side.get(auction % 10_000);
  return value === undefined ? null : { auction, bidder, price, dateTime, value };
});

export const q14 = eachBid((bid) => {
  const price = bid.price * 0.908;
  if (price <= 1_000_000 || price >= 50_000_000) return null;
  const hour = Number(new Date(bid.dateTime).toISOString().slice(11, 13));
  const bidTimeType = hour >= 8 && hour <= 18 ? 'dayTime' : hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime';
  return { ...bid, price, bidTimeType, c_counts: [...bid.extra].filter((letter) => letter === 'c').length };
});

export const q15 = atEnd((events) =>
  [...Map.groupBy(bidsOf(events), dayOf)].map(([day, bids]) => ({ value: { day, ...statistics(bids) } })),
);

export const q16 = atEnd((events) =>
  [...Map.groupBy(bidsOf(events) as ChannelBid[], (bid) => `${bid.channel} ${dayOf(bid)}`).values()].map((bids) => {
    const [{ channel }] = bids as [ChannelBid];
    const minute = bids.map(minuteOf).sort().at(-1);
    return { value: { channel, day: dayOf(bids[0] as Bid), minute, ...statistics(bids) } };
  }),
);

export const q17 = atEnd((events) =>
  [...Map.groupBy(bidsOf(events), (bid) => `${bid.auction} ${dayOf(bid)}`).values()].map((bids) => {
    const prices = bids.map(({ price }) => price).sort((a, b) => a - b);
    const sum = prices.reduce((total, price) => total + price, 0);
    const [{ auction }] = bids as [Bid];
    const figures = { min_price: prices[0], max_price: prices.at(-1), avg_price: sum / prices.length, sum_price: sum };
    return { value: { auction, day: dayOf(bids[0] as Bid), ...counts(bids, 'bids', (some) => some.length), ...figures } };
  }),
);

/** Of bids in the same ms the higher one. */
export const q18 = atEnd((events) =>
  [...Map.groupBy(bidsOf(events), ({ auction, bidder }) => `${auction} ${bidder}`).values()].map((bids) => ({
    value: bids.sort((a, b) => b.dateTime - a.dateTime || b.price - a.price)[0],
  })),
);

/** Of equal prices the earlier bid ranks higher. */
export const q19 = atEnd((events) =>
  [...Map.groupBy(bidsOf(events), ({ auction }) => auction)].map(([auction, bids]) => ({
    value: { auction, bids: bids.sort((a, b) => b.price - a.price || a.dateTime - b.dateTime || b.bidder - a.bidder).slice(0, 10) },
  })),
);

export const q20 = atEnd((events) => {
  const auctions = new Map(auctionsOf(events).map((auction) => [auction.id, auction]));
  return bidsOf(events).flatMap(({ auction: id, bidder, price, dateTime, extra }) => {
    const auction = auctions.get(id);
    if (auction?.category !== 10) return [];
    const { itemName, description, initialBid, reserve, expires, seller, category } = auction;
    const bid = { auction: id, bidder, price, bidDateTime: dateTime, bidExtra: extra };
    const item = { itemName, description, initialBid, reserve, expires, seller, category };
    return [{ value: { ...bid, ...item, auctionDateTime: auction.dateTime, auctionExtra: auction.extra } }];
  });
});

const CHANNEL_IDS: Readonly<Record<string, string>> = { apple: '0', google: '1', facebook: '2', baidu: '3' };

export const q21 = eachBid((bid) => {
  const { auction, bidder, price, channel, url } = bid as ChannelBid;
  const asked = url.split('&').find((part) => part.startsWith('channel_id='));
  const id = CHANNEL_IDS[channel.toLowerCase()] ?? asked?.slice('channel_id='.length);
  return id === undefined ? null : { auction, bidder, price, channel, channel_id: id };
});

export const q22 = eachBid((bid) => {
  const { auction, bidder, price, channel, url } = bid as ChannelBid;
  const parts = url.split('/');
  return { auction, bidder, price, channel, dir1: parts[3], dir2: parts[4], dir3: parts[5] };
});

function dayOf({ dateTime }: Bid): string {
  return new Date(dateTime).toISOString().slice(0, 10);
}

function minuteOf({ dateTime }: Bid): string {
  return new Date(dateTime).toISOString().slice(11, 16);
}

function statistics(bids: readonly Bid[]): object {
  const different = (of: (bid: Bid) => number) => (some: readonly Bid[]) => new Set(some.map(of)).size;
  return {
    ...counts(bids, 'bids', (some) => some.length),
    ...counts(
      bids,
      'bidders',
      different(({ bidder }) => bidder),
    ),
    ...counts(
      bids,
      'auctions',
      different(({ auction }) => auction),
    ),
  };
}

/** Of all bids, and of those of each of three ranks of price. */
function counts(bids: readonly Bid[], what: string, countOf: (bids: readonly Bid[]) => number): Record<string, number> {
  return {
    [`total_${what}`]: countOf(bids),
    [`rank1_${what}`]: countOf(bids.filter(({ price }) => price < 10_000)),
    [`rank2_${what}`]: countOf(bids.filter(({ price }) => price >= 10_000 && price < 1_000_000)),
    [`rank3_${what}`]: countOf(bids.filter(({ price }) => price >= 1_000_000)),
  };
}
