// branch: each event goes on, as it is, by the outputs that take it.
//
//   BR1. All conditions of an event are asked before it goes anywhere: one that fails is a dead letter, and on no output.
//   BR2. An event on two outputs is two events: each further one was made here.

import { compilePredicate } from '../expression/expression.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { pickEvents, range } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { failEvent } from './failure.ts';
import type { Transform } from './transform.ts';

/** Output of events that no other takes (plan/job-graph.ts). */
const OTHER = 'other';

export function makeBranch({ outputs, match, other }: Extract<OpPlan, { kind: 'branch' }>): Transform {
  const ways = outputs.map(({ name, when }) => ({ name, takes: when === undefined ? () => true : compilePredicate(when, EVENT_NAMES) }));
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      const picked = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
      const left: number[] = [];
      let made = 0;
      for (const i of range(batch.values.length)) {
        const names: string[] = [];
        try {
          for (const { name, takes } of ways) {
            if (!takes(batch.values[i], batch.keys?.[i] ?? null, batch.times[i]!, context.nowMs)) continue;
            names.push(name);
            if (match === 'first') break;
          }
        } catch (error) {
          failEvent(context, batch, i, error);
          continue;
        }
        for (const name of names) picked.get(name)?.push(i);
        if (names.length === 0) left.push(i);
        else made += names.length - 1;
      }
      if (made > 0) context.countMade(made); // BR2
      for (const [name, indices] of picked)
        if (indices.length > 0) context.emit(indices.length === batch.values.length ? batch : pickEvents(batch, indices), name);
      if (left.length === 0) return;
      if (other === 'output') context.emit(pickEvents(batch, left), OTHER);
      else context.countFiltered(left.length);
    },
  };
}
