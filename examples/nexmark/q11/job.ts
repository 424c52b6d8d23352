// User sessions: bids of a person with less than 10 seconds from one to the next.
import { count, job, session } from 'millrace';
import { isBid, nexmarkEvents, windowOf } from '../events.ts';

export const q11 = job('nexmark-q11', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .keyBy({ personId: ({ value: bid }) => bid.bidder })
    .window(session('10s'))
    .aggregate({ bids: count() })
    .as('sessions')
    .map((result) => ({ window: windowOf(result), value: { personId: result.personId, bidsPerSession: result.bids } }))
    .toFile('result.ndjson');
});
