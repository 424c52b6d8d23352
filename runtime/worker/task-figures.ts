// What others may know of a task that runs: what workers report, views show and purging relies on.

import type { TaskCounters } from '../journal/record.ts';

/** What others may know of a running task. */
export type TaskFigures = {
  readonly task: string;
  readonly stage: string;
  readonly partition: number;
  readonly state: 'claiming' | 'running' | 'done';
  readonly epoch: number;
  readonly number: number;
  readonly counters: TaskCounters;
  /** Lowest input watermark, ms; null: none yet; Number.MAX_SAFE_INTEGER: ended (JSON has no infinities). */
  readonly watermark: number | null;
  readonly inboxBytes: number;
  readonly progress: number | null;
  /** Positions that are stored, by upstream stage: what purging may rely on. */
  readonly positions: Readonly<Record<string, number>>;
};
