// What a run did, in figures: from the last record of every task (exact, through all crashes) and the workers' reports.
//
//   F1. Counts are those of the whole job, from its first event on; rates are those of this run, which may have gone on
//       where another one stopped.
//   F2. It is also held against itself: what is not accounted for is told, whatever the ending (telemetry/conservation.ts).

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { Journal } from '../../runtime/journal/journal.ts';
import type { TaskCounters } from '../../runtime/journal/record.ts';
import { DEAD_LETTERS, DEAD_LETTERS_FILE, DEAD_LETTERS_SUBJECT } from '../../runtime/plan/plan-names.ts';
import type { DeadLetter } from '../../runtime/event/batch.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import type { Failure } from '../../runtime/worker/membership.ts';
import { conservationProblems } from '../../runtime/telemetry/conservation.ts';
import type { SeenTask } from '../../runtime/telemetry/conservation.ts';
import type { Quantiles, RunProgress } from '../../runtime/telemetry/progress.ts';

export type StageReport = {
  readonly stage: string;
  readonly kind: StagePlan['kind'];
  readonly partitions: number;
  readonly eventsIn: number;
  readonly eventsOut: number;
  readonly eventsInPerS: number;
  readonly filtered: number;
  readonly late: number;
  readonly deadLetters: number;
};

export type FirstDeadLetter = Pick<DeadLetter, 'code' | 'at' | 'place' | 'message'>;

/** Units: ms, bytes, events a second of this run (F1). */
export type FinalReport = {
  readonly job: string;
  readonly ending: 'completed' | 'failed' | 'interrupted';
  readonly failure: Failure | null;
  /** It went on where an earlier run stopped. */
  readonly isContinued: boolean;
  readonly elapsedMs: number;
  readonly workers: number;
  readonly stages: readonly StageReport[];
  /** Events read from sources, and results that sinks wrote. */
  readonly eventsIn: number;
  readonly eventsOut: number;
  /** Of `eventsIn`, what this run read. */
  readonly eventsInThisRun: number;
  readonly eventsInPerS: number;
  /** Share of the bounded sources that was read, 0 … 1; null when unbounded, or when nothing was read. */
  readonly progress: number | null;
  readonly deadLetters: number;
  /** One of them, to begin with. */
  readonly firstDeadLetter: FirstDeadLetter | null;
  readonly late: number;
  /** Events and records that are missing or too many, a sentence each (F2); empty: each is accounted for. */
  readonly unaccounted: readonly string[];
  readonly recoveries: number;
  readonly commitMs: Quantiles;
  readonly endToEndMs: Quantiles;
  readonly peakMemoryBytes: number;
  readonly cpuMs: number;
  readonly natsUrl: string;
  readonly outDir: string;
};

/** Counters of each stage, in the plan's order: the sums over its partitions' last records. */
export type StageCounts = readonly StageCount[];
type StageCount = Pick<TaskCounters, (typeof COUNTED)[number]>;
const COUNTED = ['eventsIn', 'eventsOut', 'filtered', 'late', 'deadLetters', 'recoveries'] as const;

export type ReportParts = Pick<FinalReport, 'ending' | 'failure' | 'workers' | 'natsUrl' | 'outDir'> & {
  readonly plan: PhysicalPlan;
  readonly journal: Journal;
  readonly progress: RunProgress;
  /** What was counted when this run went on with an earlier one; null: it began it. */
  readonly before: StageCounts | null;
};

/** A first line of dead letters longer than this is not looked at. */
const DEAD_LETTER_BYTES_MAX = 256 * 1024;

export async function finalReport({ plan, journal, progress, before, ...rest }: ReportParts): Promise<FinalReport> {
  const seconds = Math.max(0.001, progress.elapsedMs / 1000);
  const tasks = await readTasks(plan, journal);
  const counts = plan.stages.map(({ id }) => countersOf(id, tasks));
  const unaccounted = conservationProblems(plan, tasks, { isRestored: false, remembered: null }).map(({ message }) => message);
  const stages = plan.stages.map((stage, index) => stageReport(stage, counts[index] as StageCount, before?.[index] ?? null, seconds));
  const sum = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((total, item) => total + of(item), 0);
  const sources = plan.stages.flatMap(({ kind }, index) => (kind === 'source' ? [index] : []));
  const eventsIn = sum(sources, (index) => counts[index]?.eventsIn ?? 0);
  const eventsInThisRun = eventsIn - sum(sources, (index) => before?.[index]?.eventsIn ?? 0);
  const deadLetters = sum(counts, (counters) => counters.deadLetters);
  return {
    job: plan.job,
    ...rest,
    isContinued: before !== null,
    elapsedMs: Math.round(progress.elapsedMs),
    stages,
    eventsIn,
    eventsOut: sum(stages.filter(isResultSink), ({ eventsOut }) => eventsOut),
    eventsInThisRun,
    eventsInPerS: Math.round(eventsInThisRun / seconds),
    progress: progress.progress,
    deadLetters,
    firstDeadLetter: deadLetters === 0 ? null : await readFirstDeadLetter(join(rest.outDir, DEAD_LETTERS_FILE)),
    late: sum(counts, ({ late }) => late),
    unaccounted,
    recoveries: sum(counts, ({ recoveries }) => recoveries),
    commitMs: progress.commitMs,
    endToEndMs: progress.endToEndMs,
    peakMemoryBytes: progress.peakMemoryBytes,
    cpuMs: Math.round(progress.cpuMs),
  };
}

export async function countStages(plan: PhysicalPlan, journal: Journal): Promise<StageCounts> {
  const tasks = await readTasks(plan, journal);
  return plan.stages.map(({ id }) => countersOf(id, tasks));
}

/** Readers before their writers, as conservation is judged. */
async function readTasks({ stages }: PhysicalPlan, journal: Journal): Promise<readonly SeenTask[]> {
  const tasks: SeenTask[] = [];
  for (const { id, stream, subjectPrefix, partitionCount } of stages.toReversed()) {
    const subjects = Array.from({ length: partitionCount }, (_, partition) => `${subjectPrefix}.${partition}`);
    for (const [partition, found] of (await Promise.all(subjects.map((subject) => journal.last(stream, subject)))).entries()) {
      const last = found === null ? null : { header: decodeHeader(found.bytes), sequence: found.sequence };
      tasks.push({ stage: id, partition, first: null, last, hole: null });
    }
  }
  return tasks;
}

/** A sink of the user's, not one of those that keep dead letters. */
function isResultSink({ kind, stage }: StageReport): boolean {
  return kind === 'sink' && stage !== DEAD_LETTERS && stage !== DEAD_LETTERS_SUBJECT;
}

function stageReport(stage: StagePlan, counters: StageCount, before: StageCount | null, seconds: number): StageReport {
  const { eventsIn, eventsOut, filtered, late, deadLetters } = counters;
  const eventsInPerS = Math.round((eventsIn - (before?.eventsIn ?? 0)) / seconds);
  return {
    stage: stage.id,
    kind: stage.kind,
    partitions: stage.partitionCount,
    eventsIn,
    eventsOut,
    eventsInPerS,
    filtered,
    late,
    deadLetters,
  };
}

function countersOf(stage: string, tasks: readonly SeenTask[]): StageCount {
  const total = { eventsIn: 0, eventsOut: 0, filtered: 0, late: 0, deadLetters: 0, recoveries: 0 };
  for (const { last } of tasks.filter((task) => task.stage === stage))
    for (const name of COUNTED) total[name] += last?.header.counters[name] ?? 0;
  return total;
}

/** Null when it can't be read: a report must not fail for want of an example. */
async function readFirstDeadLetter(path: string): Promise<FirstDeadLetter | null> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(DEAD_LETTER_BYTES_MAX), 0, DEAD_LETTER_BYTES_MAX, 0);
    const [line = ''] = buffer.subarray(0, bytesRead).toString('utf8').split('\n', 1);
    const { code, at, place, message } = JSON.parse(line) as DeadLetter;
    return { code, at, place, message };
  } catch {
    return null;
  }
}
