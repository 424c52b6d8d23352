// What a stage's tasks do on this worker, counted since the process began: for metrics, whichever task it was and however short it ran.

import type { TaskCounters } from '../journal/record.ts';
import { BucketHistogram } from './bucket-histogram.ts';
import { metricCatalogue } from './metric-catalogue.ts';

/** Of a step that is stored. `traceId`: of a trace that it belongs to, when there is one. */
export type MeteredCommit = {
  readonly before: TaskCounters;
  readonly after: TaskCounters;
  readonly bytes: number;
  readonly durationMs: number;
  readonly traceId: string | null;
  readonly nowMs: number;
};

const counted = ['eventsIn', 'eventsOut', 'filtered', 'late', 'deadLetters'] as const;

export class StageMeter {
  readonly commitDuration = new BucketHistogram(metricCatalogue.millrace_stage_commit_duration_seconds.buckets);
  readonly endToEndDuration = new BucketHistogram(metricCatalogue.millrace_stage_end_to_end_duration_seconds.buckets);
  readonly restoreDuration = new BucketHistogram(metricCatalogue.millrace_stage_restore_duration_seconds.buckets);
  readonly stepEvents = new BucketHistogram(metricCatalogue.millrace_stage_step_events.buckets);
  readonly events = { eventsIn: 0, eventsOut: 0, filtered: 0, late: 0, deadLetters: 0 };
  readonly time = { busyMs: 0, blockedMs: 0, idleMs: 0 };
  /** Of tasks that are over, as in worker/task-figures.ts. */
  heldMs = 0;
  backPressureMs = 0;
  commitBytes = 0;
  recoveries = 0;
  warmStarts = 0;
  fenced = 0;

  committed({ before, after, bytes, durationMs, traceId, nowMs }: MeteredCommit): void {
    for (const name of counted) this.events[name] += after[name] - before[name];
    this.commitBytes += bytes;
    this.commitDuration.add(durationMs / 1_000, traceId === null ? null : { traceId, atMs: nowMs });
    const taken = after.eventsIn - before.eventsIn;
    if (taken > 0) this.stepEvents.add(taken);
  }

  endedToEnd(durationMs: number, traceId: string | null, nowMs: number): void {
    this.endToEndDuration.add(durationMs / 1_000, traceId === null ? null : { traceId, atMs: nowMs });
  }

  restored(durationMs: number, { isTakeover, isWarm }: { readonly isTakeover: boolean; readonly isWarm: boolean }): void {
    this.restoreDuration.add(durationMs / 1_000);
    if (isTakeover) this.recoveries++;
    if (isWarm) this.warmStarts++;
  }

  /** A task that has run here is over: its time stays. */
  ended({ busyMs, blockedMs, idleMs }: Readonly<StageMeter['time']>): void {
    this.time.busyMs += busyMs;
    this.time.blockedMs += blockedMs;
    this.time.idleMs += idleMs;
  }
}
