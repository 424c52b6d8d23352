// heavyHitters: the values that make up a large share of all, with few counters (Misra and Gries 1982; merged as Agarwal et al. 2012).
//
//   HH1. A counter says no more than the truth, and no less than the truth but for what all counters were lowered by: at most
//        values / (counters + 1).
//   HH2. There are twice as many counters as values can have the share: what has it is always found, and nothing is told that has less
//        than half of it.
//   HH3. Up to as many different values as there are counters all counts are exact.

import type { HeavyHittersSpec } from '../../../crds/stream-job/aggregates.ts';
import type { Accumulator, Cell } from './accumulators.ts';
import { textOf } from './value-text.ts';

/** Values and counts, behind one another. */
type Counters = unknown[];
export type HeavyHitter = { readonly value: unknown; readonly count: number; readonly error: number };

export function makeHeavyHitters({ share }: Pick<HeavyHittersSpec, 'share'>): Accumulator {
  const most = 2 * Math.ceil(1 / share);
  return {
    // all values, those that no counter holds any more for each counter, counters
    slots: 3,
    skipsNull: true,
    init: (cell) => void cell.push(0, 0, []),
    check: () => {},
    add: (cell, at, value) => {
      cell[at] = (cell[at] as number) + 1;
      const counters = cell[at + 2] as Counters;
      count(counters, value, 1);
      if (counters.length > 2 * most) lower(cell, at, most);
    },
    merge: (into, from, at) => {
      into[at] = (into[at] as number) + (from[at] as number);
      into[at + 1] = (into[at + 1] as number) + (from[at + 1] as number);
      const counters = into[at + 2] as Counters;
      const others = from[at + 2] as Counters;
      for (let i = 0; i < others.length; i += 2) count(counters, others[i], others[i + 1] as number);
      if (counters.length > 2 * most) lower(into, at, most);
    },
    result: (cell, at) => heavyOf(cell, at, share),
  };
}

function count(counters: Counters, value: unknown, more: number): void {
  const places = placesOf(counters);
  const text = textOf(value);
  const place = places.get(text);
  if (place !== undefined) counters[place + 1] = (counters[place + 1] as number) + more;
  else {
    places.set(text, counters.length);
    counters.push(value, more);
  }
}

/** Lowers all by as much as leaves no more than `most`. */
function lower(cell: Cell, at: number, most: number): void {
  const counters = cell[at + 2] as Counters;
  const counts = counters.filter((_, i) => i % 2 === 1) as number[];
  const by = counts.toSorted((a, b) => b - a)[most] as number;
  const left: Counters = [];
  for (let i = 0; i < counters.length; i += 2) {
    const rest = (counters[i + 1] as number) - by;
    if (rest > 0) left.push(counters[i], rest);
  }
  cell[at + 1] = (cell[at + 1] as number) + by;
  cell[at + 2] = left;
}

/** The most frequent first; of equal counts in the order of their texts. */
function heavyOf(cell: Cell, at: number, share: number): readonly HeavyHitter[] {
  const [all, error, counters] = [cell[at] as number, cell[at + 1] as number, cell[at + 2] as Counters];
  const found: { readonly hitter: HeavyHitter; readonly text: string }[] = [];
  for (let i = 0; i < counters.length; i += 2) {
    const held = counters[i + 1] as number;
    if (held + error >= share * all) found.push({ hitter: { value: counters[i], count: held, error }, text: textOf(counters[i]) });
  }
  found.sort((a, b) => b.hitter.count - a.hitter.count || (a.text < b.text ? -1 : 1));
  return found.map(({ hitter }) => hitter);
}

/** Where the counter of a value is; rebuilt when it is not known: a cell is plain data. */
const placesByCounters = new WeakMap<Counters, Map<string, number>>();

function placesOf(counters: Counters): Map<string, number> {
  let places = placesByCounters.get(counters);
  if (places === undefined) {
    places = new Map();
    for (let i = 0; i < counters.length; i += 2) places.set(textOf(counters[i]), i);
    placesByCounters.set(counters, places);
  }
  return places;
}
