// What is agreed on in a job's directory between who runs it (the CLI, the operator) and its workers.
//
// Keys: `job` (JobRecord) · `worker.<id>`, `assignment` (membership.ts) · `failure`, `completed` (membership.ts)
//       `pause` (Pause) · `savepoint` (SavepointRequest) · `savepoint.<id>.<stage>.<partition>` (SavepointTask)
//   D1. `job` is written by one who runs the job only (the CLI's runner, the operator's leader). A higher `revision` replaces
//       the plan while workers run: tasks of stages whose fingerprint is the same go on, the others begin anew (worker.ts).
//   D2. While `pause` is there no source reads on; what was read flows to its end.
//   D3. `savepoint`: every worker stores the state of each task it runs, and says where; see SavepointTask.

import type { RecordHeader } from '../journal/record.ts';

/** Everything of a run that all its workers must agree on: the directory's key `job`. */
export type JobRecord = {
  readonly runId: string;
  /** Counts up from 1 with each declaration that is made to run. */
  readonly revision: number;
  /** The physical plan as JSON. Where the job is a TypeScript module loaded from a path (`module`), without its functions; where
   *  code comes as a bundle (`code`), with marks in their place. */
  readonly plan: unknown;
  /** The TypeScript module that declares the job, to be loaded again by each worker; null for a job of plain data. */
  readonly module: { readonly path: string; readonly parameters: Readonly<Record<string, string>> } | null;
  /** The bundle that declares the job: a blob of the job's store. Null: no code. */
  readonly code: { readonly blob: string; readonly sha256: string; readonly parameters: Readonly<Record<string, string>> } | null;
  readonly splitCounts: Readonly<Record<string, number>>;
  readonly baseDir: string;
  readonly outDir: string;
  /** It was begun with a speed: its events leave in event-time order, now and whenever it goes on. */
  readonly isReplay: boolean;
  /** Pace of a replay as it goes on now; null: as fast as possible. */
  readonly speed: number | null;
  /** How many workers the run starts with. */
  readonly workers: number;
  /** How often workers report, ms. */
  readonly reportMs: number;
  /** State to start from: the id of a savepoint whose blobs lie in the job's own store (savepoint.ts); null: none. */
  readonly restore: string | null;
  readonly fingerprint: string;
  readonly startedMs: number;
};

export type Pause = { readonly id: string; readonly reason: string };
export type SavepointRequest = { readonly id: string };

/** One task's part of a savepoint: its image is the blob `savepoint.<id>.<stage>-<partition>` of the job's store. */
export type SavepointTask = {
  readonly task: string;
  readonly sha256: string;
  readonly bytes: number;
  /** What its next record would carry on: positions of sources, watermarks, sink state, counts. Journal positions (`inputs`) say
   *  nothing in another job: only their watermarks are used. */
  readonly header: Pick<RecordHeader, 'inputs' | 'source' | 'sink' | 'watermarks' | 'nodeWatermarks' | 'done' | 'counters' | 'tables'>;
};

/** The manifest of a savepoint: the blob `savepoint.<id>` (JSON) of the job's store. */
export type SavepointManifest = {
  readonly id: string;
  readonly job: string;
  readonly runId: string;
  readonly revision: number;
  /** Fingerprint by stage id of the plan that it was taken under (plan/compatibility.ts decides what can go on from it). */
  readonly stages: Readonly<Record<string, string>>;
  readonly tasks: readonly SavepointTask[];
};
