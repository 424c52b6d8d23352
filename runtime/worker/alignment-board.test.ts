import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import { AlignmentBoard, isAhead, type SplitTime } from './alignment-board.ts';

/** `a5`: split a has come to 5; `a?`: it has none yet; `ai5`: it is idle; `a-`: it has ended; `2a5`: by its second owner. */
function timeOf(text: string): SplitTime {
  const [, epoch, task, is, at] = /^(\d?)([a-z])([i-]?)(\d+|\??)$/.exec(text) ?? [];
  if (task === undefined) throw new Error(text);
  const watermark = at === undefined || at === '' || at === '?' ? null : Number(at);
  return { task, epoch: epoch === '' ? 1 : Number(epoch), watermark, is: is === 'i' ? 'idle' : is === '-' ? 'ended' : 'open' };
}

describe('the lowest of a group of the splits a, b and c', () => {
  test.each([
    { fact: 'is the one that is furthest behind', told: 'a5 b3 c9', lowest: 3 },
    { fact: 'is nothing while one was not heard of', told: 'a5 b3', lowest: WATERMARK_MIN },
    { fact: 'is nothing while one has said nothing', told: 'a5 b3 c?', lowest: WATERMARK_MIN },
    { fact: 'is not one that is idle', told: 'a5 bi3 c9', lowest: 5 },
    { fact: 'is one that was idle and speaks', told: 'a5 bi3 c9 b4', lowest: 4 },
    { fact: 'is not one that has ended', told: 'a5 b- c9', lowest: 5 },
    { fact: 'is nobody when all are idle or have ended', told: 'ai5 b- ci9', lowest: WATERMARK_MAX },
    { fact: 'goes by the newer owner, who may have gone back', told: 'a5 b8 c9 2b2 b9', lowest: 2 },
    { fact: 'knows nothing of others', told: 'a5 b3 c9 z1', lowest: 3 },
  ])('$fact', ({ told, lowest }) => {
    const board = new AlignmentBoard();
    board.update(new Map([['g', ['a', 'b', 'c']]]));
    for (const text of told.split(' ')) board.hear(timeOf(text));
    expect(board.lowest('g')).toBe(lowest);
  });
});

test('only what changes something is news', () => {
  const board = new AlignmentBoard();
  board.update(new Map([['g', ['a']]]));
  expect(['a5', 'a5', 'ai5', 'z5', '2a5', '2a6', 'a9'].map((text) => board.hear(timeOf(text)))).toEqual([
    true,
    false,
    true,
    false,
    true,
    true,
    false,
  ]);
});

test('what was told stays when groups change', () => {
  const board = new AlignmentBoard();
  board.update(new Map([['g', ['a', 'b']]]));
  board.hear(timeOf('a5'));
  board.hear(timeOf('b3'));
  board.update(new Map([['h', ['a']]]));
  expect([board.lowest('h'), board.lowest('g')]).toEqual([5, WATERMARK_MAX]);
});

test('a split that is furthest behind is never ahead, whatever the drift', () => {
  expect([
    isAhead(3, 3, 1),
    isAhead(WATERMARK_MIN, WATERMARK_MIN, 1),
    isAhead(5, 3, 2),
    isAhead(6, 3, 2),
    isAhead(9, WATERMARK_MAX, 1),
  ]).toEqual([false, false, false, true, false]);
});

const told: fc.Arbitrary<readonly SplitTime[]> = fc.array(
  fc.record({
    task: fc.constantFrom('a', 'b', 'c', 'd'),
    epoch: fc.integer({ min: 1, max: 3 }),
    watermark: fc.option(fc.integer({ min: 0, max: 20 })),
    is: fc.constantFrom('open', 'idle', 'ended'),
  }),
  { maxLength: 40 },
);

test('the board equals a search through all that was told', () => {
  fc.assert(
    fc.property(told, (times) => {
      const board = new AlignmentBoard();
      board.update(new Map([['g', ['a', 'b', 'c', 'd']]]));
      for (const time of times) board.hear(time);
      const newest = ['a', 'b', 'c', 'd'].map((task) => {
        const own = times.filter((time) => time.task === task);
        const epoch = Math.max(...own.map((time) => time.epoch));
        return own.findLast((time) => time.epoch === epoch);
      });
      const counts = newest.filter((time) => time === undefined || time.is === 'open').map((time) => time?.watermark ?? WATERMARK_MIN);
      expect(board.lowest('g')).toBe(Math.min(...counts, WATERMARK_MAX));
    }),
  );
});
