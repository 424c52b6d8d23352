// Where the values of a simulated worker lie: every second one has no memory for them, and every second of those ends its steps when they
// have touched a few.

import { HeldValues } from '../../runtime/testing/values-away.ts';
import type { ValuePlace } from '../../runtime/state/value-memory.ts';

const STEP_BYTES = 600;

/** `born`: the how many-th worker it is. `isUnreadable`: a read fails now. */
export function valuePlace(born: number, isUnreadable?: () => boolean): ValuePlace {
  if (born % 2 === 0) return {};
  return { openValues: () => new HeldValues(isUnreadable), ...(born % 4 === 1 ? { stepBytes: STEP_BYTES } : {}) };
}
