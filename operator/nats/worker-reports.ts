// What workers of all jobs report, as far as it is fresh.
//
//   W1. A report that is older than FRESH_MS says nothing: figures then are unknown.
//   W2. Of a job that nobody reports of any more nothing is kept.
//   W3. Who has only begun to listen knows nothing: nobody is said to be silent before each worker had its turn twice.
//   W4. A job's workers may say anything on their own subject: what is no report is not heard, and there is no end of memory to fill.

import type { NatsConnection } from '@nats-io/transport-node';
import { Link } from '../../runtime/adapters/nats/link.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { ProgressBoard } from '../../runtime/telemetry/progress.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import { figuresOf, type JobFigures } from '../lifecycle/figures.ts';
import { reportIn } from './report-check.ts';

/** How often workers report. */
export const REPORT_MS = 1_000;
const FRESH_MS = 3_500;
const FORGET_MS = 60_000;
const SWEEP_MS = 1_000;
const LISTEN_MS = 2 * REPORT_MS + 300;
/** More pods than a job may have (replicas and those that take their places). */
const WORKERS_MAX = 2_048;

type Heard = { readonly report: WorkerReport; readonly atMs: number };
type Known = { readonly last: Heard; /** The one before: with it there are rates from the first look on. */ readonly before: Heard | null };
type Job = { readonly workers: Map<string, Known>; board: { readonly of: string; readonly board: ProgressBoard } | null; lastMs: number };

export class WorkerReports {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Job>();
  #listensSinceMs = Infinity;
  #sweptMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Hears the reports of all jobs that the connection may hear. */
  listen(connection: NatsConnection): void {
    this.#listensSinceMs = this.#clock.monotonicMs();
    Link.of(connection).listen((up) => {
      if (up) this.#listensSinceMs = this.#clock.monotonicMs();
    });
    connection.subscribe('mr.*.bus.report', {
      callback: (error, message) => {
        const report = error === null ? reportIn(message.data) : null;
        if (report !== null) this.hear(message.subject.split('.')[1] ?? '', report);
      },
    });
  }

  /** W3: resolves when silence says something. */
  async settled(): Promise<void> {
    for (;;) {
      const restMs = this.#listensSinceMs + LISTEN_MS - this.#clock.monotonicMs();
      if (restMs <= 0 || restMs === Infinity) return;
      await this.#clock.sleep(restMs);
    }
  }

  figures(identity: string, plan: PhysicalPlan): JobFigures | null {
    const job = this.#jobs.get(identity);
    const fresh = this.#fresh(job);
    if (job === undefined || fresh.length === 0) return null;
    const nowMs = this.#clock.monotonicMs();
    const board = boardOf(job, plan, nowMs);
    for (const { report, atMs } of fresh) board.hear(report, atMs);
    return figuresOf(
      board.progress(nowMs),
      fresh.map(({ report }) => report),
    );
  }

  /** Of each worker the newest, as far as it is fresh. */
  reports(identity: string): readonly WorkerReport[] {
    return this.#fresh(this.#jobs.get(identity)).map(({ report }) => report);
  }

  /** The newest that was reported of each task lately. */
  tasks(identity: string): ReadonlyMap<string, TaskFigures> {
    const newest = new Map<string, TaskFigures>();
    for (const { tasks } of this.reports(identity)) {
      for (const task of tasks) {
        const known = newest.get(task.task);
        if (known === undefined || task.epoch > known.epoch || (task.epoch === known.epoch && task.number >= known.number))
          newest.set(task.task, task);
      }
    }
    return newest;
  }

  /** Another run begins: its tasks count from the beginning. */
  forget(identity: string): void {
    this.#jobs.delete(identity);
  }

  hear(identity: string, report: WorkerReport): void {
    const nowMs = this.#clock.monotonicMs();
    const job = this.#jobs.get(identity) ?? { workers: new Map<string, Known>(), board: null, lastMs: nowMs };
    const before = job.workers.get(report.worker)?.last ?? null;
    if (before === null && job.workers.size >= WORKERS_MAX) return;
    job.workers.set(report.worker, { last: { report, atMs: nowMs }, before });
    job.lastMs = nowMs;
    this.#jobs.set(identity, job);
    if (nowMs - this.#sweptMs > SWEEP_MS) this.#sweep(nowMs);
  }

  /** W2. */
  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    for (const [identity, { workers, lastMs }] of this.#jobs) {
      if (nowMs - lastMs > FORGET_MS) this.#jobs.delete(identity);
      for (const [worker, { last }] of workers) if (nowMs - last.atMs > FORGET_MS) workers.delete(worker);
    }
  }

  #fresh(job: Job | undefined): readonly Heard[] {
    const nowMs = this.#clock.monotonicMs();
    return [...(job?.workers.values() ?? [])].map(({ last }) => last).filter(({ atMs }) => nowMs - atMs <= FRESH_MS);
  }
}

/** A board for each form of the plan: figures of stages that are gone must not count. */
function boardOf(job: Job, plan: PhysicalPlan, nowMs: number): ProgressBoard {
  const stages = plan.stages.map(({ id, partitionCount, outputs }) => `${id}/${partitionCount}/${outputs.join('.')}`);
  const of = [plan.standbyReplicas ?? 0, ...stages].join();
  if (job.board?.of !== of) {
    const board = new ProgressBoard(plan, nowMs, 'process');
    const befores = [...job.workers.values()].flatMap(({ before }) => before ?? []);
    for (const { report, atMs } of befores) board.hear(report, atMs);
    if (befores.length > 0) board.progress(Math.max(...befores.map(({ atMs }) => atMs)));
    job.board = { of, board };
  }
  return job.board.board;
}
