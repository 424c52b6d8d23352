// How much a step takes in: as much as there is while it is cheap, less when it would hold up the worker's other tasks.
//
//   Z1. A step is not interrupted; what it is given is. So the next one gets as many events as fit the time, by what the last took.
//   Z2. Never less than one record: what was stored as one is taken in as one.

import type { Clock } from '../base/clock.ts';
import type { Inbox, InboxRecord } from '../task/inbox.ts';

/** A step takes in at most this much; a full inbox may be stepped while a commit is in flight. */
const STEP_EVENTS_MAX = 65_536;
export const STEP_BYTES_MAX = 2 * 1024 * 1024;
/** A tenth of a lease: heartbeats and other tasks of the worker wait for the step. */
const STEP_MS_MAX = 200;

export class StepSize {
  #eventsMax = STEP_EVENTS_MAX;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes out of `inbox` what the next step may have, and hands it to `takeIn`. */
  feed(inbox: Inbox, takeIn: (records: readonly InboxRecord[]) => void): void {
    const records = inbox.take({ eventsMax: this.#eventsMax, bytesMax: STEP_BYTES_MAX });
    const beganMs = this.#clock.monotonicMs();
    takeIn(records);
    const tookMs = this.#clock.monotonicMs() - beganMs;
    const events = records.reduce((sum, { segments }) => segments.reduce((all, { count }) => all + count, sum), 0);
    this.#eventsMax = nextEventsMax(this.#eventsMax, { events, tookMs });
  }
}

/** How many events the next step gets, when this one took `tookMs` for `events`. Pure. */
export function nextEventsMax(eventsMax: number, { events, tookMs }: { readonly events: number; readonly tookMs: number }): number {
  if (tookMs > STEP_MS_MAX) return Math.max(1, Math.min(eventsMax, Math.floor((events * STEP_MS_MAX) / tookMs)));
  return tookMs < STEP_MS_MAX / 2 ? Math.min(STEP_EVENTS_MAX, eventsMax * 2) : eventsMax;
}
