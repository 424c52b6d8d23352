// Which worker follows which task, ready to take it over. Pure.
//
//   B1. Never its owner. With one worker alone there is none.
//   B2. Evenly: of a stage no worker follows two tasks more than another, as far as B1 lets it.
//   B3. Sticky: a standby changes only when it is gone, has become the owner, or follows more than its share.
//   B4. On another node than the owner, where nodes are known and there is one.
//   B5. Deterministic, as assignments are (A3).

import { poolOf } from '../plan/pools.ts';
import { groupByStage, score } from './assignment.ts';
import type { Assignment, Candidate, TaskRef } from './assignment.ts';

export type Hosts = {
  /** Workers that may follow. */
  readonly workers: readonly string[];
  /** Where a worker runs; null: not known. */
  readonly nodeOf: (worker: string) => string | null;
};

/** Task name → worker id, of those of `tasks` that are to be followed; `owners` is their assignment, `current` what was so before. */
export function assignStandbys(tasks: readonly TaskRef[], hosts: Hosts, owners: Assignment, current: Assignment): Assignment {
  if (hosts.workers.length < 2) return {};
  const result: Record<string, string> = {};
  for (const [, members] of groupByStage(tasks.filter(({ isFollowed }) => isFollowed === true)))
    Object.assign(result, new StageStandbys(members, hosts, owners).assign(current));
  return result;
}

/** The same for each pool by itself: who takes a partition over must be of its pool. */
export function standbysInPools(
  tasks: readonly TaskRef[],
  { candidates, nodeOf }: Pick<Hosts, 'nodeOf'> & { readonly candidates: readonly Candidate[] },
  owners: Assignment,
  current: Assignment,
): Assignment {
  const pools = [...Map.groupBy(tasks, poolOf)].map(([pool, own]) => {
    const workers = candidates.filter((candidate) => poolOf(candidate) === pool).map(({ worker }) => worker);
    return assignStandbys(own, { workers, nodeOf }, owners, current);
  });
  return Object.assign({}, ...pools) as Assignment;
}

class StageStandbys {
  readonly #tasks: readonly TaskRef[];
  readonly #hosts: Hosts;
  readonly #owners: Assignment;
  readonly #result: Record<string, string> = {};
  readonly #counts: Map<string, number>;

  constructor(tasks: readonly TaskRef[], hosts: Hosts, owners: Assignment) {
    this.#tasks = tasks;
    this.#hosts = hosts;
    this.#owners = owners;
    this.#counts = new Map(hosts.workers.toSorted().map((worker) => [worker, 0]));
  }

  assign(current: Assignment): Assignment {
    const most = Math.ceil(this.#tasks.length / this.#counts.size);
    for (const { name } of this.#tasks) {
      const before = current[name];
      if (before !== undefined && this.#fits(name, before) && this.#count(before) < most) this.#give(name, before);
    }
    for (const { name } of this.#tasks) if (this.#result[name] === undefined) this.#give(name, this.#best(name));
    this.#level();
    return this.#result;
  }

  #fits(task: string, worker: string): boolean {
    return this.#counts.has(worker) && this.#owners[task] !== worker;
  }

  #count(worker: string): number {
    return this.#counts.get(worker) ?? 0;
  }

  #give(task: string, worker: string): void {
    const before = this.#result[task];
    if (before !== undefined) this.#counts.set(before, this.#count(before) - 1);
    this.#result[task] = worker;
    this.#counts.set(worker, this.#count(worker) + 1);
  }

  /** The one that follows least; of those on another node if there are any, of equals the one that chance gives. */
  #best(task: string): string {
    const worst = (worker: string): number => Number(this.#isNear(task, worker));
    const [best] = [...this.#counts.keys()]
      .filter((worker) => this.#fits(task, worker))
      .sort((a, b) => this.#count(a) - this.#count(b) || worst(a) - worst(b) || score(task, b) - score(task, a) || (a < b ? -1 : 1));
    return best as string; // there are two workers at least
  }

  #isNear(task: string, worker: string): boolean {
    const node = this.#hosts.nodeOf(worker);
    return node !== null && node === this.#hosts.nodeOf(this.#owners[task] ?? '');
  }

  /** B2: from those that follow most to those that follow least, while it helps. */
  #level(): void {
    for (let moves = 0; moves < this.#tasks.length; moves++) {
      const byCount = [...this.#counts.keys()].sort((a, b) => this.#count(a) - this.#count(b) || (a < b ? -1 : 1));
      if (!this.#moveOne(byCount)) return;
    }
  }

  #moveOne(byCount: readonly string[]): boolean {
    for (const from of byCount.toReversed()) {
      for (const to of byCount) {
        if (this.#count(from) - this.#count(to) < 2) break;
        const task = this.#tasks.find(({ name }) => this.#result[name] === from && this.#fits(name, to));
        if (task === undefined) continue;
        this.#give(task.name, to);
        return true;
      }
    }
    return false;
  }
}
