// Monitor new users: who registers and opens an auction within the same 10 seconds.
import { job } from 'millrace';
import { isAuction, isPerson, nexmarkEvents } from '../events.ts';

export const q8 = job('nexmark-q8', (j) => {
  const events = nexmarkEvents(j);
  const users = events
    .filter(isPerson)
    .map(({ ts, value: { id, name } }) => ({ person: id, start: ts - (ts % 10_000), name }))
    .as('users');
  const auctions = events
    .filter(isAuction)
    .map(({ ts, value: { seller, reserve } }) => ({ person: seller, start: ts - (ts % 10_000), reserve }))
    .as('auctions');
  // the window is a part of the key, so only what lies in the same one meets
  const key = { person: (event: { person: number }) => event.person, start: (event: { start: number }) => event.start };
  auctions
    .keyBy(key)
    .join(users.keyBy(key), {
      within: '10s',
      select: ({ start, reserve }, { person, name }) => ({ window: [start, start + 10_000], value: { id: person, name, reserve } }),
    })
    .as('new-users')
    .toFile('result.ndjson');
});
