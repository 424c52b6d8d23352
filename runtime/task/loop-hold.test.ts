import { expect, test } from 'vitest';
import { LoopHold, lowestBehind } from './loop-hold.ts';

type Says = readonly [partition: number, watermark: number, taken: number, sends?: number | null];

/** Records of two partitions in lane order, the first at 1. */
function holdOf(records: readonly Says[], from = new LoopHold(2)): LoopHold {
  records.forEach(([partition, watermark, taken, lowMs = null], i) =>
    from.note(partition, { watermark, isIdle: false, sequence: taken }, { sequence: i + 1, lowMs }),
  );
  return from;
}

test.each<{ fact: string; records: readonly Says[]; watermark: number }>([
  { fact: 'who was not heard yet bounds it', records: [[0, 50, 0]], watermark: -Infinity },
  {
    fact: 'without anything under way it is the lowest of the other inputs',
    records: [
      [0, 50, 0],
      [1, 40, 0],
    ],
    watermark: 40,
  },
  {
    fact: 'what is under way keeps it behind its time',
    records: [
      [0, 50, 0, 31],
      [1, 40, 0],
    ],
    watermark: 30,
  },
  {
    fact: 'what all have taken in does not',
    records: [
      [0, 50, 0, 31],
      [1, 40, 1],
      [0, 50, 2],
    ],
    watermark: 40,
  },
  {
    fact: 'what one of them has not, does',
    records: [
      [0, 50, 0, 31],
      [1, 40, 1, 35],
      [0, 50, 1],
    ],
    watermark: 34,
  },
  {
    fact: 'a lower time that is sent later counts alone',
    records: [
      [0, 50, 0, 31],
      [1, 40, 0, 20],
    ],
    watermark: 19,
  },
])('$fact', ({ records, watermark }) => {
  expect(holdOf(records).together).toEqual({ watermark, isIdle: false });
});

test('it is idle when all other inputs are and nothing is under way', () => {
  const hold = new LoopHold(1);
  hold.note(0, { watermark: 7, isIdle: true, sequence: 0 }, { sequence: 1, lowMs: 5 });
  expect(hold.together).toEqual({ watermark: 4, isIdle: false });
  hold.note(0, { watermark: 7, isIdle: true, sequence: 1 }, { sequence: 2, lowMs: null });
  expect(hold.together).toEqual({ watermark: 7, isIdle: true });
});

const UNDER_WAY: readonly Says[] = [
  [0, 50, 0, 31],
  [1, 40, 0, 35],
];

test('what is known goes on from its numbers, in the same lane', () => {
  const [before, after] = [holdOf(UNDER_WAY), new LoopHold(2)];
  after.restore(before.numbers(), true);
  expect(after.numbers()).toEqual(before.numbers());
});

test('in another lane nothing is under way', () => {
  const after = new LoopHold(2);
  after.restore(holdOf(UNDER_WAY).numbers(), false);
  expect(after.together).toEqual({ watermark: 40, isIdle: false });
});

test('numbers of a release that had no such thing say nothing', () => {
  const after = new LoopHold(2);
  after.restore([], true);
  expect(after.together.watermark).toBe(-Infinity);
});

test('however much is under way, a record holds a bounded part of it, which is no higher', () => {
  const records = Array.from({ length: 200 }, (_, i): Says => [i % 2, 1_000, 0, 100 + i]);
  const hold = holdOf(records);
  expect(hold.numbers().length).toBeLessThan(80);
  expect(hold.together.watermark).toBe(99);
  // What all have taken in is of no matter, however it was put together: the next lies at 191.
  hold.note(0, { watermark: 1_000, isIdle: false, sequence: 190 }, { sequence: 201, lowMs: null });
  hold.note(1, { watermark: 1_000, isIdle: false, sequence: 190 }, { sequence: 202, lowMs: null });
  expect(hold.together.watermark).toBe(289);
});

test('what is late already holds nobody up', () => {
  expect(lowestBehind(10, [9, 10, 12, 11])).toBe(11);
  expect(lowestBehind(10, [9, 10])).toBeNull();
});
