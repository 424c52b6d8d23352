// The timers of one actor as its own code sees them: those that are set, and what the event that it works on has changed about them.

import type { Value } from '../../event/batch.ts';
import type { Timer } from '../transform.ts';
import type { TimerChange } from './effects.ts';
import { dataOf } from './missed-timers.ts';

/** A timer of an actor that has not fired. */
export interface PendingTimer {
  readonly id: string;
  readonly atMs: number;
  readonly data: Value;
}

/** Ids that begin so are the engine's own. */
const OWN = '\u0000';

/** In (time, id) order, which is that in which they fire. `timeMs`: of the event that made the changes. */
export function pendingTimers(timers: readonly Timer[], changes: readonly TimerChange[], timeMs: number): readonly PendingTimer[] {
  const pending = new Map<string, PendingTimer>();
  for (const timer of timers) if (!timer.id.startsWith(OWN)) pending.set(timer.id, { id: timer.id, atMs: timer.atMs, data: dataOf(timer) });
  for (const change of changes) {
    if (change.kind === 'clear') pending.delete(change.id);
    else if (change.id !== null) pending.set(change.id, { id: change.id, atMs: timeMs + change.delayMs, data: change.event });
  }
  return [...pending.values()].toSorted((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
}
