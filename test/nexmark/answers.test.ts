import { expect, test } from 'vitest';
import { answersOf, differenceFromBeam, readAnswers } from './answers.ts';

test('the last prices that follow from Beam’s winning bids are among those that its query 6 gave', () => {
  const given = new Set(readAnswers('q6.pipeline').map(({ value }) => JSON.stringify([value['seller'], value['price']])));
  const followed = answersOf(6);
  expect(followed).toHaveLength(102);
  expect(followed.filter(({ value }) => !given.has(JSON.stringify([value['seller'], value['price']])))).toEqual([]);
});

test('and those of its model, but for the one seller where the model forgets the wrong bid', () => {
  const model = new Map(readAnswers('q6.model').map(({ value }) => [value['seller'], value['price']]));
  expect(model.size).toBe(102);
  expect(answersOf(6).filter(({ value }) => model.get(value['seller']) !== value['price'])).toHaveLength(1);
});

test.each([
  { fact: 'a result that is missing is told', from: 1, told: /^q2: 22 results expected, 21 found; 1 missing, 0 too many\n {2}- / },
  { fact: 'all that are there are no difference', from: 0, told: null },
  { fact: 'nothing at all is told', from: 22, told: /22 missing, 0 too many/ },
])('$fact', ({ from, told }) => {
  const lines = answersOf(2).map((result) => JSON.stringify(result));
  const difference = differenceFromBeam(2, lines.slice(from).join('\n'));
  if (told === null) expect(difference).toBeNull();
  else expect(difference).toMatch(told);
});

test('a result that comes twice, or in another window, is told', () => {
  const results = answersOf(5);
  const lines = results.map((result) => JSON.stringify(result));
  expect(differenceFromBeam(5, [...lines, lines[0]].join('\n'))).toMatch(/0 missing, 1 too many/);
  const [first, ...rest] = results;
  const moved = [{ ...first, window: [0, 1] }, ...rest].map((result) => JSON.stringify(result));
  expect(differenceFromBeam(5, moved.join('\n'))).toMatch(/1 missing, 1 too many/);
});
