// Conservation: what became of each event, judged by the records of all partitions. Pure.
//
//   V1. Exchange: what its reader has taken in was given out on it before, and what was purged was taken in by then. When nothing is
//       under way, both are equal.
//   V2. Stage: in + made = out + filtered + late + dead + absorbed + held. A window absorbs events and makes results, `order` holds
//       them, a second reader makes copies: each event that a transform met has one end, or it is unaccounted for.
//   V3. Partition: its records are numbered without a hole (J2), the last one never goes back (J6), and none is gone that the next
//       owner needs to restore the state (J9).
//   V4. Nothing is said of what was not read: whoever looks reads oldest records first, then last ones, readers' before writers'. So
//       a job that runs on meanwhile is never accused.

import type { InputPosition, RecordHeader, TaskCounters } from '../journal/record.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { EdgePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';

export type SeenRecord = { readonly header: RecordHeader; readonly sequence: number };

/** What one partition's journal holds. */
export type SeenTask = {
  readonly stage: string;
  readonly partition: number;
  /** Oldest record that was there before any last one was read (V4); null: none was, or it was not asked for. */
  readonly first: SeenRecord | null;
  readonly last: SeenRecord | null;
  /** Records that are missing between two that are there; null: none, or not counted. */
  readonly hole: Hole | null;
};

/** Numbers and sequences that are gone, both ends included. */
export type Hole = { readonly numbers: readonly [from: number, to: number]; readonly sequences: readonly [from: number, to: number] };

export type ConservationProblem = {
  readonly kind: 'records-gone' | 'events-gone' | 'events-doubled' | 'out-of-balance';
  /** The task, exchange or stage. */
  readonly at: string;
  readonly message: string;
};

/** What an earlier look found, by task: without it nothing is said of what changes only over time. */
export type Remembered = Map<string, { readonly number: number; readonly sequence: number }>;

export type ConservationOptions = {
  /** The run began with a savepoint: a task that has no record yet does not stand at zero. */
  readonly isRestored: boolean;
  /** Kept between looks and changed by them; none: everything began at zero. */
  readonly remembered: Remembered | null;
};

/** All that is wrong; empty: every event is accounted for. */
export function conservationProblems(
  plan: PhysicalPlan,
  tasks: readonly SeenTask[],
  { isRestored, remembered }: ConservationOptions,
): readonly ConservationProblem[] {
  const seen = new Map(tasks.map((task) => [taskName(task.stage, task.partition), task]));
  const problems = [
    ...tasks.flatMap((task) => recordProblems(task, remembered)),
    ...plan.edges.flatMap((edge) => exchangeProblems(plan, edge, seen, isRestored)),
    ...plan.stages.flatMap((stage) => balanceProblems(stage, seen)),
  ];
  remember(tasks, remembered);
  return problems;
}

// ---- V3

function recordProblems({ stage, partition, first, last, hole }: SeenTask, remembered: Remembered | null): readonly ConservationProblem[] {
  const at = taskName(stage, partition);
  const problems: string[] = [];
  const before = remembered?.get(at);
  if (before !== undefined && (last === null || last.header.number < before.number))
    problems.push(
      `records ${(last?.header.number ?? 0) + 1} … ${before.number} of ${at} (up to sequence ${before.sequence}) were there and are gone`,
    );
  if (hole !== null)
    problems.push(
      `records ${hole.numbers.join(' … ')} of ${at} are gone (sequences ${hole.sequences.join(' … ')}), those before and behind are there`,
    );
  const needed = last === null ? null : neededFrom(last.header);
  if (first !== null && needed !== null && first.header.number > needed)
    problems.push(
      `records ${needed} … ${first.header.number - 1} of ${at} (below sequence ${first.sequence}) are gone, and its state cannot be restored without them`,
    );
  return problems.map((message) => ({ kind: 'records-gone', at, message }));
}

/** Number of the oldest record that restoring the state needs. */
export function neededFrom({ checkpoint }: RecordHeader): number {
  if (checkpoint === null) return 1;
  return checkpoint.name === ':inline' ? checkpoint.number : checkpoint.number + 1;
}

// ---- V1

function exchangeProblems(
  plan: PhysicalPlan,
  edge: EdgePlan,
  seen: ReadonlyMap<string, SeenTask>,
  isRestored: boolean,
): readonly ConservationProblem[] {
  const from = plan.stages.find(({ id }) => id === edge.fromStage);
  const to = plan.stages.find(({ id }) => id === edge.toStage);
  if (edge.retired === true || from === undefined || to === undefined) return [];
  const writers = tasksOf(from, seen);
  const readers = tasksOf(to, seen);
  if (writers === null || readers === null) return [];
  if (isRestored && [...writers, ...readers].some(({ last }) => last === null)) return [];
  const place = from.outputs.indexOf(edge.index);
  const given = sum(writers, ({ last }) => givenOut(last, place));
  const taken = sum(readers, ({ last }) => takenIn(last, edge.index));
  const way = `${edge.id} (${given} given out, ${taken} taken in)`;
  if (taken > given)
    return [{ kind: 'events-doubled', at: edge.id, message: `${taken - given} events were taken in more than once on ${way}` }];
  // A stage that a rollback brought back goes on without what was given out meanwhile.
  if (to.resumed === true) return [];
  const lowest = Math.min(...readers.map(({ last }) => positionOf(last, edge.index)));
  const due = sum(writers, (writer) =>
    givenBefore(writer, { edge, place, position: lowest, copies: edge.partitioning === 'all' ? to.partitionCount : 1 }),
  );
  if (taken >= due) return [];
  const ranges = writers.flatMap((writer) => purgedBehind(writer, lowest)).join(', ');
  return [
    {
      kind: 'events-gone',
      at: edge.id,
      message: `${due - taken} events are gone on ${way}${ranges === '' ? '' : `: ${ranges} were not taken in by all partitions of ${to.id}`}`,
    },
  ];
}

/** Events on the exchange that can no longer be read behind `position`, because it lies behind them or they are purged: by now they
 *  must have been taken in. At least so many: what may still be read counts for nothing. */
function givenBefore(
  { first, last }: SeenTask,
  {
    edge,
    place,
    position,
    copies,
  }: { readonly edge: EdgePlan; readonly place: number; readonly position: number; readonly copies: number },
): number {
  if (last === null) return 0;
  if (last.sequence <= position) return givenOut(last, place);
  if (first === null || first.sequence <= position) return 0;
  const { header } = first;
  const own = header.more
    ? 0
    : sum(header.segments, (segment) => (segment.kind === 'events' && segment.edge === edge.index ? segment.count : 0));
  return givenOut(first, place) - own * copies;
}

function purgedBehind({ stage, partition, first }: SeenTask, position: number): readonly string[] {
  if (first === null || first.sequence <= position + 1 || first.header.number === 1) return [];
  return [`records up to ${first.header.number - 1} of ${taskName(stage, partition)} (sequences ${position + 1} … ${first.sequence - 1})`];
}

function givenOut(record: SeenRecord | null, place: number): number {
  return record?.header.counters.edgesOut[place] ?? 0;
}

function takenIn(record: SeenRecord | null, edge: number): number {
  const place = inputsOf(record).findIndex((input) => input.edge === edge);
  return record?.header.counters.edgesIn[place] ?? 0;
}

function positionOf(record: SeenRecord | null, edge: number): number {
  return inputsOf(record).find((input) => input.edge === edge)?.sequence ?? 0;
}

function inputsOf(record: SeenRecord | null): readonly InputPosition[] {
  return record?.header.inputs ?? [];
}

// ---- V2

function balanceProblems(stage: StagePlan, seen: ReadonlyMap<string, SeenTask>): readonly ConservationProblem[] {
  return Array.from({ length: stage.partitionCount }, (_, partition) => taskName(stage.id, partition)).flatMap((at) => {
    const last = seen.get(at)?.last ?? null;
    const residue = last === null || isPaced(last.header) ? 0 : (residueOf(last.header.counters) ?? 0);
    if (last === null || residue === 0) return [];
    const what = residue > 0 ? `${residue} events are unaccounted for` : `${-residue} events too many came out`;
    return [{ kind: 'out-of-balance', at, message: `${what} in ${at}: ${sumsOf(last.header.counters)}` }];
  });
}

/** A replay holds back what it has read until its time has come. */
function isPaced({ source }: RecordHeader): boolean {
  return source !== null && 'replayMs' in source;
}

/** Events that came in or were made and have no end; null: an older release has not counted all of it. */
export function residueOf({ eventsIn, made, eventsOut, filtered, late, deadLetters, absorbed, held }: TaskCounters): number | null {
  return made === null ? null : eventsIn + made - (eventsOut + filtered + late + deadLetters + absorbed + held);
}

function sumsOf({ eventsIn, made, eventsOut, filtered, late, deadLetters, absorbed, held }: TaskCounters): string {
  const inner = [made ? `${made} made` : [], absorbed > 0 ? `${absorbed} absorbed` : [], held > 0 ? `${held} held` : []].flat();
  return [`${eventsIn} in`, `${eventsOut} out`, `${filtered} filtered`, `${late} late`, `${deadLetters} dead`, ...inner].join(', ');
}

// ---- what the next look knows

/** What a stage that is gone had is kept: it may come back, and its records are still there. */
function remember(tasks: readonly SeenTask[], remembered: Remembered | null): void {
  for (const { stage, partition, last } of tasks) {
    const name = taskName(stage, partition);
    if (last === null || last.header.number < (remembered?.get(name)?.number ?? 0)) continue;
    remembered?.set(name, { number: last.header.number, sequence: last.sequence });
  }
}

/** All partitions of a stage in order; null: one was not looked at. */
function tasksOf(stage: StagePlan, seen: ReadonlyMap<string, SeenTask>): readonly SeenTask[] | null {
  const tasks = Array.from({ length: stage.partitionCount }, (_, partition) => seen.get(taskName(stage.id, partition)));
  return tasks.every((task) => task !== undefined) ? tasks : null;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
