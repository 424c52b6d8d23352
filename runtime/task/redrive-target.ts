// Where a dead letter is put in again: the stage and partition that refused it, as the job is declared now. Pure.
//
//   G1. Events of one key go to the partition that owns the key, in the order in which they were refused.
//   G2. What cannot be put in again is told why, before anything is written.

import type { DeadLetter } from '../event/batch.ts';
import { partitionOf } from '../event/key.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';

export type RedriveTarget =
  | { readonly kind: 'task'; readonly stage: StagePlan; readonly partition: number; readonly node: string; readonly input: number }
  | { readonly kind: 'none'; readonly reason: string };

/** `isGiven`: another event comes in the place of the letter's own. */
export function redriveTarget(plan: PhysicalPlan, letter: DeadLetter, { isGiven }: { readonly isGiven: boolean }): RedriveTarget {
  const { at, key, input = 0 } = letter;
  const stage = stageOf(plan, at);
  if (stage === undefined) return none(`the job has no transform, source or sink ${at} any more`);
  if (input === null) return none('what failed came of a timer or of the transform itself, not of an event that can be given to it again');
  const node = stage.nodes.find(({ id }) => id === at);
  if (input >= Math.max(1, node?.inputs.length ?? 1)) return none(`${at} has no input ${input + 1} any more`);
  if (isGiven) return { kind: 'task', stage, partition: partitionFor(stage, key), node: at, input };
  if (letter.cut === true) return none('only a part of the event is kept in the letter: give the whole of it with --event');
  if (letter.event === null && letter.code === 'MR3001') return none('the event itself is gone; the letter only says where it was');
  return { kind: 'task', stage, partition: partitionFor(stage, key), node: at, input };
}

/** The stage that has the transform, source or sink `at`; undefined: there is none any more. */
export function stageOf(plan: PhysicalPlan, at: string): StagePlan | undefined {
  return plan.stages.find(({ id, kind, nodes }) => (kind === 'sink' ? id === at : nodes.some((node) => node.id === at)));
}

function partitionFor({ kind, partitionCount }: StagePlan, key: string | null): number {
  return kind !== 'keyed' || key === null ? 0 : partitionOf(key, partitionCount);
}

function none(reason: string): RedriveTarget {
  return { kind: 'none', reason };
}
