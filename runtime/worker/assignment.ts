// Which worker owns which task. Pure.
//
//   A1. Every task has exactly one owner among the living workers; loads differ by at most one per stage.
//   A2. Sticky: a task moves only when its owner is gone or holds more than its share.
//   A3. Deterministic: equal inputs, equal assignment, whoever computes it (rendezvous hashing breaks ties).

import { hashKey } from '../event/key.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';

/** Task name → worker id. */
export type Assignment = Readonly<Record<string, string>>;

export type TaskRef = { readonly name: string; readonly stage: string };

export function tasksOf(plan: PhysicalPlan): readonly TaskRef[] {
  return plan.stages.flatMap((stage) =>
    Array.from({ length: stage.partitionCount }, (_, partition) => ({ name: taskName(stage.id, partition), stage: stage.id })),
  );
}

/** Assigns `tasks` to `workers`, moving as few as A1 allows from where `current` has them. No workers: empty. */
export function assign(tasks: readonly TaskRef[], workers: readonly string[], current: Assignment): Assignment {
  if (workers.length === 0) return {};
  const living = [...workers].sort();
  const totals = new Map(living.map((worker) => [worker, 0]));
  const result: Record<string, string> = {};
  for (const [stage, members] of groupByStage(tasks)) assignStage(stage, members, living, current, totals, result);
  return result;
}

function groupByStage(tasks: readonly TaskRef[]): [string, TaskRef[]][] {
  const stages = new Map<string, TaskRef[]>();
  for (const task of tasks) stages.set(task.stage, [...(stages.get(task.stage) ?? []), task]);
  return [...stages.entries()];
}

function assignStage(
  stage: string,
  tasks: readonly TaskRef[],
  workers: readonly string[],
  current: Assignment,
  totals: Map<string, number>,
  result: Record<string, string>,
): void {
  const shares = sharesOf(stage, tasks.length, workers, current, tasks, totals);
  const homeless: TaskRef[] = [];
  for (const task of tasks) {
    const owner = current[task.name];
    const left = owner === undefined ? undefined : shares.get(owner);
    if (owner !== undefined && left !== undefined && left > 0) give(task, owner, shares, totals, result);
    else homeless.push(task);
  }
  for (const task of homeless) {
    const open = workers.filter((worker) => (shares.get(worker) ?? 0) > 0);
    const [best] = open.sort((a, b) => score(task.name, b) - score(task.name, a) || (a < b ? -1 : 1));
    if (best !== undefined) give(task, best, shares, totals, result);
  }
}

/** How many of the stage's tasks each worker takes: the remainder goes to those that hold more of them already, then to
 *  those with fewer tasks over all. */
function sharesOf(
  stage: string,
  count: number,
  workers: readonly string[],
  current: Assignment,
  tasks: readonly TaskRef[],
  totals: ReadonlyMap<string, number>,
): Map<string, number> {
  const base = Math.floor(count / workers.length);
  const held = (worker: string): number => tasks.filter((task) => current[task.name] === worker).length;
  const total = (worker: string): number => totals.get(worker) ?? 0;
  const order = [...workers].sort(
    (a, b) =>
      Number(held(b) > base) - Number(held(a) > base) || total(a) - total(b) || score(stage, b) - score(stage, a) || (a < b ? -1 : 1),
  );
  const extra = count - base * workers.length;
  return new Map(order.map((worker, place) => [worker, base + (place < extra ? 1 : 0)]));
}

function give(
  task: TaskRef,
  worker: string,
  shares: Map<string, number>,
  totals: Map<string, number>,
  result: Record<string, string>,
): void {
  result[task.name] = worker;
  shares.set(worker, (shares.get(worker) ?? 0) - 1);
  totals.set(worker, (totals.get(worker) ?? 0) + 1);
}

function score(task: string, worker: string): number {
  return hashKey(`${task}\n${worker}`);
}
