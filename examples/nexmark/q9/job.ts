// Winning bids: the highest bid on each auction that reached its reserve before it expired.
import { job } from 'millrace';
import { nexmarkEvents } from '../events.ts';
import { winningBids } from '../winning-bids.ts';

export const q9 = job('nexmark-q9', (j) => {
  winningBids(nexmarkEvents(j))
    .map(({ auction, bid }) => ({ window: [auction.dateTime, auction.expires], value: { auction, bid } }))
    .toFile('result.ndjson');
});
