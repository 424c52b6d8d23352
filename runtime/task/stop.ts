// An event that failed where its stage says that this stops more than itself (onError): nothing of its step may be stored.

import { MillraceError } from '../base/errors.ts';
import type { Value } from '../event/batch.ts';
import { describeValue } from '../transforms/failure.ts';

export type Stop = { readonly kind: 'stopPartition' | 'stopJob'; readonly problem: string; readonly event: Value };

/** Throws MR3006 or MR3007 when there is a stop. */
export function checkStop(stop: Stop | null, task: string): void {
  if (stop === null) return;
  const told = { task, problem: stop.problem, event: describeValue(stop.event) };
  throw new MillraceError(stop.kind === 'stopJob' ? 'MR3007' : 'MR3006', told);
}
