// Bounded side input: bids with what a table says of their auction.
import { file, job } from 'millrace';
import { isBid, nexmarkEvents } from '../events.ts';

export const q13 = job('nexmark-q13', (j) => {
  const side = j.table('side-input', file({ path: '../data/side-input.csv', format: 'csv', schema: { key: 'int', value: 'string' } }), {
    key: 'key',
  });
  nexmarkEvents(j)
    .filter(isBid)
    .as('bids')
    .enrich({ side: side.lookup({ key: ({ value: bid }) => bid.auction % 10_000 }) })
    .as('looked-up')
    .flatMap(({ value: { auction, bidder, price, dateTime }, side: row }) =>
      row === null ? [] : [{ value: { auction, bidder, price, dateTime, value: row.value } }],
    )
    .toFile('result.ndjson');
});
