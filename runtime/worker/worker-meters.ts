// What a worker has measured of all tasks that it runs or ran.
//
//   M1. What a task counted stays when it ends: sums never go back while the worker lives.

import type { LatencyCounts } from '../telemetry/latency-histogram.ts';
import type { ValueFigures } from '../state/value-memory.ts';
import { LatencyHistogram } from '../telemetry/latency-histogram.ts';
import { StageMeter } from '../telemetry/stage-meter.ts';
import type { StandbyFigures } from './hand-over.ts';
import type { TaskHeld } from './task-meter.ts';
import type { TaskRunner } from './task-runner.ts';
import type { TaskFigures } from './task-figures.ts';
import { addTimes } from './time-ledger.ts';
import type { TimeSpent } from './time-ledger.ts';

/** What a worker's own metrics are made of, besides its report. */
export type WorkerMeasures = {
  /** Of values of state, where their memory is bounded; null: it is not. */
  readonly values: ValueFigures | null;
  /** Failures that were waited out or handed on. */
  readonly troubles: number;
  readonly stages: readonly StageMeasures[];
  /** Partitions that are followed here for their owners. */
  readonly standbys: readonly StandbyFigures[];
};
/** `held`: of each task that runs now. */
export type StageMeasures = {
  readonly stage: string;
  readonly meter: StageMeter;
  readonly held: readonly TaskHeld[];
  readonly time: TimeSpent;
  /** Both as in task-figures.ts, of all tasks that run or ran here. */
  readonly heldMs?: number;
  readonly backPressureMs?: number;
};

const WAITS = ['heldMs', 'backPressureMs'] as const;
type Wait = (typeof WAITS)[number];
type Metered = Pick<TaskRunner, 'stage' | 'meter' | 'figures' | 'held'>;

export class WorkerMeters {
  /** By stage; those of stages that are gone stay. */
  readonly #stages = new Map<string, StageMeter>();
  readonly #commit = new LatencyHistogram();
  readonly #endToEnd = new LatencyHistogram();

  of(stage: string): StageMeter {
    const meter = this.#stages.get(stage) ?? new StageMeter();
    this.#stages.set(stage, meter);
    return meter;
  }

  /** M1. */
  ended({ stage, meter }: Metered, { time, ...waits }: Pick<TaskFigures, 'time' | Wait>): void {
    this.#commit.merge(meter.commitLatency.counts());
    this.#endToEnd.merge(meter.endToEndLatency.counts());
    this.of(stage.id).ended(time);
    for (const wait of WAITS) this.of(stage.id)[wait] += waits[wait] ?? 0;
  }

  /** Of those that are gone and of `running`. */
  latencies(running: readonly Metered[]): { readonly commitLatency: LatencyCounts; readonly endToEndLatency: LatencyCounts } {
    const [commit, endToEnd] = [new LatencyHistogram(), new LatencyHistogram()];
    commit.merge(this.#commit.counts());
    endToEnd.merge(this.#endToEnd.counts());
    for (const { meter } of running) {
      commit.merge(meter.commitLatency.counts());
      endToEnd.merge(meter.endToEndLatency.counts());
    }
    return { commitLatency: commit.counts(), endToEndLatency: endToEnd.counts() };
  }

  stages(running: readonly Metered[]): readonly StageMeasures[] {
    return [...this.#stages].map(([stage, meter]) => {
      const own = running.filter((runner) => runner.stage.id === stage);
      const figures = own.map((runner) => runner.figures());
      const time = figures.map((task) => task.time).reduce(addTimes, meter.time);
      const waits = WAITS.flatMap((wait) => {
        if (meter[wait] === 0 && figures.every((task) => task[wait] === undefined)) return [];
        return [[wait, figures.reduce((sum, task) => sum + (task[wait] ?? 0), meter[wait])] as const];
      });
      return { stage, meter, held: own.map((runner) => runner.held()), time, ...Object.fromEntries(waits) };
    });
  }
}
