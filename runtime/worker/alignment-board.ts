// How far the splits of a group have come, and which of them are ahead of the others.
//
// Owns: the newest that was told of each split. Does not own: who tells whom, and when (worker/alignment.ts).
//   A1. A split may be read on while its watermark is at most `maxDrift` above the lowest of its group.
//   A2. Idle and ended splits hold nobody back. One that nobody has told of yet holds everybody.
//   A3. Of two owners of a split the newer one counts. What was told long ago stands: a watermark is never lower than that while its
//       owner lives, so who goes by old news waits too long, and never not long enough.
//   A4. Nobody is ahead of himself: the split that is furthest behind may always be read on.

import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';

/** What is told of a split. `watermark`: ms, null: none yet. */
export type SplitTime = {
  readonly task: string;
  readonly epoch: number;
  readonly watermark: number | null;
  readonly is: 'open' | 'idle' | 'ended';
};

type Group = { readonly tasks: readonly string[]; lowest: number | null };

export class AlignmentBoard {
  readonly #times = new Map<string, SplitTime>();
  #groups: ReadonlyMap<string, Group> = new Map();
  #groupOf: ReadonlyMap<string, Group> = new Map();

  /** Tasks by the name of their group. What is known of tasks stays. */
  update(groups: ReadonlyMap<string, readonly string[]>): void {
    this.#groups = new Map([...groups].map(([name, tasks]) => [name, { tasks, lowest: null }]));
    this.#groupOf = new Map([...this.#groups.values()].flatMap((group) => group.tasks.map((task) => [task, group])));
    for (const task of this.#times.keys()) if (!this.#groupOf.has(task)) this.#times.delete(task);
  }

  /** True when that is news. */
  hear(time: SplitTime): boolean {
    const group = this.#groupOf.get(time.task);
    const known = this.#times.get(time.task);
    if (group === undefined || (known !== undefined && !isNews(time, known))) return false;
    this.#times.set(time.task, time);
    group.lowest = null;
    return true;
  }

  /** Whether it lies in a group. */
  has(task: string): boolean {
    return this.#groupOf.has(task);
  }

  /** Of those that count (A2); WATERMARK_MAX: none does. */
  lowest(name: string): number {
    const group = this.#groups.get(name);
    if (group === undefined) return WATERMARK_MAX;
    return (group.lowest ??= group.tasks.reduce((lowest, task) => Math.min(lowest, this.#watermarkOf(task)), WATERMARK_MAX));
  }

  #watermarkOf(task: string): number {
    const time = this.#times.get(task);
    if (time === undefined) return WATERMARK_MIN;
    return time.is === 'open' ? (time.watermark ?? WATERMARK_MIN) : WATERMARK_MAX;
  }
}

/** A1. */
export function isAhead(watermark: number, lowest: number, maxDriftMs: number): boolean {
  return watermark !== WATERMARK_MIN && watermark > lowest + maxDriftMs;
}

/** A3. Of one owner they come in order. */
function isNews(time: SplitTime, known: SplitTime): boolean {
  if (time.epoch !== known.epoch) return time.epoch > known.epoch;
  return time.watermark !== known.watermark || time.is !== known.is;
}
