// Calculation: dear bids in another currency, with the time of day and how often the letter c stands in a text.
import { job } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q14 = job('nexmark-q14', (j) => {
  nexmarkEvents(j)
    .filter(isBid)
    .as('bids')
    .filter(({ value: bid }) => bid.price * 0.908 > 1_000_000 && bid.price * 0.908 < 50_000_000)
    .map(({ value: bid }) => {
      const hour = new Date(bid.dateTime).getUTCHours();
      const bidTimeType = hour >= 8 && hour <= 18 ? 'dayTime' : hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime';
      return { value: { ...bid, price: bid.price * 0.908, bidTimeType, c_counts: bid.extra.split('c').length - 1 } };
    })
    .toFile('result.ndjson');
});
