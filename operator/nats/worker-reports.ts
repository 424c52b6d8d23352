// What workers of all jobs report, as far as it is fresh.
//
//   W1. A report that is older than FRESH_MS says nothing: figures then are unknown.
//   W2. Of a job that nobody asks for any more nothing is kept.

import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../runtime/base/clock.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { ProgressBoard } from '../../runtime/telemetry/progress.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker.ts';
import { figuresOf, type JobFigures } from '../lifecycle/figures.ts';

const FRESH_MS = 3_500;
const FORGET_MS = 60_000;

type Heard = { readonly report: WorkerReport; readonly atMs: number };
type Job = { readonly heard: Map<string, Heard>; board: { readonly of: string; readonly board: ProgressBoard } | null; lastMs: number };

export class WorkerReports {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Job>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Hears the reports of all jobs that the connection may hear. */
  listen(connection: NatsConnection): void {
    connection.subscribe('mr.*.bus.report', {
      callback: (error, message) => {
        if (error !== null) return;
        this.#hear(message.subject.split('.')[1] ?? '', message.json<WorkerReport>());
      },
    });
  }

  figures(identity: string, plan: PhysicalPlan): JobFigures | null {
    const job = this.#jobs.get(identity);
    const nowMs = this.#clock.monotonicMs();
    const reports = [...(job?.heard.values() ?? [])].filter(({ atMs }) => nowMs - atMs <= FRESH_MS).map(({ report }) => report);
    if (job === undefined || reports.length === 0) return null;
    const board = boardOf(job, plan, nowMs);
    for (const { report, atMs } of job.heard.values()) board.hear(report, atMs);
    return figuresOf(board.progress(nowMs), reports);
  }

  /** The newest that was reported of each task lately. */
  tasks(identity: string): ReadonlyMap<string, TaskFigures> {
    const nowMs = this.#clock.monotonicMs();
    const newest = new Map<string, TaskFigures>();
    for (const { report, atMs } of this.#jobs.get(identity)?.heard.values() ?? []) {
      if (nowMs - atMs > FRESH_MS) continue;
      for (const task of report.tasks) {
        const known = newest.get(task.task);
        if (known === undefined || task.epoch > known.epoch || (task.epoch === known.epoch && task.number >= known.number))
          newest.set(task.task, task);
      }
    }
    return newest;
  }

  #hear(identity: string, report: WorkerReport): void {
    const nowMs = this.#clock.monotonicMs();
    const job = this.#jobs.get(identity) ?? { heard: new Map<string, Heard>(), board: null, lastMs: nowMs };
    job.heard.set(report.worker, { report, atMs: nowMs });
    job.lastMs = nowMs;
    for (const [worker, { atMs }] of job.heard) if (nowMs - atMs > FORGET_MS) job.heard.delete(worker);
    this.#jobs.set(identity, job);
    for (const [other, { lastMs }] of this.#jobs) if (nowMs - lastMs > FORGET_MS) this.#jobs.delete(other);
  }
}

/** A board for each form of the plan: figures of stages that are gone must not count. */
function boardOf(job: Job, plan: PhysicalPlan, nowMs: number): ProgressBoard {
  const of = plan.stages.map(({ id, partitionCount, outputs }) => `${id}/${partitionCount}/${outputs.join('.')}`).join();
  if (job.board?.of !== of) job.board = { of, board: new ProgressBoard(plan, nowMs, 'process') };
  return job.board.board;
}
