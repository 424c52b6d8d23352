// Whether all that sources have read has flowed to its end. Pure; for who asks for a savepoint (the operator).
//
//   Q1. Sources keep the pause and have nothing in flight: what they wrote last is the last there is. Everybody keeps it: nothing that
//       is put in again comes between.
//   Q2. Everybody else has stored that it took in all that the stages before it have written, and is idle; a sink has written it.
//   Q3. Reports may be old. Each says: so far had I come; positions never go back. So from the sources on: who has taken in all
//       that its inputs will ever write and is idle will write no more, and its own report is as good as new.

//   Q4. Where actors of a stage send each other events, Q3 goes on inside it: all its tasks are idle and have seen its last record. One
//       that was woken later was woken by a later record, whose writer was woken before that: nobody was the first.
//
//   Q5. No pause before all bootstraps are through: it would stop what they read, and what waits for them lies between tasks, where no
//       savepoint has it. Once through they stay so, for as long as the revision is the same.
//
//   Q6. A task in which as much waits as may during a pause takes in nothing more before its end, as nothing of what waits goes on until then:
//       whoever waits for rest need not wait longer.

import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { TaskFigures } from './task-figures.ts';

/** null: quiet. Else what is still under way, a sentence. `pause`: the id of the pause that was asked for. */
export function underWay(plan: PhysicalPlan, figures: ReadonlyMap<string, TaskFigures>, pause: string): string | null {
  for (const stage of plan.stages) {
    for (let partition = 0; partition < stage.partitionCount; partition++) {
      const name = taskName(stage.id, partition);
      const task = figures.get(name);
      if (task === undefined || task.state === 'claiming') return `task ${name} does not run`;
      if (task.state === 'done') continue;
      if (task.standsStill !== undefined) return task.standsStill;
      if (task.paused !== pause) return `${stage.kind === 'source' ? 'source task' : 'task'} ${name} reads on`;
      if (takesNoMore(task)) return restless(task);
      if (task.busy || task.inboxBytes > 0) return `task ${name} works`;
      for (const index of stage.inputs) {
        const isOwn = stage.outputs.includes(index);
        const from = plan.stages.find(({ id }) => id === plan.edges[index]?.fromStage);
        const last = from === undefined ? 0 : lastOf(from.id, from.partitionCount, figures);
        if (last === null) return `a task of ${from?.id ?? ''} does not run`;
        // Q4: what it has seen of its own stage is stored only with something else.
        if (((isOwn ? task.ownSequence : task.positions[String(index)]) ?? 0) < last)
          return `task ${name} has not taken in all of ${from?.id ?? ''}`;
      }
    }
  }
  return null;
}

/** Why there will be no rest however long the pause is, a sentence; null: there may be (Q6). */
export function neverQuiet(figures: ReadonlyMap<string, TaskFigures>, pause: string): string | null {
  const one = [...figures.values()].find((task) => task.state === 'running' && task.paused === pause && takesNoMore(task));
  return one === undefined ? null : restless(one);
}

function takesNoMore({ cannotRest, inboxBytes }: TaskFigures): boolean {
  return cannotRest !== undefined && inboxBytes > 0;
}

function restless({ task, cannotRest = 0 }: TaskFigures): string {
  return (
    `${cannotRest} events wait in task ${task} for a lookup, a rate or a retry, as many as may while the job is paused, and more lie before it; ` +
    'make another savepoint when less waits: give that stage more at once (maxInFlight, perSecond) or more partitions, or let it catch up'
  );
}

/** null: all that is to be taken in first has been, or there is no such thing. Else what is on its way, a sentence (Q5). */
export function bootstrapUnderWay(plan: PhysicalPlan, figures: ReadonlyMap<string, TaskFigures>): string | null {
  for (const stage of plan.stages) {
    for (const index of firstOf(stage)) {
      const from = plan.stages.find(({ id }) => id === plan.edges[index]?.fromStage) as StagePlan;
      const open = tasksOf(from, figures).find(({ task }) => task?.state !== 'done');
      if (open !== undefined) return `the bootstrap of ${stage.id} is taken in, ${open.name} has not come to its end`;
      const last = lastOf(from.id, from.partitionCount, figures) ?? Infinity;
      const behind = tasksOf(stage, figures).find(({ task }) => task?.state !== 'done' && (task?.positions[String(index)] ?? -1) < last);
      if (behind !== undefined) return `the bootstrap of ${stage.id} is taken in, ${behind.name} has not taken in all of ${from.id}`;
    }
  }
  return null;
}

function firstOf({ nodes }: StagePlan): readonly number[] {
  return nodes.flatMap(({ inputs }) => inputs.flatMap((input) => (input.kind === 'edge' && input.turn === 'first' ? [input.edge] : [])));
}

function tasksOf(
  { id, partitionCount }: StagePlan,
  figures: ReadonlyMap<string, TaskFigures>,
): readonly { readonly name: string; readonly task: TaskFigures | undefined }[] {
  return Array.from({ length: partitionCount }, (_, partition) => {
    const name = taskName(id, partition);
    return { name, task: figures.get(name) };
  });
}

/** True when nothing is under way and nothing will begin before the pause `pause` ends. `figures`: the newest of each task. */
export function isQuiet(plan: PhysicalPlan, figures: ReadonlyMap<string, TaskFigures>, pause: string): boolean {
  return underWay(plan, figures, pause) === null;
}

/** Sequence of the last record of a stage; null: one of its tasks was not heard of. */
function lastOf(stage: string, partitionCount: number, figures: ReadonlyMap<string, TaskFigures>): number | null {
  let last = 0;
  for (let partition = 0; partition < partitionCount; partition++) {
    const task = figures.get(taskName(stage, partition));
    if (task === undefined) return null;
    last = Math.max(last, task.sequence);
  }
  return last;
}
