// The composition root of a local run's worker: builds the adapters, reads what the run agreed on, and starts it.

import { NatsBlobStore } from './adapters/nats/nats-blob-store.ts';
import { connectNats } from './adapters/nats/nats-connection.ts';
import { linksOf } from './adapters/nats/job-connections.ts';
import { Link } from './adapters/nats/link.ts';
import { NatsJournal } from './adapters/nats/nats-journal.ts';
import { openBus, openDirectory } from './adapters/nats/directory.ts';
import { systemClock } from './adapters/node/clock.ts';
import { DiskValues } from './adapters/node/disk-values.ts';
import { makeFailpoint } from './adapters/node/failpoint.ts';
import { loadJob } from './adapters/node/load-job.ts';
import { openTracing } from './adapters/otel/open-tracing.ts';
import { systemRandom } from './adapters/node/random.ts';
import { assert } from './base/assert.ts';
import { CHECKPOINT_DELTA_BYTES_MIN } from './base/limits.ts';
import type { ConnectorEnv } from './connectors/make-connector.ts';
import type { WorkerOptions } from './options.ts';
import { redriveStream } from './plan/plan-names.ts';
import { planJob } from './plan/plan.ts';
import type { PhysicalPlan } from './plan/physical-plan.ts';
import { makeRevision } from './revision.ts';
import { makeTransform } from './transforms/make-transform.ts';
import { usage } from './usage.ts';
import type { JobRecord } from './worker/job-record.ts';
import { Worker } from './worker/worker.ts';

export type StartedWorker = {
  /** Stores what is in flight and ends. */
  drain(): Promise<void>;
  /** Resolves when the worker has ended: the job completed or failed, or it was drained. */
  readonly ended: Promise<void>;
};

/** Room that a record leaves below max_payload, for headers of the message. */
const PAYLOAD_MARGIN_BYTES = 64 * 1024;
/** No kubelet waits: the last spans of a short run may take their time on a busy machine. Half of what the command gives it (cli/run/spawn.ts). */
const END_MAX_MS = 10_000;

export async function startWorker(options: WorkerOptions, log: (message: string) => void): Promise<StartedWorker> {
  const connection = await connectNats({ url: options.natsUrl, name: `millrace ${options.job} ${options.worker}` });
  const directory = await openDirectory(connection, options.job);
  const run = (await directory.get('job'))?.value as JobRecord | undefined;
  assert(run !== undefined, `job ${options.job} is in the directory before its workers start`);
  const plan = await planOf(run, options.job);
  const env: ConnectorEnv = {
    job: options.job,
    runId: run.runId,
    baseDir: run.baseDir,
    outDir: run.outDir,
    links: linksOf(connection, { importsStreams: false }),
    clock: systemClock,
    random: systemRandom,
    isTraced: (options.tracing ?? null) !== null,
  };
  const tracing = openTracing(options.tracing ?? null, { runId: run.runId, worker: options.worker, random: systemRandom, log });
  const { tableIssues: _told, ...revision } = await makeRevision(plan, env);
  const worker = new Worker({
    ...revision,
    journal: new NatsJournal(new Link(connection)),
    blobs: await NatsBlobStore.open(connection, options.job),
    clock: systemClock,
    directory,
    bus: openBus(connection, options.job),
    worker: options.worker,
    makeTransform,
    recordBytesMax: (connection.info?.max_payload ?? 1_048_576) - PAYLOAD_MARGIN_BYTES,
    checkpointBytes: options.checkpointBytes ?? CHECKPOINT_DELTA_BYTES_MIN,
    speed: run.speed,
    expectedWorkers: run.workers,
    revision: run.revision,
    restore: run.restore,
    redriveStream: redriveStream(options.job),
    reportMs: run.reportMs,
    endMaxMs: END_MAX_MS,
    failpoint: makeFailpoint(options.failpoint),
    usage,
    openValues: () => new DiskValues(),
    tracing,
    log,
  });
  await worker.start();
  const ended = worker.settled.then(() => worker.drain()).then(() => connection.close());
  return { drain: () => worker.drain(), ended };
}

/** The plan as data, or planned again from the module when it holds functions; the same either way. A run may have another
 *  name than its module gives it. */
async function planOf(run: JobRecord, name: string): Promise<PhysicalPlan> {
  if (run.module === null) return run.plan as PhysicalPlan;
  const { job } = await loadJob(run.module.path, { parameters: run.module.parameters });
  const plan = planJob({ ...job, metadata: { ...job.metadata, name } }, run.splitCounts);
  assert(plan.fingerprint === run.fingerprint, `${run.module.path} still declares the job that this run was started with`);
  return plan;
}
