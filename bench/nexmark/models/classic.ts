// The queries that Beam has answers for (but 4, 6 and 9), and bids counted by auction.

import { atEnd, auctionsOf, bidsOf, byWindow, eachBid, personsOf } from './model.ts';
import type { ModelMaker } from './model.ts';

const TEN_S = { sizeMs: 10_000 };

export const q0: ModelMaker = (emit) => ({ event: emit, end: () => {} });

export const q1 = eachBid((bid) => ({ ...bid, price: Math.trunc((bid.price * 89) / 100) }));

export const q2 = eachBid(({ auction, price }) => (auction % 123 === 0 ? { auction, price } : null));

export const q3 = atEnd((events) => {
  const persons = new Map(personsOf(events).map((person) => [person.id, person]));
  return auctionsOf(events).flatMap(({ id, seller, category }) => {
    const person = persons.get(seller);
    if (category !== 10 || person === undefined || !['OR', 'ID', 'CA'].includes(person.state)) return [];
    return [{ value: { name: person.name, city: person.city, state: person.state, id } }];
  });
});

export const q5 = atEnd((events) =>
  [...byWindow(bidsOf(events), { sizeMs: 10_000, everyMs: 5_000 }).values()].flatMap(({ window, items }) => {
    const counts = [...Map.groupBy(items, ({ auction }) => auction)].map(([auction, bids]) => ({ auction, num: bids.length }));
    return highest(counts, ({ num }) => num).map((value) => ({ window, value }));
  }),
);

export const q7 = atEnd((events) =>
  [...byWindow(bidsOf(events), TEN_S).values()].flatMap(({ window, items }) =>
    highest(items, ({ price }) => price).map((value) => ({ window, value })),
  ),
);

export const q8 = atEnd((events) => {
  const persons = byWindow(personsOf(events), TEN_S);
  return [...byWindow(auctionsOf(events), TEN_S).values()].flatMap(({ window, items }) => {
    const names = new Map(persons.get(window[0])?.items.map(({ id, name }) => [id, name]));
    return items.flatMap(({ seller, reserve }) => {
      const name = names.get(seller);
      return name === undefined ? [] : [{ window, value: { id: seller, name, reserve } }];
    });
  });
});

/** A session ends when the next bid is 10 s or more after the last one. */
export const q11 = atEnd((events) =>
  [...Map.groupBy(bidsOf(events), ({ bidder }) => bidder)].flatMap(([personId, bids]) => {
    const times = bids.map(({ dateTime }) => dateTime).sort((a, b) => a - b);
    const starts = times.flatMap((time, i) => (i === 0 || time - (times[i - 1] as number) >= 10_000 ? [i] : []));
    return starts.map((from, i) => {
      const session = times.slice(from, starts[i + 1] ?? times.length);
      const window = [session[0] as number, (session.at(-1) as number) + 10_000];
      return { window, value: { personId, bidsPerSession: session.length } };
    });
  }),
);

/** All of a bidder: where the wall clock cuts them nobody can foretell. */
export const q12 = atEnd((events) =>
  [...Map.groupBy(bidsOf(events), ({ bidder }) => bidder)].map(([personId, bids]) => ({
    value: { personId, bidsPerSession: bids.length },
  })),
);

export const count = atEnd((events) =>
  [...byWindow(bidsOf(events), TEN_S).values()].flatMap(({ window: [windowStartMs, windowEndMs], items }) =>
    [...Map.groupBy(items, ({ auction }) => auction)].map(([auction, bids]) => ({
      auction,
      windowStartMs,
      windowEndMs,
      bids: bids.length,
    })),
  ),
);

function highest<T>(items: readonly T[], rankOf: (item: T) => number): readonly T[] {
  const top = items.reduce((best, item) => Math.max(best, rankOf(item)), -Infinity);
  return items.filter((item) => rankOf(item) === top);
}
