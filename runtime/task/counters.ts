// A task's counts: of the whole run, in each of its records.

import type { TaskCounters } from '../journal/record.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
import type { Standing } from './step.ts';

export const NO_COUNTS: Omit<TaskCounters, 'edgesIn' | 'edgesOut'> = {
  eventsIn: 0,
  eventsOut: 0,
  filtered: 0,
  late: 0,
  deadLetters: 0,
  recoveries: 0,
};

/** Counts by edge follow their edges: inputs by number, outputs by place (edges that are new come last). */
export function countersFor(stage: StagePlan, { inputs, counters }: Standing): TaskCounters {
  const countOf = (edge: number): number => counters.edgesIn[inputs.findIndex((input) => input.edge === edge)] ?? 0;
  return { ...counters, edgesIn: stage.inputs.map(countOf), edgesOut: stage.outputs.map((_, place) => counters.edgesOut[place] ?? 0) };
}

export function addAt(counts: readonly number[], place: number, count: number): readonly number[] {
  return counts.map((value, index) => (index === place ? value + count : value));
}
