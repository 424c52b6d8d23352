import { expect, test } from 'vitest';
import { ReadPlaces } from './read-places.ts';

const [first, second] = [{ n: 1 }, { n: 2 }];

test.each([
  { fact: 'an event that was read has its place', event: second, says: 'line 9' },
  { fact: 'what a transform made of one has those of all that was read with it', event: { n: 2 }, says: 'line 4 to 12' },
  { fact: 'a number may be any of those', event: 7, says: 'line 4 to 12' },
])('$fact', ({ event, says }) => expect(new ReadPlaces('line', [first, second, 7], [4, 9, 12]).of(event)).toBe(says));

test('of one event all has its place; of none there is none', () => {
  expect(new ReadPlaces('seq', [first], [4]).of({ n: 1 })).toBe('seq 4');
  expect(new ReadPlaces('seq', [], []).of(null)).toBeNull();
});
