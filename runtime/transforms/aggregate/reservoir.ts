// reservoir: so many of the events, each as likely as any other (bottom-k sampling).
//
//   RS1. Each event draws a number by hash of its value, time and how many came before it in its cell; those with the lowest are kept. So
//        a replay keeps the same ones, and cells merge: the lowest of both are the lowest of all.
//   RS2. The result is in the order of event time.

import type { ReservoirSpec } from '../../../crds/stream-job/aggregates.ts';
import { hashKey } from '../../event/key.ts';
import type { Accumulator } from './accumulators.ts';
import { textOf } from './value-text.ts';

/** In ascending order of what they drew. */
type Entry = readonly [drawn: number, timeMs: number, value: unknown];

export function makeReservoir({ size }: Pick<ReservoirSpec, 'size'>): Accumulator {
  return {
    // events seen, entries
    slots: 2,
    skipsNull: true,
    init: (cell) => void cell.push(0, []),
    check: () => {},
    add: (cell, at, value, timeMs) => {
      const seen = cell[at] as number;
      cell[at] = seen + 1;
      const entries = cell[at + 1] as Entry[];
      const drawn = hashKey(`${seen} ${timeMs} ${textOf(value)}`);
      if (entries.length === size && drawn >= entries[size - 1]![0]) return;
      entries.splice(placeOf(entries, drawn), 0, [drawn, timeMs, value]);
      entries.length = Math.min(entries.length, size);
    },
    merge: (into, from, at) => {
      into[at] = (into[at] as number) + (from[at] as number);
      const entries = [...(into[at + 1] as readonly Entry[]), ...(from[at + 1] as readonly Entry[])].sort(compareEntries);
      entries.length = Math.min(entries.length, size);
      into[at + 1] = entries;
    },
    result: (cell, at) => (cell[at + 1] as readonly Entry[]).toSorted((a, b) => a[1] - b[1] || a[0] - b[0]).map(([, , value]) => value),
  };
}

/** Behind all that drew no more. */
function placeOf(entries: readonly Entry[], drawn: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]![0] <= drawn) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareEntries(a: Entry, b: Entry): number {
  return a[0] - b[0] || a[1] - b[1];
}
