// What is known of a job's load at one moment: figures that count up, so that two samples give rates.

import type { KeyShare } from '../../runtime/worker/task-figures.ts';
import type { TimeSpent } from '../../runtime/worker/time-ledger.ts';

export type WorkerSample = { readonly id: string; readonly time: TimeSpent };

export type TaskSample = {
  readonly task: string;
  readonly stage: string;
  readonly worker: string;
  /** Of the claim that its times are since. */
  readonly epoch: number;
  readonly eventsIn: number;
  readonly edgesOut: readonly number[];
  readonly time: TimeSpent;
  /** The key that most of its events have lately; absent: none stands out. */
  readonly heavyKey?: KeyShare | undefined;
};

/** One source stage. */
export type SourceSample = {
  readonly stage: string;
  /** Events taken in since the first record. */
  readonly takenEvents: number;
  /** Events that lie in its stream and are not taken in yet; null: unknown. */
  readonly backlogEvents: number | null;
};

export type Sample = {
  /** Monotonic. */
  readonly atMs: number;
  readonly workers: readonly WorkerSample[];
  readonly tasks: readonly TaskSample[];
  readonly sources: readonly SourceSample[];
  /** By stage that is no source: given out upstream and not taken in yet. */
  readonly lags: ReadonlyMap<string, number>;
  /** Why it is not all that there is to know; null: it is. */
  readonly missing: string | null;
};

/** The graph, as far as load flows through it: stages in topological order. */
export type LoadGraph = {
  readonly stages: readonly {
    readonly id: string;
    readonly isSource: boolean;
    readonly partitionCount: number;
    /** Stage that each output leads to, by its place in `edgesOut`; null: nobody reads it, or it is retired. */
    readonly to: readonly (string | null)[];
  }[];
};
