// The worker of one run of the job, and its way from one revision to the next.
//
//   J1. Parts of a revision are used as a whole: a worker never mixes a plan with another one's connectors.
//   J2. A worker that does not end in time is left to the end of the process: it stored what it could, the fence does the rest.

import type { NatsConnection } from '@nats-io/transport-node';
import { openBus } from '../adapters/nats/directory.ts';
import { Link } from '../adapters/nats/link.ts';
import { NatsJournal } from '../adapters/nats/nats-journal.ts';
import { systemClock } from '../adapters/node/clock.ts';
import { CHECKPOINT_DELTA_BYTES_MIN } from '../base/limits.ts';
import type { BlobStore } from '../journal/journal.ts';
import type { RevisionParts } from '../revision.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { usage } from '../usage.ts';
import type { Directory } from '../worker/directory.ts';
import type { JobRecord } from '../worker/job-record.ts';
import { Worker } from '../worker/worker.ts';
import type { ProbeInput } from './probes.ts';

export type RunnerParts = {
  readonly connection: NatsConnection;
  readonly directory: Directory;
  readonly blobs: BlobStore;
  /** The job's identity. */
  readonly job: string;
  readonly worker: string;
  readonly log: (message: string) => void;
};

/** Room that a record leaves below max_payload, for headers of the message. */
const PAYLOAD_MARGIN_BYTES = 64 * 1024;

export class JobRunner {
  readonly runId: string;
  readonly #worker: Worker;
  #revision: number;

  private constructor(worker: Worker, { runId, revision }: JobRecord) {
    this.#worker = worker;
    this.runId = runId;
    this.#revision = revision;
  }

  static async start(record: JobRecord, revision: RevisionParts, parts: RunnerParts): Promise<JobRunner> {
    const { connection, directory, blobs, job, worker: id, log } = parts;
    const { tableIssues: _told, ...stages } = revision;
    const worker = new Worker({
      ...stages,
      journal: new NatsJournal(Link.of(connection)),
      blobs,
      clock: systemClock,
      directory,
      bus: openBus(connection, job),
      worker: id,
      makeTransform,
      recordBytesMax: Link.of(connection).payloadBytesMax - PAYLOAD_MARGIN_BYTES,
      checkpointBytes: CHECKPOINT_DELTA_BYTES_MIN,
      speed: record.speed,
      expectedWorkers: record.workers,
      failpoint: () => undefined,
      usage,
      log,
    });
    await worker.start();
    return new JobRunner(worker, record);
  }

  health(): NonNullable<ProbeInput['worker']> {
    return { assigned: true, tasks: [], restoredOnce: true };
  }

  get revision(): number {
    return this.#revision;
  }

  /** True: it ended, with everything stored and handed over. */
  drain(timeoutMs: number): Promise<boolean> {
    return within(this.#worker.drain(), timeoutMs);
  }
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
