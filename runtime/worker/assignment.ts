// Which worker owns which task. Pure.
//
//   A1. Every task has exactly one owner among the living workers; loads differ by at most one per stage.
//   A2. Sticky: a task moves only when its owner is gone or holds more than its share.
//   A3. Deterministic: equal inputs, equal assignment, whoever computes it (rendezvous hashing breaks ties).
//   A4. A task whose owner is gone goes to its standby (standbys.ts), though that may be more than its share: the next assignment
//       moves what is too much, while it runs.
//   A5. A task belongs to a pool, and only workers of that pool are given it; A1 holds within each pool. While a pool has no worker,
//       its tasks stay with living owners of another one (a stage that moves is not let go of before somebody can take it), and else wait.

import { hashKey } from '../event/key.ts';
import { hasStandbys, taskName } from '../plan/physical-plan.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { poolOf } from '../plan/pools.ts';

/** Task name → worker id. */
export type Assignment = Readonly<Record<string, string>>;

export type TaskRef = {
  readonly name: string;
  readonly stage: string;
  /** It is to have a standby. */
  readonly isFollowed?: boolean;
  /** Absent: the default pool. */
  readonly pool?: string | undefined;
};
/** A worker that tasks may be given to. */
export type Candidate = { readonly worker: string; /** Absent: the default pool. */ readonly pool?: string | undefined };

export function tasksOf(plan: PhysicalPlan): readonly TaskRef[] {
  return plan.stages.flatMap(({ id, kind, partitionCount, pool }) => {
    const isFollowed = hasStandbys(plan) && kind === 'keyed';
    return Array.from({ length: partitionCount }, (_, partition) => ({ name: taskName(id, partition), stage: id, isFollowed, pool }));
  });
}

/** The tasks as a worker of `pool` sees them; of none (a local run), all are of one pool, whatever the plan says. */
export function tasksFor(plan: PhysicalPlan, pool: string | undefined): readonly TaskRef[] {
  return pool === undefined ? tasksOf(plan).map((task) => ({ ...task, pool })) : tasksOf(plan);
}

/** Assigns tasks to workers of their pools (A5). */
export function assignInPools(
  tasks: readonly TaskRef[],
  candidates: readonly Candidate[],
  current: Assignment,
  standbys: Assignment = {},
): Assignment {
  const living = new Set(candidates.map(({ worker }) => worker));
  const pools = Map.groupBy(tasks, poolOf);
  return Object.assign(
    {},
    ...[...pools].map(([pool, own]) => {
      const workers = candidates.filter((candidate) => poolOf(candidate) === pool).map(({ worker }) => worker);
      if (workers.length > 0) return assign(own, workers, current, standbys);
      return Object.fromEntries(
        own.flatMap(({ name }) => {
          const owner = current[name];
          return owner !== undefined && living.has(owner) ? [[name, owner]] : [];
        }),
      );
    }),
  ) as Assignment;
}

/** Assigns `tasks` to `workers`, moving as few as A1 allows from where `current` has them. No workers: empty. */
export function assign(tasks: readonly TaskRef[], workers: readonly string[], current: Assignment, standbys: Assignment = {}): Assignment {
  if (workers.length === 0) return {};
  const living = [...workers].sort();
  const totals = new Map(living.map((worker) => [worker, 0]));
  const result: Record<string, string> = {};
  for (const [stage, members] of groupByStage(tasks)) assignStage(stage, members, living, { current, standbys }, totals, result);
  return result;
}

/** Who runs what, and who follows it. */
export type Places = { readonly current: Assignment; readonly standbys: Assignment };

export function groupByStage(tasks: readonly TaskRef[]): [string, TaskRef[]][] {
  const stages = new Map<string, TaskRef[]>();
  for (const task of tasks) stages.set(task.stage, [...(stages.get(task.stage) ?? []), task]);
  return [...stages.entries()];
}

function assignStage(
  stage: string,
  tasks: readonly TaskRef[],
  workers: readonly string[],
  places: Places,
  totals: Map<string, number>,
  result: Record<string, string>,
): void {
  const heirs = heirsOf(tasks, workers, places);
  const shares = sharesOf(stage, tasks.length, workers, { ...places.current, ...heirs }, tasks, totals);
  const homeless: TaskRef[] = [];
  for (const task of tasks) {
    const owner = places.current[task.name];
    if (owner !== undefined && (shares.get(owner) ?? 0) > 0) give(task, owner, shares, totals, result);
    else if (heirs[task.name] === undefined) homeless.push(task);
  }
  for (const task of tasks) {
    const heir = heirs[task.name];
    if (heir !== undefined) give(task, heir, shares, totals, result);
  }
  for (const task of homeless) {
    const open = workers.filter((worker) => (shares.get(worker) ?? 0) > 0);
    const best = bestFor(task, open, places.standbys[task.name]);
    if (best !== undefined) give(task, best, shares, totals, result);
  }
}

/** A4: the standbys of tasks whose owners are gone. */
function heirsOf(tasks: readonly TaskRef[], workers: readonly string[], { current, standbys }: Places): Assignment {
  const lives = (worker: string | undefined): worker is string => worker !== undefined && workers.includes(worker);
  const heirs = tasks.flatMap(({ name }) => (!lives(current[name]) && lives(standbys[name]) ? [[name, standbys[name]] as const] : []));
  return Object.fromEntries(heirs);
}

/** Of `open`: its standby, which has its state already, else the one that chance gives it (A3). */
function bestFor({ name }: TaskRef, open: readonly string[], standby: string | undefined): string | undefined {
  if (standby !== undefined && open.includes(standby)) return standby;
  return open.toSorted((a, b) => score(name, b) - score(name, a) || (a < b ? -1 : 1))[0];
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

export function score(task: string, worker: string): number {
  return hashKey(`${task}\n${worker}`);
}
