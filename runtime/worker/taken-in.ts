// Whether a partition has taken in what became of one message of a source: so that who published it reads its own write. Pure.
//
//   TI1. A source's record that holds the message, then records of each stage on the way that were made behind it: position by
//        position, as workers report them. Reports may be old: they only make the answer later, never wrong.
//   TI2. Of stages between, every partition must be behind it: where the message's key lies there is not known.
//   TI3. What actors send each other because of it is not waited for.

import { isFeedback, taskName, type PhysicalPlan, type StagePlan } from '../plan/physical-plan.ts';
import { subjectsOverlap } from '../plan/subject.ts';
import type { TaskFigures } from './task-figures.ts';

/** A message as its publisher knows it: JetStream answers with the sequence. */
export type AtLeast = { readonly subject: string; readonly sequence: number };

export type TargetPart = { readonly stage: string; readonly partition: number };

/** Steps of a task that are made and not stored: one in flight, one prepared behind it. */
const STEPS_UNDER_WAY = 2;

export class TakenIn {
  readonly #plan: PhysicalPlan;
  readonly #target: TargetPart;
  readonly #sequence: number;
  /** Source tasks that read the message. */
  readonly #sources: ReadonlySet<string>;
  readonly #onTheWay: ReadonlySet<string>;
  readonly #figures = new Map<string, TaskFigures>();
  /** Of a source task: its record when it was first told that it had taken the message in. */
  readonly #taken = new Map<string, { readonly epoch: number; readonly number: number }>();
  /** By stage or source task: a record that lies behind all that the message caused there. */
  readonly #behind = new Map<string, number>();

  private constructor(
    plan: PhysicalPlan,
    target: TargetPart,
    sequence: number,
    sources: ReadonlySet<string>,
    onTheWay: ReadonlySet<string>,
  ) {
    this.#plan = plan;
    this.#target = target;
    this.#sequence = sequence;
    this.#sources = sources;
    this.#onTheWay = onTheWay;
  }

  /** null: no source that leads to the target reads that subject. */
  static of(plan: PhysicalPlan, target: TargetPart, { subject, sequence }: AtLeast): TakenIn | null {
    const onTheWay = new Set(stagesBefore(plan, target.stage));
    const sources = plan.stages
      .filter(({ id }) => onTheWay.has(id))
      .flatMap((stage) => splitsOf(stage, subject).map((split) => taskName(stage.id, split)));
    return sources.length === 0 ? null : new TakenIn(plan, target, sequence, new Set(sources), onTheWay);
  }

  /** What a worker reports. True: the target has taken it in. */
  note(tasks: readonly TaskFigures[]): boolean {
    for (const task of tasks) {
      const before = this.#figures.get(task.task);
      if (before !== undefined && (before.epoch > task.epoch || (before.epoch === task.epoch && before.number > task.number))) continue;
      this.#figures.set(task.task, task);
      if (this.#sources.has(task.task)) this.#noteSource(task);
    }
    return this.#isReached();
  }

  /** Of the target's owner, as it was told last; an earlier one may not have taken it in. */
  get epoch(): number {
    return this.#figures.get(taskName(this.#target.stage, this.#target.partition))?.epoch ?? 0;
  }

  #noteSource(task: TaskFigures): void {
    const { task: name, epoch, number, taken, busy, sequence } = task;
    if (this.#behind.has(name)) return;
    if (Number(taken?.['sequence'] ?? 0) < this.#sequence) {
      this.#taken.delete(name); // another owner goes on from before it
      return;
    }
    const first = this.#taken.get(name);
    if (!busy || (first?.epoch === epoch && number >= first.number + STEPS_UNDER_WAY)) this.#behind.set(name, sequence);
    else if (first?.epoch !== epoch) this.#taken.set(name, { epoch, number });
  }

  #isReached(): boolean {
    for (const stage of this.#plan.stages) {
      if (!this.#onTheWay.has(stage.id)) continue;
      const partitions = [...new Array<unknown>(stage.partitionCount).keys()];
      if (stage.kind === 'source') {
        const reading = partitions.map((split) => taskName(stage.id, split)).filter((name) => this.#sources.has(name));
        const behind = reading.map((name) => this.#behind.get(name));
        if (behind.some((sequence) => sequence === undefined)) return false;
        if (reading.length > 0) this.#behind.set(stage.id, Math.max(...(behind as number[])));
        if (stage.id === this.#target.stage) return true;
        continue;
      }
      const isTarget = stage.id === this.#target.stage;
      if (!isTarget && this.#behind.has(stage.id)) continue;
      const tasks = (isTarget ? [this.#target.partition] : partitions).map((partition) => this.#figures.get(taskName(stage.id, partition)));
      if (!tasks.every((task) => task !== undefined && this.#isBehind(stage, task))) return false;
      if (isTarget) return true;
      this.#behind.set(stage.id, Math.max(...tasks.map((task) => task?.sequence ?? 0)));
    }
    return false;
  }

  #isBehind(stage: StagePlan, task: TaskFigures): boolean {
    return stage.inputs.every((index) => {
      const edge = this.#plan.edges[index];
      const needed = edge === undefined || isFeedback(edge) ? undefined : this.#behind.get(edge.fromStage);
      return needed === undefined || (task.positions[String(index)] ?? 0) >= needed;
    });
  }
}

/** The stage and all before it. */
function stagesBefore(plan: PhysicalPlan, id: string, known: readonly string[] = []): readonly string[] {
  if (known.includes(id)) return known;
  const stage = plan.stages.find((one) => one.id === id);
  return (stage?.inputs ?? []).reduce<readonly string[]>(
    (all, index) => stagesBefore(plan, plan.edges[index]?.fromStage ?? id, all),
    [...known, id],
  );
}

/** Splits of a source stage that read the subject. */
function splitsOf({ nodes }: StagePlan, subject: string): readonly number[] {
  return nodes.flatMap(({ op }) =>
    op.kind !== 'source' ? [] : (op.spec.nats?.subjects ?? []).flatMap((one, split) => (subjectsOverlap(one, subject) ? [split] : [])),
  );
}
