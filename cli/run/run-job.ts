// One run of a job on this machine, from its declaration to its end.
//
//   load ─▶ server ─▶ open (new or continued) ─▶ workers ─▶ completed | failed | interrupted ─▶ report
//
// Owns: the order of these and that everything is given back, whatever happens. What it shows is views' business.

import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { linksOf } from '../../runtime/adapters/nats/job-connections.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { openBus } from '../../runtime/adapters/nats/directory.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { loadJob } from '../../runtime/adapters/node/load-job.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import { inertLines } from '../../runtime/base/inert.ts';
import { DeadLetterDesk } from '../../runtime/dead-letter-desk.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { loadTables, makeSourceConnector } from '../../runtime/connectors/make-connector.ts';
import type { ConnectorEnv } from '../../runtime/connectors/make-connector.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { validateJob } from '../../runtime/plan/validate.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { countLatencies } from '../../runtime/telemetry/latency-histogram.ts';
import { tracingOptions, withWishes } from '../../runtime/telemetry/tracing-options.ts';
import type { TracingOptions } from '../../runtime/telemetry/tracing-options.ts';
import type { Failure } from '../../runtime/worker/membership.ts';
import type { Bus } from '../../runtime/worker/directory.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import { wishedNameIssues } from '../wished-name.ts';
import { startEmbeddedServer } from '../local/embedded-server.ts';
import { countStages, finalReport } from './final-report.ts';
import type { FinalReport } from './final-report.ts';
import { openRun } from './open-run.ts';
import type { OpenRun } from './open-run.ts';
import { ProgressBoard } from '../../runtime/telemetry/progress.ts';
import type { RunProgress } from '../../runtime/telemetry/progress.ts';
import { WorkerGroup } from './spawn.ts';
import type { Isolation } from '../../runtime/telemetry/progress.ts';

export type RunRequest = {
  readonly file: string;
  readonly workers: number;
  /** URL of a running server; null: one of our own, with its data in `dataDir`. */
  readonly natsUrl: string | null;
  readonly dataDir: string;
  /** Folder of file results; null: out/<job> beside where the command was called. */
  readonly outDir: string | null;
  readonly speed: number | null;
  readonly parameters: Readonly<Record<string, string>>;
  readonly name: string | null;
  readonly fresh: boolean;
  /** An unfinished run that the declaration does not fit any more is begun anew; absent: it is refused. */
  readonly freshIfChanged?: boolean;
  readonly durability: 'machine' | 'process';
  readonly isolation: Isolation;
  /** Wishes of who runs it, and OpenTelemetry's variables; absent: nothing is traced. */
  readonly tracing?: {
    readonly endpoint?: string | undefined;
    readonly sampling?: number | undefined;
    readonly environment: Readonly<Record<string, string | undefined>>;
  };
  /** Tests: the nth worker process that is started dies at the nth of these places. */
  readonly failpoints?: readonly string[];
  /** Tests: bytes of state changes after which a checkpoint is made. */
  readonly checkpointBytes?: number;
};

export type RunEnding = 'completed' | 'failed' | 'interrupted';
export type RunOutcome = {
  readonly ending: RunEnding;
  readonly failure: Failure | null;
  readonly report: FinalReport;
  readonly plan: PhysicalPlan;
};

/** What a run tells while it goes on. */
export type RunListener = {
  /** Just before the run is open: what it runs, and ways to ask its workers, and for its dead letters, while it lasts. */
  onJob?(job: StreamJob, reached: { readonly bus: Bus; readonly desk: () => Promise<DeadLetterDesk | null> }): void;
  /** The run is open, its workers start. */
  onOpen(opened: {
    readonly plan: PhysicalPlan;
    readonly natsUrl: string;
    readonly isContinued: boolean;
    readonly outDir: string;
    readonly tableIssues: readonly string[];
  }): void;
  onProgress(progress: RunProgress): void;
  /** What a worker told, as it comes. */
  onReport?(report: WorkerReport): void;
  onLog(message: string): void;
};

export type RunControl = {
  /** Aborted: drain, commit, leave a run that can be continued. */
  readonly interrupt: AbortSignal;
  /** Called with a way to change the number of workers while the job runs. */
  readonly onWorkers?: (resize: (count: number) => Promise<void>, pids: () => readonly number[]) => void;
};

/** A server sets all of it aside for each lane: a small disk must do. Who is ahead by more waits. */
const LANE_BYTES_MAX = 1024 * 1024 * 1024;
const PROGRESS_MS = 250;

/** Runs a job until it is complete, fails, or is interrupted. Throws BadDeclaration and MR1… errors before it starts. */
export async function runJob(request: RunRequest, listener: RunListener, control: RunControl): Promise<RunOutcome> {
  const loaded = await load(request);
  const server =
    request.natsUrl === null
      ? await startEmbeddedServer({
          dataDir: resolve(request.dataDir, loaded.job.metadata.name),
          durability: request.durability,
          job: loaded.job.metadata.name,
        })
      : null;
  try {
    const natsUrl = request.natsUrl ?? (server?.url as string);
    const connection = await connectNats({ url: natsUrl, name: `millrace run ${loaded.job.metadata.name}` });
    try {
      return await runOn(connection, natsUrl, loaded, request, listener, control);
    } finally {
      await connection.close();
    }
  } finally {
    await server?.stop();
  }
}

type Loaded = { readonly job: StreamJob; readonly baseDir: string; readonly kind: 'yaml' | 'typescript' };

async function load(request: RunRequest): Promise<Loaded> {
  const { job: declared, baseDir, kind } = await loadJob(request.file, { parameters: request.parameters });
  const job = request.name === null ? declared : { ...declared, metadata: { ...declared.metadata, name: request.name } };
  const issues = [...(request.name === null ? [] : wishedNameIssues(request.name)), ...validateJob(job)];
  if (issues.length > 0) throw new BadDeclaration(request.file, issues);
  return { job, baseDir, kind };
}

async function runOn(
  connection: NatsConnection,
  natsUrl: string,
  loaded: Loaded,
  request: RunRequest,
  listener: RunListener,
  control: RunControl,
): Promise<RunOutcome> {
  const { job, baseDir, kind } = loaded;
  const outDir = request.outDir ?? resolve('out', job.metadata.name);
  const env: ConnectorEnv = {
    job: job.metadata.name,
    runId: '',
    baseDir,
    outDir,
    links: linksOf(connection, { importsStreams: false }),
    clock: systemClock,
    random: systemRandom,
  };
  const splitCounts = await countSplits(job, env);
  const plan = planJob(job, splitCounts);
  const tableIssues = [...(await loadTables(plan.tables, env)).values()].flatMap(({ issues }) => issues);
  await makeOutFolder(outDir);
  const module = kind === 'typescript' ? { path: resolve(request.file), parameters: request.parameters } : null;
  const opened = await openRun(connection, {
    plan,
    record: { module, splitCounts, baseDir, outDir, speed: request.speed, workers: request.workers },
    fresh: request.fresh,
    freshIfChanged: request.freshIfChanged ?? false,
    laneBytesMax: LANE_BYTES_MAX,
  });
  try {
    const desk = (): Promise<DeadLetterDesk | null> => DeadLetterDesk.open(connection, plan.job, systemClock);
    listener.onJob?.(job, { bus: openBus(connection, plan.job), desk });
    listener.onOpen({ plan, natsUrl: withoutCredentials(natsUrl), isContinued: opened.isContinued, outDir, tableIssues });
    if (opened.changes.length > 0) listener.onLog(`it starts over, since the run before does not fit: ${opened.changes.join('; ')}`);
    if (request.speed !== null && !opened.record.isReplay)
      listener.onLog('--speed has no effect: this run was begun without it and goes on so; with --fresh it starts over');
    const tracing = tracingFor(job, request, listener);
    return await watch(connection, natsUrl, { plan, tracing }, opened, request, listener, control);
  } finally {
    await opened.release();
  }
}

async function watch(
  connection: NatsConnection,
  natsUrl: string,
  { plan, tracing }: { readonly plan: PhysicalPlan; readonly tracing: TracingOptions | null },
  opened: OpenRun,
  request: RunRequest,
  listener: RunListener,
  control: RunControl,
): Promise<RunOutcome> {
  const before = opened.isContinued ? await countStages(plan, opened.journal) : null;
  const startMs = systemClock.monotonicMs();
  const board = new ProgressBoard(plan, startMs, request.isolation);
  const givenUp = Promise.withResolvers<Failure>();
  const group = new WorkerGroup({
    isolation: request.isolation,
    optionsFor: (place, generation) => ({
      natsUrl,
      job: plan.job,
      worker: `w${place}-${generation}-${systemRandom.id().slice(0, 6)}`,
      tracing,
      failpoint: request.failpoints?.[generation],
      checkpointBytes: request.checkpointBytes,
    }),
    onExit: (worker, reason, pauseMs) =>
      listener.onLog(
        `${workerLabel(worker)} ended (${inertLines(reason)}); ${pauseMs === null ? 'it is not replaced any more' : `another takes its place in ${pauseMs} ms`}`,
      ),
    onLog: (worker, message) => listener.onLog(`${workerLabel(worker)}: ${inertLines(message)}`),
    isServerUp: () => Link.of(connection).up,
    onGivenUp: (worker, deaths, reason) => givenUp.resolve(diesAgain(workerLabel(worker), deaths, reason)),
  });
  const stopHearing = openBus(connection, plan.job).subscribe('report', (value) => {
    const report = value as WorkerReport;
    board.hear(report, systemClock.monotonicMs());
    listener.onReport?.(report);
    group.heard(report.worker, countLatencies(report.commitLatency));
  });
  const show = setInterval(() => listener.onProgress(board.progress(systemClock.monotonicMs())), PROGRESS_MS);
  try {
    await group.resize(request.workers);
    control.onWorkers?.(
      (count) => group.resize(count),
      () => group.pids,
    );
    const { ending, failure } = await untilEnd(opened, control.interrupt, givenUp.promise);
    await group.drain();
    await settleReports(connection);
    const progress = board.progress(systemClock.monotonicMs());
    listener.onProgress(progress);
    return {
      ending,
      failure,
      plan,
      report: await finalReport({
        plan,
        journal: opened.journal,
        progress,
        before,
        workers: request.workers,
        ending,
        failure,
        natsUrl: withoutCredentials(natsUrl),
        outDir: opened.record.outDir,
      }),
    };
  } finally {
    clearInterval(show);
    stopHearing();
    await group.drain();
  }
}

/** Where the workers send traces. A flag wins over the job, the job over the environment. */
function tracingFor({ spec }: StreamJob, { tracing }: RunRequest, listener: RunListener): TracingOptions | null {
  if (tracing === undefined) return null;
  const { options, problems } = tracingOptions(withWishes(withWishes(tracing.environment, spec.tracing ?? {}), tracing));
  for (const problem of problems) listener.onLog(problem);
  return options;
}

async function makeOutFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new MillraceError('MR1009', { path, problem: error instanceof Error ? error.message : String(error) }, error);
  }
}

/** `worker 2` for w2-0-1pX7Ca. */
function workerLabel(worker: string): string {
  return `worker ${worker.slice(1).split('-', 1)[0]}`;
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

function diesAgain(worker: string, deaths: number, reason: string): Failure {
  const { code, message, fix } = new MillraceError('MR2108', { worker, deaths, reason });
  return { code, message, fix, task: 'workers' };
}

/** Waits for the directory to say `completed` or `failure`, for the interrupt, or for a worker that cannot live. */
async function untilEnd(
  { directory }: OpenRun,
  interrupt: AbortSignal,
  givenUp: Promise<Failure>,
): Promise<{ ending: RunEnding; failure: Failure | null }> {
  let stop: (() => Promise<void>) | null = null;
  try {
    return await new Promise((done, refuse) => {
      interrupt.addEventListener('abort', () => done({ ending: 'interrupted', failure: null }));
      if (interrupt.aborted) done({ ending: 'interrupted', failure: null });
      void givenUp.then((failure) => done({ ending: 'failed', failure }));
      directory
        .watch((key, entry) => {
          if (key === 'completed' && entry !== null) done({ ending: 'completed', failure: null });
          if (key === 'failure' && entry !== null) done({ ending: 'failed', failure: entry.value as Failure });
        })
        .then((stopWatching) => (stop = stopWatching), refuse);
    });
  } finally {
    await (stop as (() => Promise<void>) | null)?.();
  }
}

/** The drained workers' last reports are on their way: a round trip behind them brings them here. */
async function settleReports(connection: NatsConnection): Promise<void> {
  if (!connection.isClosed()) await connection.flush();
}

async function countSplits(job: StreamJob, env: ConnectorEnv): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const refused: BadDeclaration[] = [];
  for (const source of job.spec.sources) {
    try {
      counts[source.name] = (await makeSourceConnector(source, env)).splitCount;
    } catch (error) {
      if (!(error instanceof BadDeclaration)) throw error;
      refused.push(error);
    }
  }
  if (refused.length === 0) return counts;
  if (refused.length === 1) throw refused[0];
  const issues = refused.flatMap(({ subject, issues: own }) => own.map((issue) => ({ ...issue, path: `${subject}: ${issue.path}` })));
  throw new BadDeclaration(job.metadata.name, issues);
}
