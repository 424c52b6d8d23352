// What a worker tells of itself, again and again.

import type { NodeFigures } from '../task/node-figures.ts';
import type { LatencyCounts } from '../telemetry/latency-histogram.ts';
import type { TracerFigures } from '../telemetry/span.ts';
import type { StandbyFigures } from './hand-over.ts';
import type { TaskFigures } from './task-figures.ts';
import type { TimeSpent } from './time-ledger.ts';

/** What a worker tells: figures of its tasks since it began, latencies since it began. */
export type WorkerReport = {
  readonly worker: string;
  readonly tasks: readonly TaskFigures[];
  readonly commitLatency: LatencyCounts;
  readonly endToEndLatency: LatencyCounts;
  readonly memoryBytes: number;
  readonly cpuMs: number;
  /** Since it began. */
  readonly time: TimeSpent;
  readonly troubles: readonly string[];
  /** Spans that were sent to the collector, and dropped; null: nothing is traced. (Absent in reports of older workers.) */
  readonly spans?: TracerFigures | null;
  /** Of the job, that it runs. */
  readonly revision: number;
  /** Absent: the default pool. */ readonly pool?: string | undefined;
  /** What transforms tell, over all its tasks; workers of an older version tell nothing. */
  readonly nodes?: NodeFigures;
  /** Partitions that it follows for their owners; absent: the job has no standbys. */
  readonly standbys?: readonly StandbyFigures[];
};
