// Processing-time windows: bids of a person in 10 seconds of the wall clock.
import { count, job, tumbling } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q12 = job('nexmark-q12', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    // the clocks of workers may differ a little
    .eventTime({ at: (_event, _key, _timeMs, nowMs) => nowMs, maxOutOfOrder: '5s' })
    .as('timed')
    .keyBy({ personId: ({ value: bid }) => bid.bidder })
    .window(tumbling('10s'))
    .aggregate({ bids: count() })
    .as('counts')
    .map(({ personId, bids }) => ({ value: { personId, bidsPerSession: bids } }))
    .toFile('result.ndjson');
});
