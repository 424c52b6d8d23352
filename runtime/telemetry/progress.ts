// What is known of a run while it runs: the workers' reports, put together per stage. Pure but for its own memory.

import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import { together } from '../time/watermark.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { LatencyCounts } from './latency-histogram.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { hasStandbys, taskName } from '../plan/physical-plan.ts';
import type { TaskFigures } from '../worker/task-figures.ts';
import type { WorkerReport } from '../worker/worker-report.ts';

/** thread: workers share one process, and each reports what it uses. */
export type Isolation = 'thread' | 'process';

export type StageProgress = {
  readonly id: string;
  readonly kind: StagePlan['kind'];
  readonly partitions: readonly {
    readonly partition: number;
    readonly owner: string | null;
    readonly state: TaskFigures['state'] | 'unknown';
    /** A source's split that has nothing for now. */
    readonly idle?: true;
    /** The worker beside its owner that could go on at once; null: none can. Absent: there is none to be. */
    readonly standby?: string | null;
    /** Why it stands still (onError: stopPartition); absent: it does not. */
    readonly standsStill?: string;
    /** Why its split cannot be read now; absent: it can. */
    readonly stalled?: string;
  }[];
  readonly eventsIn: number;
  readonly eventsOut: number;
  /** Events taken in a second, over the last seconds. */
  readonly eventsInPerS: number;
  /** Events that the stages before gave out and this one has not taken in yet; null for sources. */
  readonly lagEvents: number | null;
  /** Lowest watermark of its partitions that are not idle, ms; null: none yet; Number.MAX_SAFE_INTEGER: ended. */
  readonly watermarkMs: number | null;
  readonly deadLetters: number;
  readonly late: number;
  readonly filtered: number;
  readonly done: boolean;
};

export type RunProgress = {
  readonly elapsedMs: number;
  readonly stages: readonly StageProgress[];
  readonly workers: readonly { readonly id: string; readonly memoryBytes: number; readonly cpuMs: number; readonly tasks: number }[];
  /** Share of the bounded sources that was read, 0 … 1; null when unbounded. */
  readonly progress: number | null;
  /** What reading the rest takes at the pace since the first share was known; null while that says nothing. */
  readonly remainingMs: number | null;
  readonly deadLetters: number;
  readonly late: number;
  readonly recoveries: number;
  readonly commitMs: Quantiles;
  readonly endToEndMs: Quantiles;
  readonly peakMemoryBytes: number;
  /** Of all processes that ran workers, those that are gone too. */
  readonly cpuMs: number;
};

export type Quantiles = { readonly p50: number | null; readonly p99: number | null };

/** Rates look back this far. */
const RATE_WINDOW_MS = 3_000;
/** A worker that said nothing for this long is not shown as an owner. */
const SILENT_MS = 3_000;
/** One that said nothing for this long does not come back. */
const FORGOTTEN_MS = 10 * 60_000;

/** What is held back to be replayed by time has been read too, once its task is done. */
function shareRead({ progress, state }: TaskFigures): number | null {
  return progress !== null && state === 'done' ? 1 : progress;
}

type WorkerKnown = { readonly report: WorkerReport; readonly seenMs: number };

export class ProgressBoard {
  readonly #plan: PhysicalPlan;
  readonly #startMs: number;
  readonly #tasks = new Map<string, { figures: TaskFigures; worker: string; seenMs: number }>();
  readonly #workers = new Map<string, WorkerKnown>();
  readonly #history: { atMs: number; eventsIn: ReadonlyMap<string, number> }[] = [];
  readonly #isolation: Isolation;
  #peakMemoryBytes = 0;
  #goneCpuMs = 0;
  #firstShare: { readonly atMs: number; readonly share: number } | null = null;

  constructor(plan: PhysicalPlan, startMs: number, isolation: Isolation) {
    this.#plan = plan;
    this.#startMs = startMs;
    this.#isolation = isolation;
  }

  hear(report: WorkerReport, nowMs: number): void {
    this.#workers.set(report.worker, { report, seenMs: nowMs });
    this.#forget(nowMs);
    this.#peakMemoryBytes = Math.max(
      this.#peakMemoryBytes,
      this.#together(this.#living(nowMs), ({ memoryBytes }) => memoryBytes),
    );
    for (const figures of report.tasks) {
      const known = this.#tasks.get(figures.task)?.figures;
      if (known === undefined || figures.epoch > known.epoch || (figures.epoch === known.epoch && figures.number >= known.number)) {
        this.#tasks.set(figures.task, { figures, worker: report.worker, seenMs: nowMs });
      }
    }
  }

  progress(nowMs: number): RunProgress {
    this.#remember(nowMs);
    const stages = this.#plan.stages.map((stage) => this.#stage(stage, nowMs));
    const tasks = [...this.#tasks.values()].map(({ figures }) => figures);
    const workers = [...this.#workers.values()].map(({ report }) => report);
    const shares = tasks.map(shareRead).filter((share) => share !== null);
    const progress = shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return {
      elapsedMs: nowMs - this.#startMs,
      stages,
      workers: this.#living(nowMs).map((report) => ({
        id: report.worker,
        memoryBytes: report.memoryBytes,
        cpuMs: report.cpuMs,
        tasks: report.tasks.filter(({ state }) => state !== 'done').length,
      })),
      progress,
      remainingMs: this.#remaining(progress, nowMs),
      deadLetters: sum(stages, ({ deadLetters }) => deadLetters),
      late: sum(stages, ({ late }) => late),
      recoveries: tasks.reduce((total, { counters }) => total + counters.recoveries, 0),
      commitMs: quantiles(workers.map(({ commitLatency }) => commitLatency)),
      endToEndMs: quantiles(workers.map(({ endToEndLatency }) => endToEndLatency)),
      peakMemoryBytes: this.#peakMemoryBytes,
      cpuMs: this.#goneCpuMs + this.#together(workers, ({ cpuMs }) => cpuMs),
    };
  }

  /** Last figures of every task that was heard of. */
  figures(): readonly TaskFigures[] {
    return [...this.#tasks.values()].map(({ figures }) => figures);
  }

  #stage(stage: StagePlan, nowMs: number): StageProgress {
    const known = Array.from({ length: stage.partitionCount }, (_, partition) => this.#tasks.get(taskName(stage.id, partition)));
    const figures = known.flatMap((task) => (task === undefined ? [] : [task.figures]));
    const total = (pick: (counters: TaskFigures['counters']) => number): number => sum(figures, ({ counters }) => pick(counters));
    const isFollowed = hasStandbys(this.#plan) && stage.kind === 'keyed';
    const standbys = isFollowed ? this.#standbys(nowMs) : new Map<string, string>();
    return {
      id: stage.id,
      kind: stage.kind,
      partitions: known.map((task, partition) => ({
        partition,
        owner: task === undefined || nowMs - task.seenMs > SILENT_MS ? null : task.worker,
        state: task?.figures.state ?? 'unknown',
        ...(task?.figures.idle === true ? { idle: true as const } : {}),
        ...(task?.figures.standsStill === undefined ? {} : { standsStill: task.figures.standsStill }),
        ...(task?.figures.stalled === undefined ? {} : { stalled: task.figures.stalled }),
        ...(isFollowed ? { standby: standbys.get(taskName(stage.id, partition)) ?? null } : {}),
      })),
      eventsIn: total(({ eventsIn }) => eventsIn),
      eventsOut: total(({ eventsOut }) => eventsOut),
      eventsInPerS: this.#rate(stage, nowMs),
      lagEvents: stage.kind === 'source' ? null : this.#lag(stage),
      watermarkMs: stageWatermark(figures),
      deadLetters: total(({ deadLetters }) => deadLetters),
      late: total(({ late }) => late),
      filtered: total(({ filtered }) => filtered),
      done: figures.length === stage.partitionCount && figures.every(({ state }) => state === 'done'),
    };
  }

  /** By task: who has followed it so far that it could go on. */
  #standbys(nowMs: number): ReadonlyMap<string, string> {
    const warm = this.#living(nowMs).flatMap(({ worker, standbys = [] }) =>
      standbys.flatMap(({ task, isWarm }) => (isWarm ? [[task, worker] as const] : [])),
    );
    return new Map(warm);
  }

  /** By exchange: what was taken in on one that is gone (an upgrade) says nothing of those that are there. */
  #lag(stage: StagePlan): number {
    return sum([...stage.inputs.keys()], (place) => {
      const index = stage.inputs[place] as number;
      const from = this.#plan.stages.find(({ id }) => id === this.#plan.edges[index]?.fromStage);
      if (from === undefined) return 0;
      const given = sum(this.#figuresOf(from.id), ({ counters }) => counters.edgesOut[from.outputs.indexOf(index)] ?? 0);
      return Math.max(0, given - sum(this.#figuresOf(stage.id), ({ counters }) => counters.edgesIn[place] ?? 0));
    });
  }

  #figuresOf(stage: string): TaskFigures[] {
    return this.figures().filter((figures) => figures.stage === stage);
  }

  /** The oldest entry is the last one before the window: whoever looks less often than that has rates, too. */
  #remember(nowMs: number): void {
    this.#history.push({ atMs: nowMs, eventsIn: new Map(this.figures().map(({ task, counters }) => [task, counters.eventsIn])) });
    while ((this.#history[1]?.atMs ?? nowMs) <= nowMs - RATE_WINDOW_MS) this.#history.shift();
  }

  #rate({ id, partitionCount }: StagePlan, nowMs: number): number {
    return sum(
      Array.from({ length: partitionCount }, (_, partition) => taskName(id, partition)),
      (task) => this.#rateOf(task, nowMs),
    );
  }

  /** Since it was first heard of: what it had taken in before then says nothing of its pace. */
  #rateOf(task: string, nowMs: number): number {
    const first = this.#history.find(({ eventsIn }) => eventsIn.has(task));
    const now = this.#history.at(-1)?.eventsIn.get(task);
    if (first === undefined || now === undefined || nowMs <= first.atMs) return 0;
    return (Math.max(0, now - (first.eventsIn.get(task) ?? 0)) / (nowMs - first.atMs)) * 1000;
  }

  /** Pods come and go for months: of those that are long gone only what they used is kept. */
  #forget(nowMs: number): void {
    for (const [worker, { report, seenMs }] of this.#workers) {
      if (nowMs - seenMs < FORGOTTEN_MS) continue;
      this.#workers.delete(worker);
      if (this.#isolation === 'process') this.#goneCpuMs += report.cpuMs;
    }
  }

  #living(nowMs: number): WorkerReport[] {
    return [...this.#workers.values()].filter(({ seenMs }) => nowMs - seenMs < SILENT_MS).map(({ report }) => report);
  }

  /** What workers use together: threads each report their one process, processes only themselves. */
  #together(reports: readonly WorkerReport[], of: (report: WorkerReport) => number): number {
    return this.#isolation === 'thread' ? Math.max(0, ...reports.map(of)) : sum(reports, of);
  }

  #remaining(share: number | null, nowMs: number): number | null {
    if (share === null) return null;
    this.#firstShare ??= { atMs: nowMs, share };
    const read = share - this.#firstShare.share;
    if (read <= 0 || share >= 1) return null;
    return ((1 - share) / read) * (nowMs - this.#firstShare.atMs);
  }
}

function quantiles(all: readonly LatencyCounts[]): Quantiles {
  const histogram = new LatencyHistogram();
  for (const counts of all) histogram.merge(counts);
  return { p50: histogram.quantile(0.5), p99: histogram.quantile(0.99) };
}

/** What its partitions say together, as who reads them reckons it. null: nothing yet; Number.MAX_SAFE_INTEGER: ended. */
export function stageWatermark(tasks: readonly Pick<TaskFigures, 'watermark' | 'idle'>[]): number | null {
  if (tasks.length === 0) return null;
  const ended = ({ watermark }: Pick<TaskFigures, 'watermark'>): boolean => watermark === Number.MAX_SAFE_INTEGER;
  const { watermark } = together(
    tasks.map((task) => (ended(task) ? WATERMARK_MAX : (task.watermark ?? WATERMARK_MIN))),
    tasks.map(({ idle }) => idle === true),
  );
  return watermark === WATERMARK_MIN ? null : Math.min(watermark, Number.MAX_SAFE_INTEGER);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
