import { expect, test } from 'vitest';
import { editDistance, nearest, suggest } from './nearest.ts';

test.each([
  { left: '', right: 'abc', distance: 3 },
  { left: 'filter', right: 'filter', distance: 0 },
  { left: 'fliter', right: 'filter', distance: 1 },
  { left: 'keyby', right: 'keyBy', distance: 0 },
  { left: 'kitten', right: 'sitting', distance: 3 },
  { left: 'hourli', right: 'hourly', distance: 1 },
])('from $left to $right is $distance', ({ left, right, distance }) => {
  expect(editDistance(left, right)).toBe(distance);
  expect(editDistance(right, left)).toBe(distance);
});

test.each([
  { fact: 'a typing mistake finds its word', word: 'aggergate', among: ['filter', 'aggregate', 'window'], near: 'aggregate' },
  { fact: 'a wrong case finds its word', word: 'KEYBY', among: ['keyBy'], near: 'keyBy' },
  { fact: 'the first of equally near ones is taken', word: 'cat', among: ['bat', 'rat'], near: 'bat' },
  { fact: 'something else entirely finds nothing', word: 'transform', among: ['map', 'filter'], near: null },
  { fact: 'a short word allows one mistake', word: 'ma', among: ['map'], near: 'map' },
])('$fact', ({ word, among, near }) => expect(nearest(word, among)).toBe(near));

test.each([
  { word: 'fliter', among: ['filter', 'map'], says: 'did you mean "filter"?' },
  { word: 'zzz', among: ['filter', 'map'], says: 'allowed: filter, map' },
  { word: 'zzz', among: [], says: 'there are none' },
  {
    word: 'zzz',
    among: Array.from({ length: 14 }, (_, i) => `n${i}`),
    says: 'allowed: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11 and 2 more',
  },
])('$word among $among: $says', ({ word, among, says }) => expect(suggest(word, among)).toBe(says));
