// What is known of the load of a pool of stages at one moment: figures that count up, so that two samples give rates.
//
// A pool is looked at as a job of its own: what comes to it are the events of its sources, and those that stages of other pools give
// to its stages. So nothing behind has to know of other pools.

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

/** A stage that events come to from outside the pool: from a source's stream, or from stages of other pools. */
export type SourceSample = {
  readonly stage: string;
  /** Events taken in since the first record. */
  readonly takenEvents: number;
  /** Events that wait there and are not taken in yet; null: unknown. */
  readonly backlogEvents: number | null;
};

/** Event time before a stage and in it, ms: up to where the stages before it have given all out, and up to where it has taken all in. */
export type StageTime = { readonly stage: string; readonly givenMs: number; readonly takenMs: number };

export type Sample = {
  /** Monotonic. */
  readonly atMs: number;
  readonly workers: readonly WorkerSample[];
  readonly tasks: readonly TaskSample[];
  readonly sources: readonly SourceSample[];
  /** By stage: given out by stages of the same pool, and not taken in yet. */
  readonly lags: ReadonlyMap<string, number>;
  /** Of stages of which it is known; absent in what was recorded before it was measured. */
  readonly times?: readonly StageTime[];
  /** Why it is not all that there is to know; null: it is. */
  readonly missing: string | null;
};

/** The graph of the pool, as far as load flows through it: stages in topological order. */
export type LoadGraph = {
  readonly stages: readonly {
    readonly id: string;
    readonly isSource: boolean;
    readonly partitionCount: number;
    /** Stage that each output leads to, by its place in `edgesOut`; null: nobody reads it, a stage of another pool does, or it is retired. */
    readonly to: readonly (string | null)[];
  }[];
};
