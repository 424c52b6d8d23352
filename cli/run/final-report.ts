// What a run did, in figures: from the last record of every task (exact, through all crashes) and the workers' reports.

import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { Journal } from '../../runtime/journal/journal.ts';
import type { TaskCounters } from '../../runtime/journal/record.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import type { Failure } from '../../runtime/worker/membership.ts';
import type { Quantiles, RunProgress } from './progress.ts';

export type StageReport = { readonly stage: string; readonly kind: StagePlan['kind']; readonly partitions: number; readonly eventsIn: number; readonly eventsOut: number; readonly eventsInPerS: number; readonly filtered: number; readonly late: number; readonly deadLetters: number };

/** Units: ms, bytes, events a second over the whole run. */
export type FinalReport = {
  readonly job: string;
  readonly ending: 'completed' | 'failed' | 'interrupted';
  readonly failure: Failure | null;
  readonly elapsedMs: number;
  readonly workers: number;
  readonly stages: readonly StageReport[];
  /** Events read from sources, and results that sinks wrote. */
  readonly eventsIn: number;
  readonly eventsOut: number;
  readonly eventsInPerS: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly recoveries: number;
  readonly commitMs: Quantiles;
  readonly endToEndMs: Quantiles;
  readonly peakMemoryBytes: number;
  readonly cpuMs: number;
  readonly natsUrl: string;
  readonly outDir: string;
};

export type ReportParts = Pick<FinalReport, 'ending' | 'failure' | 'natsUrl' | 'outDir'> & { readonly plan: PhysicalPlan; readonly journal: Journal; readonly progress: RunProgress };

export async function finalReport({ plan, journal, progress, ...rest }: ReportParts): Promise<FinalReport> {
  const seconds = Math.max(0.001, progress.elapsedMs / 1000);
  const counted = await Promise.all(plan.stages.map(async (stage) => ({ stage, counters: await countersOf(stage, journal) })));
  const stages = counted.map(({ stage, counters }): StageReport => {
    const { eventsIn, eventsOut, filtered, late, deadLetters } = counters;
    return { stage: stage.id, kind: stage.kind, partitions: stage.partitionCount, eventsIn, eventsOut, eventsInPerS: Math.round(eventsIn / seconds), filtered, late, deadLetters };
  });
  const sumOf = (kind: StagePlan['kind'], of: (stage: StageReport) => number): number => stages.filter((stage) => stage.kind === kind).reduce((sum, stage) => sum + of(stage), 0);
  const total = (of: (counters: TaskCounters) => number): number => counted.reduce((sum, { counters }) => sum + of(counters), 0);
  const eventsIn = sumOf('source', (stage) => stage.eventsIn);
  return {
    job: plan.job,
    ...rest,
    elapsedMs: Math.round(progress.elapsedMs),
    workers: progress.workers.length,
    stages,
    eventsIn,
    eventsOut: stages.filter(({ kind, stage }) => kind === 'sink' && !stage.startsWith('dead-letters')).reduce((sum, { eventsOut }) => sum + eventsOut, 0),
    eventsInPerS: Math.round(eventsIn / seconds),
    deadLetters: total(({ deadLetters }) => deadLetters),
    late: total(({ late }) => late),
    recoveries: total(({ recoveries }) => recoveries),
    commitMs: progress.commitMs,
    endToEndMs: progress.endToEndMs,
    peakMemoryBytes: progress.peakMemoryBytes,
    cpuMs: Math.round(progress.cpuMs),
  };
}

/** Counts of a stage: the sum over its partitions' last records. */
async function countersOf(stage: StagePlan, journal: Journal): Promise<TaskCounters> {
  const total = { eventsIn: 0, eventsOut: 0, filtered: 0, late: 0, deadLetters: 0, recoveries: 0, edgesIn: [], edgesOut: [] };
  for (let partition = 0; partition < stage.partitionCount; partition++) {
    const last = await journal.last(stage.stream, `${stage.subjectPrefix}.${partition}`);
    if (last === null) continue;
    const { counters } = decodeHeader(last.bytes);
    for (const name of ['eventsIn', 'eventsOut', 'filtered', 'late', 'deadLetters', 'recoveries'] as const) total[name] += counters[name];
  }
  return total;
}
