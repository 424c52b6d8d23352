// Walks over the steps of a declared pattern.

import type { PatternStep } from '../../crds/stream-job/pattern.ts';
import type { PathPart } from '../base/path.ts';

/** A step where it stands below the pattern. */
export type PlacedStep = {
  readonly step: PatternStep;
  readonly path: readonly PathPart[];
  /** The first of the pattern or of its group. */ readonly isFirst: boolean;
  readonly isInGroup: boolean;
};

/** All steps, groups before what is in them. */
export function placedSteps({ steps }: { readonly steps: readonly PatternStep[] }): readonly PlacedStep[] {
  return walk(steps, [], false);
}

function walk(steps: readonly PatternStep[], at: readonly PathPart[], isInGroup: boolean): readonly PlacedStep[] {
  return steps.flatMap((step, i) => {
    const path = [...at, 'steps', i];
    return [{ step, path, isFirst: i === 0, isInGroup }, ...(step.steps === undefined ? [] : walk(step.steps, path, true))];
  });
}

/** Names of the steps that take events, in the order of declaration. */
export function takingNames(steps: readonly PatternStep[]): readonly string[] {
  return placedSteps({ steps }).flatMap(({ step }) => (isNot(step) || step.steps !== undefined ? [] : [step.name]));
}

export function isNot({ contiguity }: PatternStep): boolean {
  return contiguity === 'notNext' || contiguity === 'notFollowedBy';
}
