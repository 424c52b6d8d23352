// The worker of one run of the job, and its way from one revision to the next.
//
//   J1. Parts of a revision are used as a whole: a worker never mixes a plan with another one's connectors.
//   J2. A worker that does not end in time is left to the end of the process: it stored what it could, the fence does the rest.

import type { NatsConnection } from '@nats-io/transport-node';
import { openBus } from '../adapters/nats/directory.ts';
import { Link } from '../adapters/nats/link.ts';
import { NatsJournal } from '../adapters/nats/nats-journal.ts';
import { openTracing } from '../adapters/otel/open-tracing.ts';
import { systemRandom } from '../adapters/node/random.ts';
import type { TracingOptions } from '../telemetry/tracing-options.ts';
import { systemClock } from '../adapters/node/clock.ts';
import { DiskValues } from '../adapters/node/disk-values.ts';
import { makeFailpoint } from '../adapters/node/failpoint.ts';
import { assert } from '../base/assert.ts';
import { CHECKPOINT_DELTA_BYTES_MIN } from '../base/limits.ts';
import type { BlobStore } from '../journal/journal.ts';
import type { RevisionParts } from '../revision.ts';
import { redriveStream } from '../plan/plan-names.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { usage } from '../usage.ts';
import type { Bus, Directory } from '../worker/directory.ts';
import type { JobRecord } from '../worker/job-record.ts';
import type { Health } from '../worker/health.ts';
import { Worker } from '../worker/worker.ts';
import type { WorkerMeasures } from '../worker/worker-meters.ts';
import type { WorkerReport } from '../worker/worker-report.ts';
import type { WorkerRevision } from '../worker/worker.ts';

export type RunnerParts = {
  readonly connection: NatsConnection;
  readonly directory: Directory;
  readonly blobs: BlobStore;
  /** The job's identity. */
  readonly job: string;
  readonly worker: string;
  /** The machine that it runs on, if known. */
  readonly node?: string | undefined;
  /** The pool of stages that it is for. */
  readonly pool: string;
  readonly log: (message: string) => void;
  readonly tracing?: TracingOptions | null | undefined;
  readonly failpoint?: string | undefined;
};

/** Room that a record leaves below max_payload, for headers of the message. */
const PAYLOAD_MARGIN_BYTES = 64 * 1024;

export class JobRunner {
  readonly runId: string;
  readonly #worker: Worker;
  readonly #bus: HeardBus;
  #revision: number;

  private constructor(worker: Worker, bus: HeardBus, { runId, revision }: JobRecord) {
    this.#worker = worker;
    this.#bus = bus;
    this.runId = runId;
    this.#revision = revision;
  }

  static async start(record: JobRecord, parts: RevisionParts, runner: RunnerParts): Promise<JobRunner> {
    const { connection, directory, blobs, job, worker: id, log } = runner;
    const bus = new HeardBus(openBus(connection, job));
    const tracing = openTracing(runner.tracing ?? null, { runId: record.runId, worker: id, random: systemRandom, log });
    const worker = new Worker({
      ...revisionOf(record, parts),
      journal: new NatsJournal(Link.of(connection)),
      blobs,
      clock: systemClock,
      directory,
      bus,
      worker: id,
      node: runner.node,
      pool: runner.pool,
      recordBytesMax: Link.of(connection).payloadBytesMax - PAYLOAD_MARGIN_BYTES,
      checkpointBytes: CHECKPOINT_DELTA_BYTES_MIN,
      speed: record.speed,
      expectedWorkers: record.workers,
      restore: record.restore,
      redriveStream: redriveStream(job),
      reportMs: record.reportMs,
      stayWhenSettled: true,
      failpoint: makeFailpoint(runner.failpoint),
      usage,
      openValues: () => new DiskValues(),
      tracing,
      log,
    });
    await worker.start();
    return new JobRunner(worker, bus, record);
  }

  /** Goes on with another revision of the same run, in place. */
  update(record: JobRecord, parts: RevisionParts): void {
    assert(record.runId === this.runId && record.revision > this.#revision, 'a later revision of the same run');
    this.#worker.update(revisionOf(record, parts));
    this.#revision = record.revision;
  }

  get revision(): number {
    return this.#revision;
  }

  /** What the worker reported last. */
  get report(): WorkerReport | null {
    return this.#bus.report;
  }

  measures(): WorkerMeasures {
    return this.#worker.measures();
  }

  health(): Health {
    return this.#worker.health();
  }

  /** True: it ended, with everything stored and handed over. */
  drain(timeoutMs: number): Promise<boolean> {
    return within(this.#worker.drain(), timeoutMs);
  }
}

/** The bus, that also remembers what this worker reports. */
class HeardBus implements Bus {
  report: WorkerReport | null = null;
  readonly #inner: Bus;

  constructor(inner: Bus) {
    this.#inner = inner;
  }

  publish(topic: string, value: unknown): void {
    if (topic === 'report') this.report = value as WorkerReport;
    this.#inner.publish(topic, value);
  }

  subscribe(topic: string, onMessage: (value: unknown) => void): () => void {
    return this.#inner.subscribe(topic, onMessage);
  }

  isHeard(topic: string): Promise<boolean | null> {
    return this.#inner.isHeard(topic);
  }
}

function revisionOf({ revision }: JobRecord, { plan, table, tableVersions, stageParts }: RevisionParts): WorkerRevision {
  return { revision, plan, table, tableVersions, stageParts, makeTransform };
}

/** True when `work` ended within `timeoutMs`; rejects when it fails before. */
async function within(work: Promise<void>, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}
