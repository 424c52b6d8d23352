import { expect, test } from 'vitest';
import type { DeadLetter } from '../runtime/event/batch.ts';
import { DeadLetterGroups } from './dead-letter-groups.ts';

const letter = (more: Partial<DeadLetter>): DeadLetter => ({
  code: 'MR3002',
  at: 'a',
  message: 'm',
  issues: [],
  event: {},
  place: null,
  timeMs: null,
  key: null,
  ...more,
});

function told(...letters: DeadLetter[]) {
  const groups = new DeadLetterGroups();
  for (const one of letters) groups.add(one);
  return groups.told(null);
}

test('one cause is one group, whatever line and value it names', () => {
  const { groups, total } = told(
    letter({ message: 'line 3: found "x", expected a number', place: 'line 3' }),
    letter({ message: 'line 71: found "yy", expected a number', place: 'line 71', timeMs: 5 }),
    letter({ message: 'division by zero' }),
  );
  expect(total).toBe(3);
  expect(groups.map(({ count, lastMs }) => [count, lastMs])).toEqual([
    [2, 5],
    [1, null],
  ]);
  expect(groups[0]?.samples.map(({ place }) => place)).toEqual(['line 71', 'line 3']);
});

test('a key is shown as it was written', () => expect(told(letter({ key: '\u0000{"a":1}' })).groups[0]?.samples[0]?.key).toBe('{"a":1}'));

test('whatever comes is bounded: groups, samples, and the length of each', () => {
  const letters = Array.from({ length: 1_000 }, (_, at) =>
    letter({ at: `t${at % 300}x`, message: 'y'.repeat(10_000), event: 'z'.repeat(100_000) }),
  );
  const { groups, total } = told(...letters);
  expect(total).toBe(1_000);
  expect(groups).toHaveLength(200);
  expect(JSON.stringify(groups).length).toBeLessThan(200 * 4 * 5_000);
});

test('what is no dead letter does no harm', () => {
  expect(told({ code: 7, message: null, issues: 'x', key: '\u0000{' } as unknown as DeadLetter).total).toBe(1);
});

test('what is decided about a letter is counted once, in its group and at the letter', () => {
  const groups = new DeadLetterGroups();
  for (const id of ['1-0', '2-0', '3-0']) groups.add(letter({}), id);
  groups.add(letter({ at: 'b' }), '4-0');
  expect(groups.decide('1-0', 'redriven')).toBe(true);
  expect(groups.decide('1-0', 'dropped')).toBe(false);
  expect(groups.decide('3-0', 'dropped')).toBe(true);
  expect(groups.decide('9-9', 'dropped')).toBe(false);
  const [first, second] = groups.told(null).groups;
  expect(first).toMatchObject({ count: 3, open: 1, redriven: 1, dropped: 1 });
  expect(first?.samples.map(({ id, state }) => [id, state])).toEqual([
    ['3-0', 'dropped'],
    ['2-0', 'open'],
    ['1-0', 'redriven'],
  ]);
  expect(second).toMatchObject({ at: 'b', open: 1 });
  expect(groups.told(null)).toMatchObject({ total: 4, open: 2 });
});
