// Where a task's, and a worker's, time goes: what scaling and views reckon with.
//
//   M1. busy + blocked + idle is the time since the ledger was opened; none of the three ever goes back.
//   M2. A task is busy while it steps and encodes; blocked while something waits that it cannot take in (its commit, its sink or
//       its turn on the event loop comes first); idle while there is nothing to take in, or little and it gathers.
//   M3. A worker is busy while its event loop is, whatever for. In the rest of the time it is blocked as long as the task that was
//       blocked longest: tasks wait side by side, so their times may not be added up.

import type { Clock } from '../base/clock.ts';

/** Milliseconds, each since the same moment. */
export type TimeSpent = { readonly busyMs: number; readonly blockedMs: number; readonly idleMs: number };

export const NO_TIME: TimeSpent = { busyMs: 0, blockedMs: 0, idleMs: 0 };

export function addTimes(one: TimeSpent, other: TimeSpent): TimeSpent {
  return {
    busyMs: one.busyMs + other.busyMs,
    blockedMs: one.blockedMs + other.blockedMs,
    idleMs: one.idleMs + other.idleMs,
  };
}

export class TimeLedger {
  readonly #clock: Clock;
  #busyMs = 0;
  #blockedMs = 0;
  #idleMs = 0;
  #doing: 'busy' | 'blocked' | 'idle' = 'idle';
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** From now on. Costs one look at the clock. */
  enter(doing: 'busy' | 'blocked' | 'idle'): void {
    const nowMs = this.#clock.monotonicMs();
    const passedMs = nowMs - this.#sinceMs;
    if (this.#doing === 'busy') this.#busyMs += passedMs;
    else if (this.#doing === 'blocked') this.#blockedMs += passedMs;
    else this.#idleMs += passedMs;
    this.#doing = doing;
    this.#sinceMs = nowMs;
  }

  /** Until now. */
  spent(): TimeSpent {
    this.enter(this.#doing);
    return { busyMs: this.#busyMs, blockedMs: this.#blockedMs, idleMs: this.#idleMs };
  }
}

/** A worker's time up to a moment. */
export type WorkerTime = {
  readonly atMs: number;
  readonly spent: TimeSpent;
  /** Of its event loop, since an arbitrary moment. */
  readonly loopBusyMs: number;
  /** By task. */
  readonly blockedMs: ReadonlyMap<string, number>;
};

/** The worker's time up to `now`, from what it was `before`: what is looked at seldom costs nothing in between (M3). */
export function workerTime(before: WorkerTime, now: Omit<WorkerTime, 'spent'>): WorkerTime {
  const passedMs = now.atMs - before.atMs;
  const busyMs = Math.min(Math.max(0, now.loopBusyMs - before.loopBusyMs), passedMs);
  const blocked = [...now.blockedMs].map(([task, ms]) => ms - (before.blockedMs.get(task) ?? 0));
  const blockedMs = Math.min(Math.max(0, ...blocked), passedMs - busyMs);
  return {
    ...now,
    spent: {
      busyMs: before.spent.busyMs + busyMs,
      blockedMs: before.spent.blockedMs + blockedMs,
      idleMs: before.spent.idleMs + passedMs - busyMs - blockedMs,
    },
  };
}
