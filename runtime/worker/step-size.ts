// How much a step takes in: as much as there is while it is cheap, less when it would hold up the worker's other tasks.
//
//   Z1. What a step is given comes by growing portions, until its time is over: so the first step of a worker that finds much waiting,
//       and does not know yet how long an event takes, ends in time too. The next one gets as many events as fit, by what the last took.
//   Z2. Never less than one record: what was stored as one is taken in as one.

import type { Clock } from '../base/clock.ts';
import type { Inbox, InboxRecord } from '../task/inbox.ts';

/** A step takes in at most this much; a full inbox may be stepped while a commit is in flight. */
const STEP_EVENTS_MAX = 65_536;
export const STEP_BYTES_MAX = 2 * 1024 * 1024;
/** Events of a step's first portion; each one after it is twice as large. */
const PORTION_EVENTS = 64;
/** A tenth of a lease: heartbeats and other tasks of the worker wait for the step. */
const STEP_MS_MAX = 200;

export class StepSize {
  #eventsMax = STEP_EVENTS_MAX;
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Takes out of `inbox` what the next step may have, and hands it to `takeIn`. */
  feed(inbox: Inbox, takeIn: (records: readonly InboxRecord[]) => void): void {
    const beganMs = this.#clock.monotonicMs();
    let [events, bytes, tookMs] = [0, 0, 0];
    for (let portion = PORTION_EVENTS; ; portion *= 2) {
      const eventsMax = Math.min(portion, this.#eventsMax - events);
      const records = inbox.take({ eventsMax, bytesMax: STEP_BYTES_MAX - bytes });
      if (records.length === 0) break;
      takeIn(records);
      events += eventsOf(records);
      bytes += records.reduce((sum, record) => sum + record.bytes, 0);
      tookMs = this.#clock.monotonicMs() - beganMs;
      if (tookMs > STEP_MS_MAX || events >= this.#eventsMax || bytes >= STEP_BYTES_MAX) break;
    }
    this.#eventsMax = nextEventsMax(this.#eventsMax, { events, tookMs });
  }
}

function eventsOf(records: readonly InboxRecord[]): number {
  return records.reduce((sum, { segments }) => segments.reduce((all, { count }) => all + count, sum), 0);
}

/** How many events the next step gets, when this one took `tookMs` for `events`. Pure. */
export function nextEventsMax(eventsMax: number, { events, tookMs }: { readonly events: number; readonly tookMs: number }): number {
  if (tookMs > STEP_MS_MAX) return Math.max(1, Math.min(eventsMax, Math.floor((events * STEP_MS_MAX) / tookMs)));
  return tookMs < STEP_MS_MAX / 2 ? Math.min(STEP_EVENTS_MAX, eventsMax * 2) : eventsMax;
}
