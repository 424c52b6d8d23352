// How often an event has gone round, as it crosses the exchange that leads it back (plan/physical-plan.ts, isLoop).

import type { Batch, Value } from './batch.ts';
import { partOf } from './part-of.ts';

type Round = { readonly rounds: number; readonly event: Value };

/** Every event of `batch` with the same number of rounds. */
export function withRounds(batch: Batch, rounds: number): Batch {
  return { ...batch, values: batch.values.map((event): Round => ({ rounds, event })) };
}

export function eventOfRound(value: Value): Value {
  return (value as Round).event;
}

/** The events in their order, cut where the number of rounds changes. */
export function byRounds(batch: Batch): readonly { readonly rounds: number; readonly batch: Batch }[] {
  const all = batch.values as readonly Round[];
  const parts: { rounds: number; batch: Batch }[] = [];
  for (let from = 0; from < all.length;) {
    const { rounds } = all[from] as Round;
    let to = from + 1;
    while (to < all.length && all[to]?.rounds === rounds) to++;
    const part = partOf(batch, from, to);
    parts.push({ rounds, batch: { ...part, values: part.values.map(eventOfRound) } });
    from = to;
  }
  return parts;
}
