// What a job does now, as the page shows it: put together from its workers' reports. Pure but for its own memory.
//
//   LB1. Counts are those that were reported; rates are their rise over RATE_WINDOW_MS. A count that fell (a task moved, or began
//        anew) has no rate until it rises again.
//   LB2. Bounded: the timeline keeps TIMELINE_MAX entries, of workers that are silent for long nothing is kept.

import { ProgressBoard } from '../runtime/telemetry/progress.ts';
import type { Isolation, RunProgress, StageProgress } from '../runtime/telemetry/progress.ts';
import type { PhysicalPlan } from '../runtime/plan/physical-plan.ts';
import { liveOutputs, taskName } from '../runtime/plan/physical-plan.ts';
import type { TaskFigures } from '../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../runtime/worker/worker-report.ts';
import { mergeNodeFigures } from '../runtime/task/node-figures.ts';
import type { Chart, Declared, Live, LiveEdge, LiveStage, LiveWindow, Phase, TimelineEntry } from './api.ts';
import { CountRates } from './count-rates.ts';
import { OwnerChanges } from './owner-changes.ts';
import { livePools, type ToldPool } from './pools.ts';
import { liveMachine } from './statechart.ts';

export type LiveBoardParts = {
  readonly plan: PhysicalPlan;
  readonly declared: Declared;
  readonly isolation: Isolation;
  /** Monotonic ms. */
  readonly startMs: number;
  /** What happened before, newest first: of the board of an earlier revision. */
  readonly timeline?: readonly TimelineEntry[];
};

const TIMELINE_MAX = 500;
/** Of a worker that was not heard of for this long nothing is shown. */
const SILENT_MS = 10_000;

/** By source; one that is not in it is not known. */
type Backlogs = ReadonlyMap<string, number>;
type Heard = { readonly report: WorkerReport; readonly seenMs: number };

export class LiveBoard {
  readonly #parts: LiveBoardParts;
  #declared: Declared;
  readonly #board: ProgressBoard;
  readonly #rates = new CountRates();
  readonly #owners = new OwnerChanges();
  readonly #workers = new Map<string, Heard>();
  readonly #timeline: TimelineEntry[];
  #isOver = false;

  constructor(parts: LiveBoardParts) {
    this.#parts = parts;
    this.#declared = parts.declared;
    this.#timeline = [...(parts.timeline ?? [])];
    this.#board = new ProgressBoard(parts.plan, parts.startMs, parts.isolation);
  }

  hear(report: WorkerReport, monotonicMs: number): void {
    this.#board.hear(report, monotonicMs);
    this.#workers.set(report.worker, { report, seenMs: monotonicMs });
  }

  /** The same plan is declared in other words. */
  declare(declared: Declared): void {
    this.#declared = declared;
  }

  /** The job is over: what its workers said last stays. */
  end(): void {
    this.#isOver = true;
  }

  note(...entries: readonly TimelineEntry[]): void {
    this.#timeline.unshift(...entries.toReversed());
    this.#timeline.length = Math.min(this.#timeline.length, TIMELINE_MAX);
  }

  /** Newest first. */
  get timeline(): readonly TimelineEntry[] {
    return this.#timeline;
  }

  /** `told`: what a cluster knows of pools; `backlogs`: by source, what waits in its stream. */
  live(phase: Phase, nowMs: number, monotonicMs: number, told: readonly ToldPool[] = [], backlogs: Backlogs = new Map()): Live {
    const declared = this.#declared;
    if (!this.#isOver) for (const [worker, { seenMs }] of this.#workers) if (monotonicMs - seenMs > SILENT_MS) this.#workers.delete(worker);
    this.#rates.begin(monotonicMs);
    const progress = this.#board.progress(monotonicMs);
    const tasks = new Map(this.#board.figures().map((figures) => [figures.task, figures]));
    const edges = this.#edges(tasks);
    const stages = progress.stages.map((stage) =>
      stageOf(withBacklog(stage, backlogs), tasks, { eventsInPerS: this.#pace(stage, edges), load: this.#load(stage, tasks) }),
    );
    this.note(...this.#owners.changes(progress.stages, nowMs));
    return {
      atMs: nowMs,
      declaredId: declared.id,
      phase,
      progress: progress.progress,
      elapsedMs: progress.elapsedMs,
      eventsPerS: sum(this.#parts.plan.stages.map(({ kind }, at) => (kind === 'source' ? (stages[at]?.eventsInPerS ?? 0) : 0))),
      stages,
      edges,
      workers: progress.workers.map((worker) => ({ ...worker, pool: this.#workers.get(worker.id)?.report.pool ?? null })),
      pools: livePools({
        plan: this.#parts.plan.stages,
        live: stages,
        workers: progress.workers.map(({ id }) => this.#workers.get(id)?.report.pool),
        told,
      }),
      ...this.#nodes(),
      ...totalsOf(progress),
      timeline: [...this.#timeline],
    };
  }

  #load({ id, partitions }: StageProgress, tasks: ReadonlyMap<string, TaskFigures>): LiveStage['load'] {
    const times = partitions.flatMap(({ partition }) => tasks.get(taskName(id, partition))?.time ?? []); // older workers tell none
    const share = (name: string, ms: number): number => this.#rates.perS(`${name} ${id}`, ms / 1_000);
    const busy = share('busy', sum(times.map(({ busyMs }) => busyMs)));
    const blocked = share('blocked', sum(times.map(({ blockedMs }) => blockedMs)));
    const idle = share('idle', sum(times.map(({ idleMs }) => idleMs)));
    const all = busy + blocked + idle;
    return all === 0 ? null : { busy: busy / all, blocked: blocked / all, idle: idle / all };
  }

  /** Events a second; of a source that has read all and lets it out at a pace, what it lets out. */
  #pace({ id, kind, eventsInPerS }: StageProgress, edges: readonly LiveEdge[]): number {
    if (kind !== 'source') return eventsInPerS;
    const ways = new Set(this.#declared.edges.filter(({ from }) => from === id).map(({ index }) => index));
    return Math.max(eventsInPerS, ...edges.filter(({ index }) => ways.has(index)).map(({ eventsPerS }) => eventsPerS));
  }

  #edges(tasks: ReadonlyMap<string, TaskFigures>): readonly LiveEdge[] {
    const shown = new Set(this.#declared.edges.map(({ index }) => index));
    return this.#parts.plan.stages.flatMap((stage) =>
      liveOutputs(this.#parts.plan, stage).flatMap(({ index }): LiveEdge[] => {
        if (!shown.has(index)) return [];
        const place = stage.outputs.indexOf(index);
        const events = sum(
          Array.from({ length: stage.partitionCount }, (_, at) => tasks.get(taskName(stage.id, at))?.counters.edgesOut[place] ?? 0),
        );
        return [{ index, events, eventsPerS: this.#rates.perS(`edge ${index}`, events) }];
      }),
    );
  }

  #nodes(): Pick<Live, 'machines' | 'windows'> {
    const figures = mergeNodeFigures([...this.#workers.values()].map(({ report }) => report.nodes ?? {}));
    const machines = this.#declared.charts.flatMap((chart: Chart) => {
      const actors = figures[chart.node];
      return actors?.kind === 'actors' ? [liveMachine(chart, actors, (name, count) => this.#rates.perS(name, count))] : [];
    });
    return { machines, windows: this.#windows(figures) };
  }

  #windows(figures: ReturnType<typeof mergeNodeFigures>): readonly LiveWindow[] {
    return this.#parts.plan.stages.flatMap((stage) =>
      stage.nodes.flatMap(({ id, op }): LiveWindow[] => {
        const told = figures[id];
        if (op.kind !== 'window' || told?.kind !== 'windows') return [];
        const { open, results, spans } = told;
        const resultsPerS = this.#rates.perS(`results ${id}`, results);
        const shown = spans.map(([startMs, endMs, keys]) => ({ startMs, endMs, keys }));
        return [{ stage: stage.id, node: id, kind: op.window.kind, open, results, resultsPerS, spans: shown }];
      }),
    );
  }
}

function withBacklog(stage: StageProgress, backlogs: Backlogs): StageProgress {
  return stage.kind === 'source' ? { ...stage, lagEvents: backlogs.get(stage.id) ?? null } : stage;
}

function stageOf(
  stage: StageProgress,
  tasks: ReadonlyMap<string, TaskFigures>,
  reckoned: Pick<LiveStage, 'eventsInPerS' | 'load'>,
): LiveStage {
  const { id, eventsIn, eventsOut, lagEvents, deadLetters, late, filtered, done } = stage;
  return {
    id,
    eventsIn,
    eventsOut,
    lagEvents,
    deadLetters,
    late,
    filtered,
    isDone: done,
    ...reckoned,
    watermarkMs: timeOf(stage.watermarkMs),
    isEnded: stage.watermarkMs === Number.MAX_SAFE_INTEGER,
    partitions: stage.partitions.map(({ partition, owner, state, standby, stalled }) => {
      const figures = tasks.get(taskName(id, partition));
      return {
        partition,
        owner,
        state,
        epoch: figures?.epoch ?? 0,
        eventsIn: figures?.counters.eventsIn ?? 0,
        watermarkMs: timeOf(figures?.watermark ?? null),
        inboxBytes: figures?.inboxBytes ?? 0,
        ...(figures?.idle === true ? { isIdle: true as const } : {}),
        ...(figures?.heldMs === undefined ? {} : { heldMs: figures.heldMs }),
        ...(figures?.held === true ? { isHeld: true as const } : {}),
        ...(figures?.backPressureMs === undefined ? {} : { backPressureMs: figures.backPressureMs }),
        ...(figures?.backPressure === true ? { isBackPressure: true as const } : {}),
        ...(standby === undefined ? {} : { standby }),
        ...(stalled === undefined ? {} : { stalled }),
      };
    }),
  };
}

function totalsOf({ deadLetters, late, recoveries, commitMs, endToEndMs }: RunProgress) {
  return { deadLetters, late, recoveries, commitP99Ms: commitMs.p99, endToEndP99Ms: endToEndMs.p99 };
}

function timeOf(watermark: number | null): number | null {
  return watermark === Number.MAX_SAFE_INTEGER ? null : watermark;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
