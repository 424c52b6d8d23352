// top: the values of the events that rank highest, the highest first.
//
//   P1. Ranks are compared as min and max compare; of a list the first parts that differ decide.
//   P2. Of equal ranks the earlier event comes first, then the one that came first. So but for events of equal rank and time
//       the result does not depend on the order in which events come.
//   P3. With `ties` all that rank as high as the last one are kept too, so a cell may grow beyond the limit: it is bounded
//       like that of collect.

import type { TopSpec } from '../../../crds/stream-job/aggregates.ts';
import { EventRefused, describeValue } from '../failure.ts';
import { CELL_VALUES_MAX } from './accumulators.ts';
import type { Accumulator } from './accumulators.ts';
import { compareValues, isComparable } from './value-order.ts';
import type { Comparable } from './value-order.ts';

type Rank = Comparable | readonly Comparable[];
/** One of a cell's list, which is kept in order. Never changed. */
type Entry = readonly [rank: Rank, timeMs: number, value: unknown];
/** What `add` takes. */
export type Ranked = readonly [rank: unknown, value: unknown];

/** Parts of a rank: each is stored with each value and compared for each event. */
const RANK_PARTS_MAX = 16;

export function makeTop({ limit, ties }: Pick<TopSpec, 'limit' | 'ties'>): Accumulator {
  const keptOf = (entries: readonly Entry[]): number => {
    if (!ties || entries.length <= limit) return Math.min(entries.length, limit);
    const [lowest] = entries[limit - 1]!;
    return placeOf(entries, lowest, Infinity);
  };
  return {
    slots: 1,
    skipsNull: true,
    init: (cell) => void cell.push([]),
    check: (value, cell, at) => {
      checkRank((value as Ranked)[0]);
      checkSpace(cell[at] as readonly Entry[]);
    },
    add: (cell, at, value, timeMs) => {
      const [rank, kept] = value as readonly [Rank, unknown];
      const entries = cell[at] as Entry[];
      entries.splice(placeOf(entries, rank, timeMs), 0, [rank, timeMs, kept]);
      entries.length = keptOf(entries);
    },
    // What ranks below all that is kept was not kept.
    remove: (cell, at, value, timeMs) => {
      const last = (cell[at] as readonly Entry[]).at(-1);
      return last !== undefined && compareEntries([(value as Ranked)[0] as Rank, timeMs, null], last) > 0;
    },
    merge: (into, from, at) => {
      const entries = [...(into[at] as readonly Entry[]), ...(from[at] as readonly Entry[])].sort(compareEntries);
      entries.length = keptOf(entries);
      into[at] = entries;
    },
    result: (cell, at) => (cell[at] as readonly Entry[]).map(([, , value]) => value),
  };
}

/** Behind all that rank higher, and those of equal rank and time. */
function placeOf(entries: readonly Entry[], rank: Rank, timeMs: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEntries(entries[middle]!, [rank, timeMs, null]) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Negative when `a` comes first (P2). */
function compareEntries(a: Entry, b: Entry): number {
  return compareRanks(b[0], a[0]) || a[1] - b[1];
}

function compareRanks(a: Rank, b: Rank): number {
  if (!isList(a) && !isList(b)) return compareValues(a, b);
  const [partsA, partsB] = [isList(a) ? a : [a], isList(b) ? b : [b]];
  for (let i = 0; i < partsA.length && i < partsB.length; i++) {
    const order = compareValues(partsA[i]!, partsB[i]!);
    if (order !== 0) return order;
  }
  return partsA.length - partsB.length;
}

function checkRank(rank: unknown): void {
  if (isComparable(rank)) return;
  if (Array.isArray(rank) && rank.length > 0 && rank.length <= RANK_PARTS_MAX && rank.every(isComparable)) return;
  const seen = Array.isArray(rank)
    ? `a list of ${rank.map(describeValue).slice(0, RANK_PARTS_MAX).join(', ') || 'nothing'}`
    : describeValue(rank);
  throw new EventRefused(`top ranks by a number, string or boolean, or a list of 1 to ${RANK_PARTS_MAX} of them, not by ${seen}`);
}

function checkSpace(entries: readonly Entry[]): void {
  if (entries.length < CELL_VALUES_MAX) return;
  throw new EventRefused(`a key keeps at most ${CELL_VALUES_MAX} values of equal rank; rank by more, or leave out \`ties\``);
}

function isList(rank: Rank): rank is readonly Comparable[] {
  return typeof rank === 'object';
}
