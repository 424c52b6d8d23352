// Patterns as the builder takes them: what YAML has, with functions or CEL as conditions.

import type { PatternInput } from '../../crds/stream-job/pattern.ts';
import type { Cel } from './cel.ts';
import type { Simplify } from './code.ts';
import { codeOf, codeOrFieldsOf } from './code.ts';

type Step = PatternInput['steps'][number];

/** Step → its events in the match so far, in order: `matched.start?.[0]`. A step without events has an empty list. */
export type Matched<E> = Readonly<Record<string, readonly E[]>>;
/** Whether a step takes the event. `matched`: the events before it in this match. Synchronous, and equal for equal arguments. */
export type PatternCondition<E> = ((event: E, matched: Matched<E>, key: unknown, timeMs: number) => boolean) | Cel<boolean>;
/** One step: fields as in YAML. */
export type PatternStepOptions<E> = Omit<Step, 'where' | 'until' | 'steps'> & {
  readonly where?: PatternCondition<E>;
  readonly until?: PatternCondition<E>;
  /** A group: these in the place of one. */ readonly steps?: readonly PatternStepOptions<E>[];
};
export type PatternOptions<E> = Omit<PatternInput, 'steps' | 'select'> & {
  readonly steps: readonly PatternStepOptions<E>[];
  readonly select?: MatchSelect<E> | undefined;
};

type MatchFunction<E> = (matched: Matched<E>, key: unknown, startMs: number, endMs: number) => unknown;
/** The result of a match: a function, CEL, or fields of those. */
export type MatchSelect<E> = MatchFunction<E> | Cel | { readonly [field: string]: MatchFunction<E> | Cel };
/** A match without select. N: the fields that hold the key. */
export type Match<E, N> = Simplify<N & { startMs: number; endMs: number; matched: Matched<E> }>;

/** The pattern as the spec has it. */
export function patternInput({ steps, select, ...rest }: PatternOptions<never>): PatternInput {
  return { ...rest, steps: steps.map(stepInput), ...(select === undefined ? {} : { select: codeOrFieldsOf(select) }) };
}

function stepInput({ where, until, steps, ...rest }: PatternStepOptions<never>): Step {
  return {
    ...rest,
    ...(where === undefined ? {} : { where: codeOf(where) }),
    ...(until === undefined ? {} : { until: codeOf(until) }),
    ...(steps === undefined ? {} : { steps: steps.map(stepInput) }),
  };
}
