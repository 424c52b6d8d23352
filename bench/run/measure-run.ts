// One run of a job on a server that is already filled, and what it took.
//
//   M1. The server is measured by the id of its own process, workers by what they report of theirs.
//   M2. The span is that from the first commit with events to the last message that the run stored. Where a run counts as settled after so
//       many events there is another one, from the first commit by which they were in: what is done once, as compiling, lies before it.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { EmbeddedServer } from '../../cli/local/embedded-server.ts';
import type { FinalReport } from '../../cli/run/final-report.ts';
import { runJob, type RunRequest } from '../../cli/run/run-job.ts';
import { removeJob } from '../../runtime/adapters/nats/job-streams.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { cpuMsOf, forgetPeak, peakBytesOf } from './process-usage.ts';

export type RunPlace = {
  readonly server: EmbeddedServer;
  readonly nc: NatsConnection;
  /** Folder for output files. */ readonly folder: string;
};

export type RunSettings = {
  readonly file: string;
  readonly name: string;
  readonly workers: number;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Where the workers send traces, and of which share of the events. */
  readonly tracing?: RunRequest['tracing'];
  /** Folder for the workers' CPU profiles; null: none. */
  readonly profileDir: string | null;
  /** What workers load before anything else, and variables that they have. */
  readonly preload?: { readonly module: URL; readonly environment: Readonly<Record<string, string>> };
  /** So many events, of all sources (M2); absent: with the first. */
  readonly settledAfter?: number;
};

export type MeasuredRun = {
  readonly plan: PhysicalPlan;
  readonly report: FinalReport;
  /** From the start of the workers to the last message stored, and from the first commit on (M2). */
  readonly totalMs: number;
  readonly spanMs: number | null;
  /** M2: how many events were in by then, and what the others took; null: it never was. */
  readonly settled: { readonly afterEvents: number; readonly spanMs: number } | null;
  readonly workerCpuMs: number;
  /** Of the main threads of the workers: that of the engine. */
  readonly engineCpuMs: number;
  /** Of the workers until they have ended: with what came after their last report, as the start of a thread whose first spans were the last. */
  readonly endedCpuMs: number;
  readonly serverCpuMs: number;
  /** Of the process that started the workers and watched them. */
  readonly runnerCpuMs: number;
  readonly workerPeakBytes: number;
  readonly serverPeakBytes: number;
};

/** Runs the job to its end. Rejects when it does not complete, or leaves dead letters. */
export async function measureRun({ server, nc, folder }: RunPlace, settings: RunSettings): Promise<MeasuredRun> {
  const { file, name, workers, parameters = {}, profileDir, tracing, settledAfter = 0, preload = null } = settings;
  forgetPeak(server.pid);
  const before = { server: cpuMsOf(server.pid), runner: process.cpuUsage() };
  let openedMs = 0;
  const commits = new SourceCommits(settledAfter);
  const threads = mkdtempSync(join(folder, 'threads-'));
  const outcome = await withEnvironment(workerEnvironment(profileDir, threads, preload), () =>
    runJob(
      {
        file,
        workers,
        natsUrl: server.url,
        dataDir: folder,
        outDir: join(folder, name),
        speed: null,
        parameters,
        name,
        fresh: true,
        durability: 'machine',
        isolation: 'process',
        ...(tracing === undefined ? {} : { tracing }),
      },
      {
        onOpen: ({ plan }) => {
          openedMs = Date.now();
          commits.watch(nc, plan);
        },
        onProgress: () => undefined,
        onLog: (message) => console.error(message),
      },
      { interrupt: new AbortController().signal },
    ),
  );
  const { report, plan } = outcome;
  if (report.ending !== 'completed') throw new Error(`${name} ${report.ending}: ${report.failure?.message ?? 'no reason'}`);
  if (report.deadLetters > 0) throw new Error(`${name} left ${report.deadLetters} dead letters: ${report.firstDeadLetter?.message ?? ''}`);
  const lastMs = await lastStoredMs(nc, plan);
  const runner = process.cpuUsage(before.runner);
  return {
    plan,
    report,
    totalMs: lastMs - openedMs,
    spanMs: commits.firstMs === null ? null : lastMs - commits.firstMs,
    settled: commits.settled(lastMs),
    workerCpuMs: report.cpuMs,
    ...endsOf(threads),
    serverCpuMs: cpuMsOf(server.pid) - before.server,
    runnerCpuMs: (runner.user + runner.system) / 1000,
    workerPeakBytes: report.peakMemoryBytes,
    serverPeakBytes: peakBytesOf(server.pid),
  };
}

/** Removes what a run left in NATS, its results too. */
export async function clearRun(nc: NatsConnection, plan: PhysicalPlan): Promise<void> {
  await removeJob(nc, plan.job);
  const manager = await jetstreamManager(nc);
  for (const stream of await sinkStreams(nc, plan)) await manager.streams.delete(stream);
}

/** Streams that the job's sinks write. */
async function sinkStreams(nc: NatsConnection, plan: PhysicalPlan): Promise<ReadonlySet<string>> {
  const manager = await jetstreamManager(nc);
  const subjects = plan.stages.flatMap(({ nodes }) => nodes.flatMap(({ op }) => (op.kind === 'sink' ? (op.spec.nats?.subject ?? []) : [])));
  const found = await Promise.all(subjects.map((subject) => manager.streams.find(subject).catch(() => null)));
  return new Set(found.filter((stream) => stream !== null));
}

/** `threads`: where they say what CPU time their main thread took. */
function workerEnvironment(
  profiles: string | null,
  threads: string,
  preload: RunSettings['preload'] | null,
): Readonly<Record<string, string>> {
  if (profiles !== null) mkdirSync(profiles, { recursive: true });
  const options = [
    process.env['NODE_OPTIONS'] ?? '',
    `--import=${new URL('./tell-thread-cpu.ts', import.meta.url).href}`,
    preload ? `--import=${preload.module.href}` : '',
    profiles === null ? '' : `--cpu-prof --cpu-prof-dir=${resolve(profiles)}`,
  ];
  return { NODE_OPTIONS: options.join(' ').trim(), MILLRACE_BENCH_THREAD_CPU: threads, ...preload?.environment };
}

/** What the workers have said at their end (tell-thread-cpu.ts). */
function endsOf(folder: string): Pick<MeasuredRun, 'engineCpuMs' | 'endedCpuMs'> {
  const ends = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as { mainMs: number; allMs: number });
  const sum = (ms: readonly number[]): number => ms.reduce((all, one) => all + one, 0);
  return { engineCpuMs: sum(ends.map(({ mainMs }) => mainMs)), endedCpuMs: sum(ends.map(({ allMs }) => allMs)) };
}

/** Workers inherit the environment; the server runs already. */
async function withEnvironment<T>(variables: Readonly<Record<string, string>>, run: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

/** What the sources' records say while the run goes on (M2). */
class SourceCommits {
  firstMs: number | null = null;
  readonly #settledAfter: number;
  #settled: { readonly atMs: number; readonly events: number } | null = null;
  /** Events that each source's partition has read, by subject. */
  readonly #read = new Map<string, number>();

  constructor(settledAfter: number) {
    this.#settledAfter = settledAfter;
  }

  watch(nc: NatsConnection, plan: PhysicalPlan): void {
    for (const { subjectPrefix } of plan.stages.filter(({ kind }) => kind === 'source')) {
      const subscription = nc.subscribe(`${subjectPrefix}.*`, {
        callback: (_error, { subject, data }) => {
          if (this.#isSettled(subject, decodeHeader(data).counters.eventsIn)) subscription.unsubscribe();
        },
      });
    }
  }

  settled(lastMs: number): MeasuredRun['settled'] {
    return this.#settled && { afterEvents: this.#settled.events, spanMs: lastMs - this.#settled.atMs };
  }

  #isSettled(subject: string, read: number): boolean {
    if (read === 0) return false;
    const atMs = Date.now();
    this.firstMs ??= atMs;
    this.#read.set(subject, read);
    const events = this.#read.values().reduce((sum, one) => sum + one, 0);
    if (events >= this.#settledAfter) this.#settled ??= { atMs, events };
    return this.#settled !== null;
  }
}

/** When the server stored the newest message of the job's journals and of its sink. */
async function lastStoredMs(nc: NatsConnection, plan: PhysicalPlan): Promise<number> {
  const manager = await jetstreamManager(nc);
  const names = [...plan.streams, ...(await sinkStreams(nc, plan))];
  const infos = await Promise.all(names.map((name) => manager.streams.info(name)));
  return Math.max(...infos.filter(({ state }) => state.messages > 0).map(({ state }) => Date.parse(state.last_ts)));
}
