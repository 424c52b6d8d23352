// quantiles: the values at given shares of all values in order, about (t-digest.ts).

import type { QuantilesSpec } from '../../../crds/stream-job/aggregates.ts';
import { EventRefused, describeValue } from '../failure.ts';
import type { Accumulator } from './accumulators.ts';
import { addToDigest, emptyDigest, mergeDigests, quantileOf } from './t-digest.ts';
import type { TDigest } from './t-digest.ts';

export function makeQuantiles({ at: shares }: Pick<QuantilesSpec, 'at'>): Accumulator {
  return {
    slots: 1,
    skipsNull: true,
    init: (cell) => void cell.push(emptyDigest()),
    check: (value) => {
      if (typeof value !== 'bigint' && !Number.isFinite(value))
        throw new EventRefused(`quantiles need finite numbers, not ${describeValue(value)}`);
    },
    add: (cell, at, value) => addToDigest(cell[at] as TDigest, Number(value)),
    merge: (into, from, at) => mergeDigests(into[at] as TDigest, from[at] as TDigest),
    result: (cell, at) => shares.map((share) => quantileOf(cell[at] as TDigest, share)),
  };
}
