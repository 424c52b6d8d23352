// What is agreed on in a job's directory between who runs it (the CLI, the operator) and its workers.
//
// Keys: `job` (JobRecord) · `worker.<id>`, `assignment` (membership.ts) · `failure`, `completed` (membership.ts)
//       `pause` (Pause) · `trace` (FollowedKeys) · `savepoint` (SavepointRequest) · `savepoint.<id>.<stage>.<partition>` (SavepointTask)
//   D1. `job` is written by one who runs the job only (the CLI's runner, the operator's leader). A higher `revision` replaces
//       the plan while workers run: tasks of stages whose fingerprint is the same go on, the others begin anew (worker.ts).
//   D2. While `pause` is there no source reads on; what was read flows to its end.
//   D4. `trace` changes what is told, never what is done: who does not know it yet, or any more, gives the same results.
//   D3. `savepoint`: every worker stores the state of each task it runs, and says where; see SavepointTask.

import type { SinkState } from '../connectors/sink.ts';
import type { SourcePosition } from '../connectors/source.ts';
import type { TaskCounters } from '../journal/record.ts';

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
  /** The streams of NATS sources and sinks lie in another account, of which the job's imports them (docs/adr/0038). */
  readonly importsStreams: boolean;
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

export type Pause = {
  readonly id: string;
  readonly reason: string;
  /** When it was asked for, ms since the epoch. */ readonly sinceMs: number;
};
export type SavepointRequest = { readonly id: string };
/** Keys whose events are traced, each until its time, ms since the epoch. Keys are canonical texts (event/key.ts). */
export type FollowedKeys = { readonly keys: readonly FollowedKey[] };
/** `untilMs` is by the clock of who asked; `forMs`, how long from then on, is what workers go by. Absent: an older release asked. */
export type FollowedKey = { readonly key: string; readonly untilMs: number; readonly forMs?: number };

/** How far event time has come; `ended`: it will not go further; null: it has not begun. (JSON has no infinities.) */
export type StoredWatermark = number | 'ended' | null;

/** How a task stood when a savepoint was taken: what its next record would carry on. Exchanges are named by their ids, which
 *  mean the same in another plan; places in journals mean nothing there and are left out. */
export type SavepointHeader = {
  /** By exchange that it reads: the watermark of each partition of the stage before, and how many events it has taken in. */
  readonly inputs: readonly { readonly edge: string; readonly watermarks: readonly StoredWatermark[]; readonly events: number }[];
  /** By exchange that it writes: the watermark given out, and how many events. */
  readonly outputs: readonly { readonly edge: string; readonly watermark: StoredWatermark; readonly events: number }[];
  readonly source: SourcePosition | null;
  readonly sink: SinkState | null;
  readonly nodeWatermarks: Readonly<Record<string, readonly [input: StoredWatermark, output: StoredWatermark]>>;
  readonly done: boolean;
  readonly counters: Omit<TaskCounters, 'edgesIn' | 'edgesOut'>;
  readonly tables: Readonly<Record<string, string>>;
  /** Where the task's clock was; absent: an older release took it. */
  readonly clockMs?: number;
};

/** One task's part of a savepoint: the directory's key `savepoint.<id>.<stage>.<partition>`. */
export type SavepointTask = {
  readonly task: string;
  /** Its image, a blob of the job's store: `savepoint.<id>.<stage>-<partition>.<epoch>`. */
  readonly blob: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Number of its last record: of a sink, all results up to it are written. */
  readonly number: number;
  /** Revision that its worker ran. */
  readonly revision: number;
  readonly header: SavepointHeader;
};

/** The manifest of a savepoint: the blob `savepoint.<id>` (JSON) of the job's store. */
export type SavepointManifest = {
  readonly id: string;
  readonly job: string;
  readonly runId: string;
  readonly revision: number;
  /** The plan that it was taken under, as it stands in the job's record: compareForUpgrade (plan/compatibility.ts) says whether
   *  another one can go on from it. */
  readonly plan: unknown;
  readonly tasks: readonly SavepointTask[];
};
