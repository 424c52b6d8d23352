// Local item suggestion: who sells in a category in three states, and what.
import { job } from 'millrace';
import { isAuction, isPerson, nexmarkEvents } from '../events.ts';

export const q3 = job('nexmark-q3', (j) => {
  const memory = j.parameter('memory', { default: '365d', description: 'how far apart in time a person and an auction still meet' });
  const events = nexmarkEvents(j);
  const offers = events
    .filter(isAuction)
    .flatMap(({ value: auction }) => (auction.category === 10 ? [{ person: auction.seller, auction: auction.id }] : []))
    .as('offers');
  const locals = events
    .filter(isPerson)
    .flatMap(({ value: { id, name, city, state } }) => (['OR', 'ID', 'CA'].includes(state) ? [{ person: id, name, city, state }] : []))
    .as('locals');
  offers
    .keyBy('person')
    .join(locals.keyBy('person'), {
      within: memory,
      select: ({ auction }, { name, city, state }) => ({ value: { name, city, state, id: auction } }),
    })
    .as('suggestions')
    .toFile('result.ndjson');
});
