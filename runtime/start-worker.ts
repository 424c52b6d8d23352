// The composition root of a worker: builds the adapters, reads what the run agreed on, and starts it.

import { NatsBlobStore } from './adapters/nats/nats-blob-store.ts';
import { connectNats } from './adapters/nats/nats-connection.ts';
import { Link } from './adapters/nats/link.ts';
import { NatsJournal } from './adapters/nats/nats-journal.ts';
import { openBus, openDirectory } from './adapters/nats/directory.ts';
import { systemClock } from './adapters/node/clock.ts';
import { makeFailpoint } from './adapters/node/failpoint.ts';
import { loadJob } from './adapters/node/load-job.ts';
import { systemRandom } from './adapters/node/random.ts';
import { assert } from './base/assert.ts';
import { CHECKPOINT_DELTA_BYTES_MIN } from './base/limits.ts';
import { loadTables, makeSinkConnector, makeSourceConnector } from './connectors/make-connector.ts';
import type { ConnectorEnv } from './connectors/make-connector.ts';
import type { RunRecord, WorkerOptions } from './options.ts';
import { planJob } from './plan/plan.ts';
import type { PhysicalPlan, StagePlan } from './plan/physical-plan.ts';
import { makeTransform } from './transforms/make-transform.ts';
import { Worker } from './worker/worker.ts';
import type { StageParts } from './worker/worker.ts';

export type StartedWorker = {
  /** Stores what is in flight and ends. */
  drain(): Promise<void>;
  /** Resolves when the worker has ended: the job completed or failed, or it was drained. */
  readonly ended: Promise<void>;
};

/** Room that a record leaves below max_payload, for headers of the message. */
const PAYLOAD_MARGIN_BYTES = 64 * 1024;

export async function startWorker(options: WorkerOptions, log: (message: string) => void): Promise<StartedWorker> {
  const connection = await connectNats({ url: options.natsUrl, name: `millrace ${options.job} ${options.worker}` });
  const directory = await openDirectory(connection, options.job);
  const run = (await directory.get('job'))?.value as RunRecord | undefined;
  assert(run !== undefined, `job ${options.job} is in the directory before its workers start`);
  const plan = await planOf(run, options.job);
  const env: ConnectorEnv = {
    job: options.job,
    runId: run.runId,
    baseDir: run.baseDir,
    outDir: run.outDir,
    connection,
    clock: systemClock,
    random: systemRandom,
  };
  const tables = await loadTables(plan.tables, env);
  const stageParts = await connectorsOf(plan, env);
  const worker = new Worker({
    plan,
    journal: new NatsJournal(new Link(connection)),
    blobs: await NatsBlobStore.open(connection, options.job),
    clock: systemClock,
    directory,
    bus: openBus(connection, options.job),
    worker: options.worker,
    makeTransform,
    table: (name) => {
      const found = tables.get(name);
      assert(found !== undefined, `table ${name} is in the plan`);
      return found.table;
    },
    tableVersions: Object.fromEntries([...tables].map(([name, { table }]) => [name, table.version])),
    stageParts: (stage) => stageParts.get(stage.id) ?? { source: null, sink: null },
    recordBytesMax: (connection.info?.max_payload ?? 1_048_576) - PAYLOAD_MARGIN_BYTES,
    checkpointBytes: CHECKPOINT_DELTA_BYTES_MIN,
    speed: run.speed,
    expectedWorkers: run.workers,
    failpoint: makeFailpoint(options.failpoint),
    usage,
    log,
  });
  await worker.start();
  const ended = worker.settled.then(() => worker.drain()).then(() => connection.close());
  return { drain: () => worker.drain(), ended };
}

/** The plan as data, or planned again from the module when it holds functions; the same either way. A run may have another
 *  name than its module gives it. */
async function planOf(run: RunRecord, name: string): Promise<PhysicalPlan> {
  if (run.module === null) return run.plan as PhysicalPlan;
  const { job } = await loadJob(run.module.path, { parameters: run.module.parameters });
  const plan = planJob({ ...job, metadata: { ...job.metadata, name } }, run.splitCounts);
  assert(plan.fingerprint === run.fingerprint, `${run.module.path} still declares the job that this run was started with`);
  return plan;
}

async function connectorsOf(plan: PhysicalPlan, env: ConnectorEnv): Promise<Map<string, StageParts>> {
  const parts = new Map<string, StageParts>();
  for (const stage of plan.stages) {
    const [source, sink] = [sourceOf(stage), sinkOf(stage)];
    parts.set(stage.id, {
      source: source === null ? null : await makeSourceConnector(source, env),
      sink: sink === null ? null : await makeSinkConnector(sink, env),
    });
  }
  return parts;
}

function sourceOf(stage: StagePlan): Parameters<typeof makeSourceConnector>[0] | null {
  for (const { op } of stage.nodes) if (op.kind === 'source') return op.spec;
  return null;
}

function sinkOf(stage: StagePlan): Parameters<typeof makeSinkConnector>[0] | null {
  for (const { op } of stage.nodes) if (op.kind === 'sink') return op.spec;
  return null;
}

function usage(): { memoryBytes: number; cpuMs: number } {
  const { user, system } = process.cpuUsage();
  return { memoryBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 };
}
