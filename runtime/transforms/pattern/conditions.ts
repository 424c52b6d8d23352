// The conditions of a pattern, compiled once; those that do not look at earlier events of the match are evaluated once an event.

import type { Code } from '../../../crds/stream-job/code.ts';
import type { Key, Value } from '../../event/batch.ts';
import { decodeKey } from '../../event/key.ts';
import { compilePredicate } from '../../expression/expression.ts';
import type { Compiled } from '../../expression/expression.ts';
import type { Condition } from './automaton.ts';

/** Variables of every condition, in the order in which functions get them. */
export const PATTERN_NAMES = ['event', 'matched', 'key', 'timeMs'] as const;

/** Step → its events in this match so far, in order; no event: an empty list. */
export type Matched = Readonly<Record<string, readonly Value[]>>;
export type Judged = { readonly key: Key; readonly value: Value; readonly timeMs: number };
/** Whether a condition holds for the event of one moment. Throws what the code throws. */
export type Judge = (condition: Condition, matched: () => Matched) => boolean;

type CompiledCondition = { readonly holds: Compiled<boolean>; readonly looksBack: boolean };

export class Conditions {
  readonly #compiled: readonly CompiledCondition[];

  constructor(codes: readonly Code[]) {
    this.#compiled = codes.map((code) => ({
      holds: compilePredicate(code, PATTERN_NAMES),
      looksBack: typeof code === 'function' || /\bmatched\b/.test(code),
    }));
  }

  judgeOf({ key, value, timeMs }: Judged): Judge {
    const known: (boolean | undefined)[] = [];
    const keyValue = decodeKey(key);
    return (condition, matched) => {
      const { holds, looksBack } = this.#compiled[condition]!;
      if (looksBack) return holds(value, matched(), keyValue, timeMs);
      return (known[condition] ??= holds(value, NOTHING, keyValue, timeMs));
    };
  }
}

const NOTHING: Matched = {};
