// A task's counts: of the whole run, in each of its records.

import type { TaskCounters } from '../journal/record.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
import type { Standing } from './step-record.ts';

export const NO_COUNTS: Omit<TaskCounters, 'edgesIn' | 'edgesOut'> = {
  eventsIn: 0,
  made: 0,
  absorbed: 0,
  held: 0,
  eventsOut: 0,
  filtered: 0,
  late: 0,
  deadLetters: 0,
  recoveries: 0,
};

export type Counted = Exclude<keyof TaskCounters, 'edgesIn' | 'edgesOut' | 'recoveries'>;

/** Tells steps apart by what the task did before: more by each event taken in, let go and given. */
export function placeOf({ eventsIn, held, eventsOut, deadLetters }: TaskCounters): number {
  return 2 * eventsIn - held + eventsOut + deadLetters;
}

export function withMore(counters: TaskCounters, more: Partial<Record<Counted, number>>): TaskCounters {
  const sums = { ...counters };
  for (const [name, count] of Object.entries(more) as [Counted, number][]) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** With counts that a task goes on from. What an older release did not count is taken as right, and what was held by a transform
 *  that is gone ends with it. `held`: by those that are there. */
export function openBalance(counters: TaskCounters, held: number, isDropped: boolean): TaskCounters {
  if (counters.made !== null) return isDropped ? { ...counters, made: counters.made + held - counters.held, held } : counters;
  const { eventsIn, eventsOut, filtered, late, deadLetters } = counters;
  return { ...counters, made: eventsOut + filtered + late + deadLetters + held - eventsIn, absorbed: 0, held };
}

/** Counts by edge follow their edges: inputs by number, outputs by place (edges that are new come last). */
export function countersFor(stage: StagePlan, { inputs, counters }: Standing): TaskCounters {
  const countOf = (edge: number): number => counters.edgesIn[inputs.findIndex((input) => input.edge === edge)] ?? 0;
  return { ...counters, edgesIn: stage.inputs.map(countOf), edgesOut: stage.outputs.map((_, place) => counters.edgesOut[place] ?? 0) };
}

export function addAt(counts: readonly number[], place: number, count: number): readonly number[] {
  return counts.map((value, index) => (index === place ? value + count : value));
}
