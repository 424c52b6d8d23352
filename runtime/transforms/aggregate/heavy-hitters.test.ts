import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeValue, encodeValue } from '../../state/value-codec.ts';
import type { Cell } from './accumulators.ts';
import { makeHeavyHitters, type HeavyHitter } from './heavy-hitters.ts';

type Hitters = ReturnType<typeof makeHeavyHitters>;

function cellOf(hitters: Hitters, values: readonly unknown[]): Cell {
  const cell: Cell = [];
  hitters.init(cell);
  for (const value of values) hitters.add(cell, 0, value, 0);
  return decodeValue(encodeValue(cell)) as Cell;
}

/** What is promised of the values that were counted. */
function holdsFor(found: readonly HeavyHitter[], values: readonly unknown[], share: number): void {
  const times = Map.groupBy(values, (value) => value);
  const often = (value: unknown): number => times.get(value)?.length ?? 0;
  for (const { value, count, error } of found) {
    expect(count, 'no more than the truth').toBeLessThanOrEqual(often(value));
    expect(count + error, 'no less than the truth').toBeGreaterThanOrEqual(often(value));
    expect(often(value), 'none that has less than half of the share').toBeGreaterThanOrEqual((share * values.length) / 2);
  }
  const missed = [...times.keys()].filter((value) => often(value) >= share * values.length && !found.some((each) => each.value === value));
  expect(missed, 'all that have the share').toEqual([]);
  expect(found.map(({ count }) => count)).toEqual(found.map(({ count }) => count).toSorted((a, b) => b - a));
}

/** Some values often, most seldom. */
const uneven = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 4 })).map(([a, b]) => Math.floor(a ** b / 7)),
  {
    maxLength: 400,
  },
);
const shares = fc.constantFrom(0.05, 0.1, 0.3, 1);

test('H5 heavy hitters: all values with the share, none with less than half of it, counts within their error', () => {
  fc.assert(
    fc.property(uneven, shares, (values, share) => {
      const hitters = makeHeavyHitters({ share });
      holdsFor(hitters.result(cellOf(hitters, values), 0) as HeavyHitter[], values, share);
    }),
  );
});

test('the same of parts that are merged, in whatever order and grouping; no part is changed', () => {
  fc.assert(
    fc.property(uneven, uneven, uneven, shares, (a, b, c, share) => {
      const hitters = makeHeavyHitters({ share });
      const cells = [a, b, c].map((values) => cellOf(hitters, values)) as [Cell, Cell, Cell];
      const before = structuredClone(cells);
      const merged = (...parts: readonly Cell[]): Cell => {
        const into = cellOf(hitters, []);
        for (const part of parts) hitters.merge(into, part, 0);
        return into;
      };
      for (const whole of [merged(...cells), merged(cells[2], merged(cells[1], cells[0]))])
        holdsFor(hitters.result(whole, 0) as HeavyHitter[], [...a, ...b, ...c], share);
      const [ab, ba] = [merged(cells[0], cells[1]), merged(cells[1], cells[0])];
      expect(hitters.result(ab, 0)).toEqual(hitters.result(ba, 0));
      expect(cells).toEqual(before);
    }),
  );
});

test('few different values are counted exactly, whatever they are', () => {
  const hitters = makeHeavyHitters({ share: 0.1 });
  const values = ['a', 'a', 'a', 1, 1, NaN, [1, 2], [1, 2], 9007199254740993n];
  expect(hitters.result(cellOf(hitters, values), 0)).toEqual([
    { value: 'a', count: 3, error: 0 },
    { value: 1, count: 2, error: 0 },
    { value: [1, 2], count: 2, error: 0 },
    { value: NaN, count: 1, error: 0 },
    { value: 9007199254740993n, count: 1, error: 0 },
  ]);
  expect(hitters.result(cellOf(hitters, []), 0)).toEqual([]);
});

test('a million different values leave a cell of bounded size', () => {
  const hitters = makeHeavyHitters({ share: 0.01 });
  const cell: Cell = [];
  hitters.init(cell);
  for (let i = 0; i < 1_000_000; i++) hitters.add(cell, 0, i % 50 === 0 ? 'hot' : i, 0);
  expect((cell[2] as unknown[]).length).toBeLessThanOrEqual(2 * 200);
  expect((hitters.result(cell, 0) as HeavyHitter[])[0]?.value).toBe('hot');
});
