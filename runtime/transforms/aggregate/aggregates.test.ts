import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AggregateSpec } from '../../../crds/stream-job/aggregates.ts';
import { BadDeclaration } from '../../base/issues.ts';
import { decodeValue, encodeValue } from '../../state/value-codec.ts';
import { compileAggregates } from './aggregates.ts';
import type { Aggregates, Cell } from './aggregates.ts';
import { CELL_VALUES_MAX } from './accumulators.ts';

type Drawn = { x?: unknown; t?: number };

const ALL: Record<string, AggregateSpec> = {
  count: { count: {} },
  sum: { sum: 'event.x' },
  min: { min: 'event.x' },
  max: { max: 'event.x' },
  mean: { mean: 'event.x' },
  first: { first: 'event.x' },
  last: { last: 'event.x' },
  collect: { collect: 'event.x' },
  distinct: { distinct: 'event.x' },
  approxDistinct: { approxDistinct: 'event.x' },
  top: { top: { limit: 3, by: 'event.x', value: 'event.x', ties: false } },
};
/** What parts give is what the whole gives but for the last digits. */
const ROUNDED: Record<string, AggregateSpec> = {
  variance: { variance: 'event.x' },
  stddev: { stddev: 'event.x' },
  quantiles: { quantiles: { of: 'event.x', at: [0, 0.5, 1] } },
};

function addAll(aggregates: Aggregates, events: readonly Drawn[], cell: Cell = aggregates.init()): Cell {
  events.forEach((event, i) => aggregates.add(cell, event, 'k', event.t ?? i, 0));
  return cell;
}

/** The result of one function over values, at the times 0, 1, 2 … */
function check(name: string, values: readonly unknown[], expected: unknown): void {
  const aggregates = compileAggregates({ it: (ALL[name] ?? ROUNDED[name])! });
  expect(
    aggregates.result(
      addAll(
        aggregates,
        values.map((x) => ({ x })),
      ),
    ),
  ).toStrictEqual({ it: expected });
}

describe('one function', () => {
  test.each<{ name: string; values: unknown[]; gives: unknown; fact?: string }>([
    { name: 'count', values: [], gives: 0 },
    { name: 'count', values: [null, 'a', 3], gives: 3 },
    { name: 'sum', values: [], gives: 0 },
    { name: 'sum', values: [null, null], gives: 0 },
    { name: 'sum', values: [1, null, 2.5], gives: 3.5 },
    { name: 'sum', values: [9007199254740993n, 2n], gives: 9007199254740995n },
    { name: 'sum', values: [9007199254740993n, -9007199254740000n, 7], gives: 1000 },
    { name: 'sum', values: [2n, 0.5], gives: 2.5 },
    { name: 'sum', values: [1, NaN], gives: NaN },
    { name: 'mean', values: [], gives: null },
    { name: 'mean', values: [null], gives: null },
    { name: 'mean', values: [1, null, 2], gives: 1.5 },
    { name: 'mean', values: [1n, 2n], gives: 1.5 },
    { name: 'min', values: [], gives: null },
    { name: 'min', values: [3, null, -2], gives: -2 },
    { name: 'min', values: [0, -0], gives: -0 },
    { name: 'min', values: [NaN, 7], gives: 7 },
    { name: 'min', values: ['\u{1f600}', '\uff5e'], gives: '\uff5e' },
    { name: 'max', values: ['b', 'a'], gives: 'b' },
    { name: 'max', values: [NaN, 7], gives: NaN },
    { name: 'max', values: [5n, 4], gives: 5 },
    { name: 'max', values: [2n ** 60n, 4], gives: 2n ** 60n },
    { name: 'first', values: [], gives: null },
    { name: 'first', values: [null, 1], gives: null },
    { name: 'first', values: ['a', 'b'], gives: 'a' },
    { name: 'last', values: ['a', 'b'], gives: 'b' },
    { name: 'collect', values: [], gives: [] },
    { name: 'collect', values: [2, null, { a: 1 }], gives: [2, null, { a: 1 }] },
    { name: 'distinct', values: [], gives: 0 },
    { name: 'distinct', values: [1, '1', 1, null, true, [1], [1], { a: 1, b: 2 }, { b: 2, a: 1 }, NaN, Infinity], gives: 7 },
    { name: 'approxDistinct', values: [], gives: 0 },
    { name: 'approxDistinct', values: [1, '1', 1, null, true, [1], [1], { a: 1, b: 2 }, { b: 2, a: 1 }, NaN, Infinity], gives: 7 },
    { name: 'variance', values: [], gives: null },
    { name: 'variance', values: [4, null], gives: null },
    { name: 'variance', values: [2, 4, 4, 4, 5, 5, 7, 9], gives: 32 / 7 },
    { name: 'variance', values: [1_000_000_001, 1_000_000_002n, 1_000_000_003], gives: 1 },
    { name: 'stddev', values: [1, 3], gives: Math.SQRT2 },
    { name: 'quantiles', values: [], gives: [null, null, null] },
    { name: 'quantiles', values: [5, null, 1n, 2, 10], gives: [1, 3.5, 10] },
  ])('$name of $values is $gives', ({ name, values, gives }) => check(name, values, gives));
});

test('an absent field is no value', () => {
  const aggregates = compileAggregates({ sum: { sum: (event: Drawn) => event.x }, first: { first: (event: Drawn) => event.x } });
  expect(aggregates.result(addAll(aggregates, [{}, { x: 4 }]))).toStrictEqual({ sum: 4, first: null });
});

test('first, last and collect go by event time, equal times by arrival', () => {
  const aggregates = compileAggregates({ first: ALL['first']!, last: ALL['last']!, collect: ALL['collect']! });
  const cell = addAll(aggregates, [
    { x: 'c', t: 5 },
    { x: 'a', t: 2 },
    { x: 'b', t: 2 },
    { x: 'd', t: 5 },
    { x: 'late', t: 3 },
  ]);
  expect(aggregates.result(cell)).toStrictEqual({ first: 'a', last: 'd', collect: ['a', 'b', 'late', 'c', 'd'] });
});

test('where counts in only what it holds for; the code of others is not run', () => {
  const aggregates = compileAggregates({
    n: { count: {}, where: 'event.x != null' },
    high: { sum: 'event.x * 2', where: 'event.x != null && event.x > 1' },
  });
  expect(aggregates.result(addAll(aggregates, [{ x: null }, { x: 1 }, { x: 2 }, { x: 3 }]))).toStrictEqual({ n: 3, high: 10 });
});

test('expressions see key and times', () => {
  const aggregates = compileAggregates({ keys: { first: 'key' }, times: { sum: 'timeMs' }, now: { max: 'nowMs' } });
  const cell = aggregates.init();
  aggregates.add(cell, {}, 'k', 5, 100);
  aggregates.add(cell, {}, 'k', 6, 200);
  expect(aggregates.result(cell)).toStrictEqual({ keys: 'k', times: 11, now: 200 });
});

test.each<{ fact: string; bad: Record<string, AggregateSpec>; x: unknown; message: RegExp }>([
  { fact: 'a text has no sum', bad: { total: { sum: 'event.x' } }, x: 'five', message: /total: sum and mean need numbers, not "five"/ },
  {
    fact: 'a text has no variance',
    bad: { spread: { variance: 'event.x' } },
    x: 'a',
    message: /spread: variance and stddev need numbers, not "a"/,
  },
  {
    fact: 'infinity has no rank',
    bad: { q: { quantiles: { of: 'event.x', at: [0.5] } } },
    x: Infinity,
    message: /q: quantiles need finite numbers, not Infinity/,
  },
  { fact: 'a bool has no mean', bad: { mean: { mean: 'event.x' } }, x: true, message: /not true/ },
  { fact: 'a list has no place in an order', bad: { top: { max: 'event.x' } }, x: [1], message: /top: min and max compare .* not \[1\]/ },
  { fact: 'an expression that fails', bad: { sum: { sum: 'event.missing.field' } }, x: 1, message: /missing/ },
  { fact: 'a condition that is no bool', bad: { n: { count: {}, where: 'event.x' } }, x: 5, message: /true or false/ },
])('$fact: the event is refused and the cell stays as it was', ({ bad, x, message }) => {
  const aggregates = compileAggregates({ before: { count: {} }, seen: { collect: 'event.x' }, ...bad });
  const cell = aggregates.init();
  expect(() => aggregates.add(cell, { x }, 'k', 0, 0)).toThrow(message);
  expect(cell).toStrictEqual(aggregates.init());
});

test('a key does not collect or tell apart more than it can carry', () => {
  const aggregates = compileAggregates({ collect: { collect: 'event.x' } });
  const cell = addAll(
    aggregates,
    Array.from({ length: CELL_VALUES_MAX }, (_, x) => ({ x })),
  );
  expect(() => aggregates.add(cell, { x: 1 }, 'k', 0, 0)).toThrow(/collects at most 65536/);
  const distinct = compileAggregates({ distinct: { distinct: 'event.x' } });
  const full = addAll(
    distinct,
    Array.from({ length: CELL_VALUES_MAX }, (_, x) => ({ x })),
  );
  expect(() => distinct.add(full, { x: 'new' }, 'k', 0, 0)).toThrow(/tells apart at most 65536/);
  distinct.add(full, { x: 7 }, 'k', 0, 0);
  expect(distinct.result(full)).toEqual({ distinct: CELL_VALUES_MAX });
});

test('two functions, or none, are a bad declaration', () => {
  expect(() => compileAggregates({ a: { count: {}, sum: 'event.x' } })).toThrow(BadDeclaration);
  expect(() => compileAggregates({ a: {} })).toThrow(/has no function/);
});

describe('merging', () => {
  const numeric = fc.oneof(
    fc.integer(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.constant(null),
    fc.constantFrom(-0, 0.5, 0.1, 1e300),
  );
  // Times of one cell differ from those of the others: U2 says nothing about equal ones.
  const events = (part: number) =>
    fc.array(fc.record({ x: numeric, t: fc.integer({ min: -50, max: 50 }).map((t) => t * 3 + part) }), { maxLength: 8 });
  const aggregates = compileAggregates(ALL);
  const stored = (list: readonly Drawn[]): Cell => decodeValue(encodeValue(addAll(aggregates, list))) as Cell;
  const merged = (...cells: Cell[]): Cell => {
    const into = aggregates.init();
    for (const cell of cells) aggregates.merge(into, cell);
    return into;
  };

  test('cells of parts give what one cell of all gives, in whatever order and grouping, also after a restore', () => {
    fc.assert(
      fc.property(events(0), events(1), events(2), (a, b, c) => {
        const whole = aggregates.result(addAll(aggregates, [...a, ...b, ...c]));
        const cells = [stored(a), stored(b), stored(c)] as const;
        const before = structuredClone(cells);
        expect(aggregates.result(merged(...cells))).toStrictEqual(whole);
        expect(aggregates.result(merged(cells[2], merged(cells[1], cells[0])))).toStrictEqual(whole);
        expect(cells).toStrictEqual(before);
      }),
    );
  });

  test('variance, deviation and quantiles of parts are those of the whole, but for rounding', () => {
    const plain = fc.array(fc.record({ x: fc.integer({ min: -1_000, max: 1_000 }) }), { maxLength: 20 });
    const rounded = compileAggregates(ROUNDED);
    const cellOf = (list: readonly Drawn[]): Cell => decodeValue(encodeValue(addAll(rounded, list))) as Cell;
    fc.assert(
      fc.property(plain, plain, plain, (a, b, c) => {
        const whole = rounded.result(addAll(rounded, [...a, ...b, ...c]));
        for (const parts of [
          [a, b, c],
          [c, a, b],
        ]) {
          const into = rounded.init();
          for (const part of parts) rounded.merge(into, cellOf(part));
          const found = rounded.result(into);
          expect(found['quantiles']).toEqual(whole['quantiles']);
          for (const name of ['variance', 'stddev'])
            if (whole[name] === null) expect(found[name]).toBeNull();
            else expect(found[name]).toBeCloseTo(whole[name] as number, 6);
        }
      }),
    );
  });

  test('a merged cell goes on by itself', () => {
    const from = addAll(aggregates, [{ x: 1 }]);
    const into = merged(from);
    addAll(aggregates, [{ x: 2 }], into);
    expect(aggregates.result(from)).toMatchObject({ count: 1, collect: [1], distinct: 1, sum: 1 });
    expect(aggregates.result(into)).toMatchObject({ count: 2, distinct: 2, sum: 3 });
  });
});
