// Highest bid: of each 10 seconds.
import { job, top, tumbling } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q7 = job('nexmark-q7', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    // first of each auction, on all partitions; then of those few
    .keyBy({ auction: ({ value: bid }) => bid.auction })
    .window(tumbling('10s'))
    .aggregate({ bids: top(1, { by: ({ value: bid }) => bid.price, value: ({ value: bid }) => bid, ties: true }) })
    .as('highest-of-auction')
    .flatMap(({ windowStartMs, windowEndMs, bids }) => bids.map((bid) => ({ start: windowStartMs, end: windowEndMs, bid })))
    .keyBy({ start: (candidate) => candidate.start, end: (candidate) => candidate.end })
    .window(tumbling('10s'))
    .aggregate({ bids: top(1, { by: ({ bid }) => bid.price, value: ({ bid }) => bid, ties: true }) })
    .as('highest')
    .flatMap(({ start, end, bids }) => bids.map((bid) => ({ window: [start, end], value: bid })))
    .toFile('result.ndjson');
});
