// The functions that an aggregate may use, each as a few slots of a flat cell.
//
// A cell is one array for all aggregates of a stage: cheap to keep, small in a delta. An accumulator owns the slots from
// `at` on.
//   U1. `check` decides, and may throw; `add` then cannot fail. So a cell is changed by a whole event or not at all.
//   U2. `merge` is associative, and commutative but for events of equal time in first, last and collect, where `into` counts
//       as earlier.
//   U3. count, sum, mean, min, max, distinct and approxDistinct do not depend on the order in which events come. variance and stddev
//       do in their last digits, quantiles as t-digest.ts says, heavyHitters and reservoir within what their files promise.

import type { AggregateSpec } from '../../../crds/stream-job/aggregates.ts';
import { EventRefused, describeValue } from '../failure.ts';
import { EMPTY_SUM, addExact, mergeExact, roundExact } from './exact-sum.ts';
import type { ExactSum } from './exact-sum.ts';
import { addToSketch, countOf, mergeSketches } from './hyper-log-log.ts';
import type { HyperLogLog } from './hyper-log-log.ts';
import { textOf } from './value-text.ts';
import { compareValues, isComparable } from './value-order.ts';
import type { Comparable } from './value-order.ts';

/** The aggregates of one key: plain data, changed in place by its owner. */
export type Cell = unknown[];

export interface Accumulator {
  readonly slots: number;
  /** True: null (or an absent field) is no value and is not added. */
  readonly skipsNull: boolean;
  /** Pushes its slots. */
  init(cell: Cell): void;
  /** Throws EventRefused with a message for people when `value` cannot be added. Changes nothing. */
  check(value: unknown, cell: Cell, at: number): void;
  add(cell: Cell, at: number, value: unknown, timeMs: number): void;
  /** Takes back what was added, wholly. False: nothing is changed, and only the values that are left tell the figure. Absent: always so. */
  remove?(cell: Cell, at: number, value: unknown, timeMs: number): boolean;
  /** `from` stays as it is. */
  merge(into: Cell, from: Cell, at: number): void;
  result(cell: Cell, at: number): unknown;
}

/** Those that take one value, or none. */
export type AggregateFunction = Exclude<keyof AggregateSpec, 'quantiles' | 'top' | 'heavyHitters' | 'reservoir' | 'where'>;

/** Values that one cell collects or tells apart. A cell travels whole with each commit that changes it, so a larger one
 *  would cost more than any result is worth; what is this large should be keyed by the value instead. */
export const CELL_VALUES_MAX = 65_536;

const anything = (): void => {};

const count: Accumulator = {
  slots: 1,
  skipsNull: false,
  init: (cell) => void cell.push(0),
  check: anything,
  add: (cell, at) => void (cell[at] = (cell[at] as number) + 1),
  remove: (cell, at) => {
    cell[at] = (cell[at] as number) - 1;
    return true;
  },
  merge: (into, from, at) => void (into[at] = (into[at] as number) + (from[at] as number)),
  result: (cell, at) => cell[at],
};

// Doubles and bigints are summed apart, so that the bigints stay exact and the order does not matter.
const sum: Accumulator = {
  slots: 2,
  skipsNull: true,
  init: (cell) => void cell.push(EMPTY_SUM, null),
  check: (value) => checkNumber(value, 'sum and mean'),
  add: (cell, at, value) => {
    if (typeof value === 'number') cell[at] = addExact(cell[at] as ExactSum, value);
    else cell[at + 1] = addInts(cell[at + 1] as bigint | null, value as bigint);
  },
  // The sum is exact, so nothing is left of what is taken back; NaN and the infinities stick.
  remove: (cell, at, value) => {
    if (!Number.isFinite(roundExact(cell[at] as ExactSum))) return false;
    if (typeof value === 'number') cell[at] = addExact(cell[at] as ExactSum, -value);
    else cell[at + 1] = (cell[at + 1] as bigint) - (value as bigint);
    return true;
  },
  merge: (into, from, at) => {
    into[at] = mergeExact(into[at] as ExactSum, from[at] as ExactSum);
    into[at + 1] = addInts(into[at + 1] as bigint | null, from[at + 1] as bigint | null);
  },
  result: (cell, at) => total(cell, at),
};

const mean: Accumulator = {
  slots: 3,
  skipsNull: true,
  init: (cell) => {
    sum.init(cell);
    cell.push(0);
  },
  check: (value) => checkNumber(value, 'sum and mean'),
  add: (cell, at, value, timeMs) => {
    sum.add(cell, at, value, timeMs);
    cell[at + 2] = (cell[at + 2] as number) + 1;
  },
  remove: (cell, at, value, timeMs) => {
    if (!sum.remove!(cell, at, value, timeMs)) return false;
    cell[at + 2] = (cell[at + 2] as number) - 1;
    return true;
  },
  merge: (into, from, at) => {
    sum.merge(into, from, at);
    into[at + 2] = (into[at + 2] as number) + (from[at + 2] as number);
  },
  result: (cell, at) => (cell[at + 2] === 0 ? null : Number(total(cell, at)) / (cell[at + 2] as number)),
};

/** Of a sample: the sum of squares is divided by one less than there are values. */
const variance: Accumulator = moments((squares, count) => (count < 2 ? null : squares / (count - 1)));
const stddev: Accumulator = moments((squares, count) => (count < 2 ? null : Math.sqrt(squares / (count - 1))));

const min = extreme((order) => order < 0);
const max = extreme((order) => order > 0);
const first = edge((time, held) => time < held);
const last = edge((time, held) => time >= held);

/** Pairs of time and value behind one another, in arrival order; by time only when they are read. */
const collect: Accumulator = {
  slots: 1,
  skipsNull: false,
  init: (cell) => void cell.push([]),
  check: (_value, cell, at) => checkSpace((cell[at] as unknown[]).length / 2, 'collects'),
  add: (cell, at, value, timeMs) => void (cell[at] as unknown[]).push(timeMs, value),
  merge: (into, from, at) => {
    into[at] = [...(into[at] as unknown[]), ...(from[at] as unknown[])];
  },
  result: (cell, at) => {
    const flat = cell[at] as readonly unknown[];
    const order = Array.from({ length: flat.length / 2 }, (_, i) => i * 2);
    return order.sort((a, b) => (flat[a] as number) - (flat[b] as number)).map((i) => flat[i + 1]);
  },
};

/** Canonical texts of the values met. Sets beside them are rebuilt when needed: a cell is plain data. */
const distinct: Accumulator = {
  slots: 1,
  skipsNull: true,
  init: (cell) => void cell.push([]),
  check: (value, cell, at) => {
    const texts = cell[at] as string[];
    if (!textsOf(texts).has(textOf(value))) checkSpace(texts.length, 'tells apart');
  },
  add: (cell, at, value) => addText(cell[at] as string[], textOf(value)),
  merge: (into, from, at) => {
    for (const text of from[at] as string[]) addText(into[at] as string[], text);
  },
  result: (cell, at) => (cell[at] as string[]).length,
};

const approxDistinct: Accumulator = {
  slots: 1,
  skipsNull: true,
  init: (cell) => void cell.push([]),
  check: anything,
  add: (cell, at, value) => void (cell[at] = addToSketch(cell[at] as HyperLogLog, textOf(value))),
  merge: (into, from, at) => void (into[at] = mergeSketches(into[at] as HyperLogLog, from[at] as HyperLogLog)),
  result: (cell, at) => countOf(cell[at] as HyperLogLog),
};

export const ACCUMULATORS: Readonly<Record<AggregateFunction, Accumulator>> = {
  count,
  sum,
  min,
  max,
  mean,
  variance,
  stddev,
  first,
  last,
  collect,
  distinct,
  approxDistinct,
};

/** Count, mean and sum of squared distances from it, kept stably (Welford 1962) and merged (Chan, Golub, LeVeque 1979). */
function moments(resultOf: (squares: number, count: number) => number | null): Accumulator {
  return {
    slots: 3,
    skipsNull: true,
    init: (cell) => void cell.push(0, 0, 0),
    check: (value) => checkNumber(value, 'variance and stddev'),
    add: (cell, at, value) => {
      const [count, distance] = [(cell[at] as number) + 1, Number(value) - (cell[at + 1] as number)];
      const average = (cell[at + 1] as number) + distance / count;
      cell[at] = count;
      cell[at + 1] = average;
      cell[at + 2] = (cell[at + 2] as number) + distance * (Number(value) - average);
    },
    merge: (into, from, at) => {
      const [countA, countB] = [into[at] as number, from[at] as number];
      const count = countA + countB;
      if (countB === 0) return;
      const distance = (from[at + 1] as number) - (into[at + 1] as number);
      into[at] = count;
      into[at + 1] = (into[at + 1] as number) + (distance * countB) / count;
      into[at + 2] = (into[at + 2] as number) + (from[at + 2] as number) + (distance ** 2 * countA * countB) / count;
    },
    result: (cell, at) => resultOf(cell[at + 2] as number, cell[at] as number),
  };
}

/** The value that comes first or last in the order of values; null when none was met. */
function extreme(isBetter: (order: number) => boolean): Accumulator {
  const offer = (cell: Cell, at: number, value: Comparable | null): void => {
    const held = cell[at] as Comparable | null;
    if (value !== null && (held === null || isBetter(compareValues(value, held)))) cell[at] = value;
  };
  return {
    slots: 1,
    skipsNull: true,
    init: (cell) => void cell.push(null),
    check: (value) => {
      if (!isComparable(value)) throw new EventRefused(`min and max compare numbers, strings and booleans, not ${describeValue(value)}`);
    },
    add: (cell, at, value) => offer(cell, at, value as Comparable),
    remove: (cell, at, value) => compareValues(value as Comparable, cell[at] as Comparable) !== 0,
    merge: (into, from, at) => offer(into, at, from[at] as Comparable | null),
    result: (cell, at) => plain(cell[at]),
  };
}

/** The value of the first or last event by event time, with that time; null before there is one. */
function edge(isBetter: (timeMs: number, heldMs: number) => boolean): Accumulator {
  const offer = (cell: Cell, at: number, timeMs: number | null, value: unknown): void => {
    const heldMs = cell[at] as number | null;
    if (timeMs === null || (heldMs !== null && !isBetter(timeMs, heldMs))) return;
    cell[at] = timeMs;
    cell[at + 1] = value;
  };
  return {
    slots: 2,
    skipsNull: false,
    init: (cell) => void cell.push(null, null),
    check: anything,
    add: (cell, at, value, timeMs) => offer(cell, at, timeMs, value),
    remove: (cell, at, _value, timeMs) => timeMs !== cell[at],
    merge: (into, from, at) => offer(into, at, from[at] as number | null, from[at + 1]),
    result: (cell, at) => cell[at + 1],
  };
}

function total(cell: Cell, at: number): number | bigint {
  const doubles = roundExact(cell[at] as ExactSum);
  const ints = cell[at + 1] as bigint | null;
  if (ints === null) return doubles;
  return Number.isSafeInteger(doubles) ? (plain(ints + BigInt(doubles)) as number | bigint) : doubles + Number(ints);
}

function addInts(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null) return b;
  return b === null ? a : a + b;
}

/** Ints become numbers where that loses nothing, as in results of expressions. */
function plain(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function checkNumber(value: unknown, who: string): void {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new EventRefused(`${who} need numbers, not ${describeValue(value)}`);
}

function checkSpace(held: number, verb: string): void {
  if (held < CELL_VALUES_MAX) return;
  throw new EventRefused(`a key ${verb} at most ${CELL_VALUES_MAX} values; make the value a part of the key, or the window shorter`);
}

const textSets = new WeakMap<readonly string[], Set<string>>();

function textsOf(texts: readonly string[]): Set<string> {
  let set = textSets.get(texts);
  if (set === undefined) {
    set = new Set(texts);
    textSets.set(texts, set);
  }
  return set;
}

function addText(texts: string[], text: string): void {
  const set = textsOf(texts);
  if (set.has(text)) return;
  set.add(text);
  texts.push(text);
}
