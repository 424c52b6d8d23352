// Log: each bid with the day and minute of its time, by which a reader of the log finds it.
import { job } from 'millrace';
import { dayOf, isBid, minuteOf, nexmarkEvents } from '../events.ts';

export const q10 = job('nexmark-q10', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .map(({ value: bid }) => ({ value: { ...bid, dt: dayOf(bid.dateTime), hm: minuteOf(bid.dateTime) } }))
    .toFile('result.ndjson');
});
