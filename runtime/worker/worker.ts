// One worker: runs the tasks that are assigned to it, tells what they do, and purges behind them.
//
//   K1. A task is begun when it is assigned here and no living worker says that it still runs it (or that took too long).
//   K2. A task that is assigned elsewhere is drained: its commit in flight is stored, then it is given up, at once told.
//   K3. A task that was fenced begins again only if it is still assigned here, after a pause.
//   K4. A stop-job error of one task stops the job: it is told to everybody, nothing more is committed here.

import { MillraceError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { LEASE_MS } from '../base/limits.ts';
import type { LatencyCounts } from '../telemetry/latency-histogram.ts';
import { LatencyHistogram } from '../telemetry/latency-histogram.ts';
import type { Journal } from '../journal/journal.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { Bus, Directory } from './directory.ts';
import { LaneFeed } from './lane-feed.ts';
import { Membership } from './membership.ts';
import { TaskRunner } from './task-runner.ts';
import { Turns } from './turns.ts';
import type { TaskFigures } from './task-figures.ts';
import type { TaskRunnerParts } from './task-runner.ts';

const REPORT_MS = 250;
const PURGE_MS = 2_000;
const FENCED_PAUSE_MS = 500;
/** After this long a task is claimed although another worker says that it runs it. */
const HANDOVER_MAX_MS = 2 * LEASE_MS;

/** What a worker tells: figures of its tasks since it began, latencies since it began. */
export type WorkerReport = {
  readonly worker: string;
  readonly tasks: readonly TaskFigures[];
  readonly commitLatency: LatencyCounts;
  readonly endToEndLatency: LatencyCounts;
  readonly memoryBytes: number;
  readonly cpuMs: number;
  readonly troubles: readonly string[];
};

/** Parts of a task that differ by stage: made by the composition root. */
export type StageParts = Pick<TaskRunnerParts, 'source' | 'sink'>;

export type WorkerParts = Omit<TaskRunnerParts, 'stage' | 'partition' | 'feed' | 'source' | 'sink' | 'onTrouble' | 'turns'> & {
  readonly plan: PhysicalPlan;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly bus: Bus;
  readonly stageParts: (stage: StagePlan) => StageParts;
  readonly expectedWorkers: number;
  readonly usage: () => { readonly memoryBytes: number; readonly cpuMs: number };
  readonly log: (message: string) => void;
};

type Running = { readonly runner: TaskRunner; readonly ended: Promise<void> };

export class Worker {
  readonly #parts: WorkerParts;
  readonly #membership: Membership;
  readonly #turns: Turns;
  readonly #running = new Map<string, Running>();
  readonly #done = new Map<string, TaskFigures>();
  readonly #feeds = new Map<string, LaneFeed>();
  readonly #waitingSinceMs = new Map<string, number>();
  readonly #pausedUntilMs = new Map<string, number>();
  readonly #heard = new Map<string, TaskFigures>();
  readonly #commitLatency = new LatencyHistogram();
  readonly #endToEndLatency = new LatencyHistogram();
  readonly #troubles = new Map<string, number>();
  readonly #abort = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #unsubscribe: (() => void) | null = null;
  #draining = false;
  #settle: (() => void) | null = null;
  /** Resolves when the job is completed or failed, or this worker was drained. */
  readonly settled: Promise<void>;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#turns = new Turns(parts.clock);
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    this.#membership = new Membership({
      worker: parts.worker,
      tasks: parts.plan.stages.flatMap((stage) =>
        Array.from({ length: stage.partitionCount }, (_, partition) => ({ name: taskName(stage.id, partition), stage: stage.id })),
      ),
      expectedWorkers: parts.expectedWorkers,
      directory: parts.directory,
      clock: parts.clock,
      holds: () => ({ owned: [...this.#running.keys()], done: [...this.#done.keys()], draining: this.#draining }),
      onChange: () => this.#reconcile(),
      onTrouble: (error) => this.#trouble(error),
    });
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#parts.bus.subscribe('report', (value) => this.#hear(value as WorkerReport));
    await this.#membership.start();
    this.#loops.push(
      this.#every(REPORT_MS, () => this.#report()),
      this.#every(PURGE_MS, () => this.#purge()),
    );
  }

  /** Stores what is in flight, gives everything up, says goodbye. */
  async drain(): Promise<void> {
    if (this.#draining) return this.settled;
    this.#draining = true;
    for (const { runner } of this.#running.values()) runner.drain();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#report();
    this.#abort.abort();
    await Promise.all(this.#loops);
    this.#unsubscribe?.();
    await this.#membership.stop();
    for (const feed of this.#feeds.values()) await feed.close();
    this.#settle?.();
  }

  #reconcile(): void {
    if (this.#draining) return;
    if (this.#membership.failure !== null) {
      for (const { runner } of this.#running.values()) runner.drain();
      this.#settle?.();
      return;
    }
    if (this.#membership.completed) this.#settle?.();
    for (const [name, { runner }] of this.#running) if (this.#membership.assignment[name] !== this.#parts.worker) runner.drain();
    for (const stage of this.#parts.plan.stages) {
      for (let partition = 0; partition < stage.partitionCount; partition++) this.#consider(stage, partition);
    }
  }

  #consider(stage: StagePlan, partition: number): void {
    const name = taskName(stage.id, partition);
    const isMine = this.#membership.assignment[name] === this.#parts.worker;
    if (!isMine) this.#waitingSinceMs.delete(name);
    if (!isMine || this.#running.has(name) || this.#done.has(name)) return;
    const now = this.#parts.clock.monotonicMs();
    if (now < (this.#pausedUntilMs.get(name) ?? 0)) return;
    const since = this.#waitingSinceMs.get(name) ?? now;
    this.#waitingSinceMs.set(name, since);
    if (this.#membership.isHeldElsewhere(name) && now - since < HANDOVER_MAX_MS) return;
    this.#waitingSinceMs.delete(name);
    this.#begin(stage, partition);
  }

  #begin(stage: StagePlan, partition: number): void {
    const { plan, journal, blobs, clock, worker, makeTransform, table, tableVersions, recordBytesMax, checkpointBytes, speed, failpoint } =
      this.#parts;
    const runner = new TaskRunner({
      plan,
      journal,
      blobs,
      clock,
      worker,
      makeTransform,
      table,
      tableVersions,
      recordBytesMax,
      checkpointBytes,
      speed,
      failpoint,
      stage,
      partition,
      turns: this.#turns,
      feed: (stream) => this.#feed(stream),
      ...this.#parts.stageParts(stage),
      onTrouble: (error) => this.#trouble(error),
    });
    this.#running.set(runner.name, { runner, ended: this.#watch(runner) });
  }

  async #watch(runner: TaskRunner): Promise<void> {
    try {
      const ending = await runner.run();
      if (ending === 'done') this.#done.set(runner.name, runner.figures());
      if (ending === 'fenced') this.#fenced(runner);
    } catch (error) {
      await this.#failed(runner, error);
    } finally {
      this.#commitLatency.merge(runner.commitLatency.counts());
      this.#endToEndLatency.merge(runner.endToEndLatency.counts());
      this.#running.delete(runner.name);
      if (!this.#draining) await this.#membership.beat().catch((error: unknown) => this.#trouble(error));
      this.#reconcile();
    }
  }

  #fenced(runner: TaskRunner): void {
    this.#parts.log(`task ${runner.name} was taken over by another worker; nothing of what was in flight here was written`);
    this.#pausedUntilMs.set(runner.name, this.#parts.clock.monotonicMs() + FENCED_PAUSE_MS);
  }

  async #failed(runner: TaskRunner, error: unknown): Promise<void> {
    const known = error instanceof MillraceError ? error : null;
    const message = error instanceof Error ? (known === null ? (error.stack ?? error.message) : error.message) : String(error);
    this.#parts.log(`task ${runner.name} stopped the job: ${message}`);
    await this.#membership
      .fail({
        code: known?.code ?? 'bug',
        message,
        fix: known?.fix ?? 'This is a defect of Millrace: please report it with this text.',
        task: runner.name,
      })
      .catch((cause: unknown) => this.#trouble(cause));
  }

  #feed(stream: string): LaneFeed {
    const found = this.#feeds.get(stream);
    if (found !== undefined) return found;
    const feed = new LaneFeed(this.#parts.journal, stream, (error) => void this.#laneFailed(stream, error));
    this.#feeds.set(stream, feed);
    return feed;
  }

  async #laneFailed(stream: string, error: unknown): Promise<void> {
    const known = error instanceof MillraceError ? error : null;
    const message = error instanceof Error ? error.message : String(error);
    this.#parts.log(`reading ${stream} stopped the job: ${message}`);
    await this.#membership
      .fail({ code: known?.code ?? 'bug', message, fix: known?.fix ?? '', task: stream })
      .catch((cause: unknown) => this.#trouble(cause));
  }

  #report(): void {
    const commit = new LatencyHistogram();
    const endToEnd = new LatencyHistogram();
    commit.merge(this.#commitLatency.counts());
    endToEnd.merge(this.#endToEndLatency.counts());
    for (const { runner } of this.#running.values()) {
      commit.merge(runner.commitLatency.counts());
      endToEnd.merge(runner.endToEndLatency.counts());
    }
    const tasks = [...[...this.#running.values()].map(({ runner }) => runner.figures()), ...this.#done.values()];
    const report: WorkerReport = {
      worker: this.#parts.worker,
      tasks,
      commitLatency: commit.counts(),
      endToEndLatency: endToEnd.counts(),
      ...this.#parts.usage(),
      troubles: [...this.#troubles.keys()],
    };
    this.#parts.bus.publish('report', report);
  }

  #hear(report: WorkerReport): void {
    for (const task of report.tasks) {
      const known = this.#heard.get(task.task);
      if (known === undefined || task.epoch > known.epoch || (task.epoch === known.epoch && task.number >= known.number))
        this.#heard.set(task.task, task);
    }
  }

  async #purge(): Promise<void> {
    for (const { runner } of this.#running.values()) {
      const slowest = this.#slowestReader(runner.stage);
      if (slowest > 0) await runner.purge(slowest);
    }
  }

  /** Lowest stored position of all tasks that read what `stage` writes; 0 while one was not heard of (J9). */
  #slowestReader(stage: StagePlan): number {
    const { plan } = this.#parts;
    let slowest = Infinity;
    for (const index of stage.outputs) {
      const reader = plan.stages.find(({ id }) => id === plan.edges[index]?.toStage);
      if (reader === undefined) return 0; // a journal sink: its results stay
      for (let partition = 0; partition < reader.partitionCount; partition++) {
        slowest = Math.min(slowest, this.#heard.get(taskName(reader.id, partition))?.positions[stage.id] ?? 0);
      }
    }
    return slowest;
  }

  #trouble(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const seen = this.#troubles.get(message) ?? 0;
    this.#troubles.set(message, seen + 1);
    if (seen === 0) this.#parts.log(message);
  }

  async #every(periodMs: number, work: () => void | Promise<void>): Promise<void> {
    while (!this.#abort.signal.aborted) {
      await this.#parts.clock.sleep(periodMs, this.#abort.signal);
      try {
        await work();
      } catch (error) {
        this.#trouble(error);
      }
    }
  }
}
