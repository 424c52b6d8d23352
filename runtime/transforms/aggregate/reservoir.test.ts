import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cell } from './accumulators.ts';
import { makeReservoir } from './reservoir.ts';

const SIZE = 10;
const reservoir = makeReservoir({ size: SIZE });

function cellOf(events: readonly (readonly [value: unknown, timeMs: number])[]): Cell {
  const cell: Cell = [];
  reservoir.init(cell);
  for (const [value, timeMs] of events) reservoir.add(cell, 0, value, timeMs);
  return cell;
}

function merged(...cells: readonly Cell[]): Cell {
  const into = cellOf([]);
  for (const cell of cells) reservoir.merge(into, cell, 0);
  return into;
}

const drawn = (cell: Cell): unknown => reservoir.result(cell, 0);
const events = fc.array(fc.tuple(fc.nat(1_000), fc.nat(1_000)), { maxLength: 40 });

test('reservoir: up to its size all values, in the order of event time; beyond as many of them', () => {
  fc.assert(
    fc.property(events, (given) => {
      const found = drawn(cellOf(given)) as readonly unknown[];
      expect(found).toHaveLength(Math.min(SIZE, given.length));
      const rest = given.map(([value]) => value);
      for (const value of found) expect(rest.splice(rest.indexOf(value as number), 1)).toEqual([value]);
      if (given.length <= SIZE) expect(rest).toEqual([]);
    }),
  );
});

test('a replay draws the same ones, and parts merge in whatever order and grouping', () => {
  fc.assert(
    fc.property(events, events, events, (a, b, c) => {
      const cells = [a, b, c].map(cellOf) as [Cell, Cell, Cell];
      const before = structuredClone(cells);
      expect(drawn(cellOf(a))).toEqual(drawn(cells[0]));
      expect(drawn(merged(cells[2], merged(cells[1], cells[0])))).toEqual(drawn(merged(...cells)));
      expect(cells).toEqual(before);
    }),
  );
});

test.each([
  { how: 'in one cell', parts: 1 },
  { how: 'merged from 7 cells', parts: 7 },
])('H5 reservoir: each event is as likely as any other, $how', ({ parts }) => {
  const [rounds, count] = [4_000, 50];
  const taken = new Array<number>(count).fill(0);
  for (let round = 0; round < rounds; round++) {
    const all = Array.from({ length: count }, (_, i) => [`${round}/${i}`, round * count + i] as const);
    const cells = Array.from({ length: parts }, (_, part) => cellOf(all.filter((_event, i) => i % parts === part)));
    for (const value of drawn(merged(...cells)) as string[]) taken[Number(value.split('/')[1])]!++;
  }
  // Binomial with p = 1/5: a standard deviation is 25; all 50 within 5 of them.
  for (const times of taken) expect(Math.abs(times - (rounds * SIZE) / count)).toBeLessThan(125);
});
