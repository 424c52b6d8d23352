// After a match: which others it ends. The strategies are those of Apache Flink CEP (its documentation, "After Match Skip Strategy").
//
//   K1. With a strategy that skips, a match waits for all that began before it: what those become decides whether it counts.
//   K2. Of whole matches the one that began first counts first, of equal beginnings the one that was whole first.

import type { PatternSpec } from '../../../crds/stream-job/pattern.ts';
import type { Automaton } from './automaton.ts';
import type { Taken } from './partial-match.ts';

export type Skip = Pick<PatternSpec, 'afterMatch' | 'skipTo'>;

/** Whether `taken`, a match that counts, ends what began with event number `sequence`. */
export function endsOthers({ afterMatch, skipTo }: Skip, { positions }: Automaton, taken: readonly Taken[]): (sequence: number) => boolean {
  const first = taken[0]!.event.sequence;
  const last = taken.at(-1)!.event.sequence;
  const named = taken.filter(({ position }) => positions[position]!.step === skipTo);
  switch (afterMatch) {
    case 'noSkip':
      return () => false;
    case 'skipToNext':
      return (sequence) => sequence <= first;
    case 'skipPastLastEvent':
      return (sequence) => sequence <= last;
    case 'skipToFirst':
      return (sequence) => sequence < (named[0]?.event.sequence ?? -Infinity); // the step took no event: nothing is skipped
    case 'skipToLast':
      return (sequence) => sequence < (named.at(-1)?.event.sequence ?? -Infinity);
  }
}
