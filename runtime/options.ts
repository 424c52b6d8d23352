// What a worker process is told: read once, from the environment or from the thread's data.

export type WorkerOptions = {
  readonly natsUrl: string;
  readonly job: string;
  readonly worker: string;
  /** Where a test lets this worker die (adapters/node/failpoint.ts). */
  readonly failpoint?: string | undefined;
};

/** Everything of a run that all its workers must agree on: the directory's key `job`. */
export type RunRecord = {
  readonly runId: string;
  /** The physical plan; without its functions when the job is a TypeScript module. */
  readonly plan: unknown;
  /** The TypeScript module that declares the job, to be loaded again by each worker; null for a job of plain data. */
  readonly module: { readonly path: string; readonly parameters: Readonly<Record<string, string>> } | null;
  readonly splitCounts: Readonly<Record<string, number>>;
  readonly baseDir: string;
  readonly outDir: string;
  /** It was begun with a speed: its events leave in event-time order, now and whenever it goes on. */
  readonly isReplay: boolean;
  /** Pace of a replay as it goes on now; null: as fast as possible. */
  readonly speed: number | null;
  /** How many workers the run starts with. */
  readonly workers: number;
  readonly fingerprint: string;
  readonly startedMs: number;
};

/** From `MILLRACE_WORKER_OPTIONS` (JSON). Throws when it is missing: nobody starts this file by hand. */
export function optionsFromEnvironment(environment: Readonly<Record<string, string | undefined>>): WorkerOptions {
  const text = environment['MILLRACE_WORKER_OPTIONS'];
  if (text === undefined) throw new Error('MILLRACE_WORKER_OPTIONS is not set: workers are started by `millrace run`, or by the operator');
  return JSON.parse(text) as WorkerOptions;
}
