// Hot items: the auctions with the most bids of 10 seconds, every 5 seconds.
import { count, job, sliding, top, tumbling } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q5 = job('nexmark-q5', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .keyBy({ auction: ({ value: bid }) => bid.auction })
    .window(sliding('10s', '5s'))
    .aggregate({ num: count() })
    .as('counts')
    .keyBy({ start: (result) => result.windowStartMs, end: (result) => result.windowEndMs })
    // a result has the time of its window's last ms: of all windows that end every 5 seconds, one ends in each 5 seconds
    .window(tumbling('5s'))
    .aggregate({ items: top(1, { by: (result) => result.num, value: ({ auction, num }) => ({ auction, num }), ties: true }) })
    .as('hottest')
    .flatMap(({ start, end, items }) => items.map((item) => ({ window: [start, end], value: item })))
    .toFile('result.ndjson');
});
