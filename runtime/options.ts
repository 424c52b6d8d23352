// What a worker of a local run is told: read once, from the environment or from the thread's data. (Pods: pod/pod-options.ts.)

import type { TracingOptions } from './telemetry/tracing-options.ts';

export type WorkerOptions = {
  readonly natsUrl: string;
  readonly job: string;
  readonly worker: string;
  /** Where traces go; absent: nowhere. */
  readonly tracing?: TracingOptions | null | undefined;
  /** Where a test lets this worker die (adapters/node/failpoint.ts). */
  readonly failpoint?: string | undefined;
  /** Bytes of state changes after which a test wants a checkpoint; absent: as many as are worth one. */
  readonly checkpointBytes?: number | undefined;
};

/** From `MILLRACE_WORKER_OPTIONS` (JSON). Throws when it is missing: nobody starts this file by hand. */
export function optionsFromEnvironment(environment: Readonly<Record<string, string | undefined>>): WorkerOptions {
  const text = environment['MILLRACE_WORKER_OPTIONS'];
  if (text === undefined) throw new Error('MILLRACE_WORKER_OPTIONS is not set: workers are started by `millrace run`, or by the operator');
  return JSON.parse(text) as WorkerOptions;
}
