// How many events went over exchanges between stages, by the counts of their tasks: as these report them, and of those that run
// nowhere as they were reported last, or as their last record says.
//
//   E1. What was given out on an exchange, and what was taken in, never go back; their difference waits. Tasks report at different
//       moments: where more seems to be taken in than was given, nothing waits.

import type { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { TaskCounters } from '../../runtime/journal/record.ts';
import { taskName, type PhysicalPlan, type StagePlan } from '../../runtime/plan/physical-plan.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';

export type EdgeCount = { readonly taken: number; readonly waiting: number };

type Counts = Pick<TaskCounters, 'edgesIn' | 'edgesOut'>;
const NOTHING: Counts = { edgesIn: [], edgesOut: [] };

export class EdgeCounts {
  readonly #link: Link;
  /** By identity, then task. */
  readonly #known = new Map<string, Map<string, Counts>>();

  constructor(link: Link) {
    this.#link = link;
  }

  /** Of the exchanges by which events come to `stage` from a stage that `isFrom` says; null: from none. */
  async into(
    {
      identity,
      plan,
      figures,
    }: { readonly identity: string; readonly plan: PhysicalPlan; readonly figures: ReadonlyMap<string, TaskFigures> },
    stage: StagePlan,
    isFrom: (stage: StagePlan) => boolean,
  ): Promise<EdgeCount | null> {
    const counts: EdgeCount[] = [];
    for (const [place, index] of stage.inputs.entries()) {
      const edge = plan.edges[index];
      const from = plan.stages.find(({ id }) => id === edge?.fromStage);
      if (from === undefined || !isFrom(from)) continue;
      const out = from.outputs.indexOf(index);
      const given = await this.#sum(identity, from, figures, ({ edgesOut }) => edgesOut[out] ?? 0);
      const taken = await this.#sum(identity, stage, figures, ({ edgesIn }) => edgesIn[place] ?? 0);
      counts.push({ taken, waiting: Math.max(0, given - taken) });
    }
    if (counts.length === 0) return null;
    return counts.reduce((all, { taken, waiting }) => ({ taken: all.taken + taken, waiting: all.waiting + waiting }));
  }

  forget(identity: string): void {
    this.#known.delete(identity);
  }

  async #sum(
    identity: string,
    stage: StagePlan,
    figures: ReadonlyMap<string, TaskFigures>,
    of: (counts: Counts) => number,
  ): Promise<number> {
    let sum = 0;
    for (let partition = 0; partition < stage.partitionCount; partition++)
      sum += of(await this.#counts(identity, stage, partition, figures.get(taskName(stage.id, partition))));
    return sum;
  }

  async #counts(identity: string, stage: StagePlan, partition: number, told: TaskFigures | undefined): Promise<Counts> {
    const tasks = this.#known.get(identity) ?? new Map<string, Counts>();
    this.#known.set(identity, tasks);
    const task = taskName(stage.id, partition);
    const isTold = told !== undefined && told.state !== 'claiming';
    const counts = isTold ? told.counters : (tasks.get(task) ?? (await this.#stored(stage, partition)));
    tasks.set(task, counts);
    return counts;
  }

  async #stored(stage: StagePlan, partition: number): Promise<Counts> {
    const record = await new NatsJournal(this.#link).last(stage.stream, `${stage.subjectPrefix}.${partition}`);
    return record === null ? NOTHING : decodeHeader(record.bytes).counters;
  }
}
