// A job from end to end in one process, without a server, in drawn time: for tests of jobs.
//
//   M1. What runs is what runs on a cluster: the same plan, tasks, transforms, commits; only the journal, sources, sinks and what lookups ask
//       are in memory. Each source is one split.
//   M2. The clock stands still while there is work, and jumps to what waits next: an hour takes a tenth of a second or so, and each run is
//       the same.
//   M3. A source ends with its list, whether or not the job says that it is bounded.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { loadJob } from '../adapters/node/load-job.ts';
import { MillraceError } from '../base/errors.ts';
import { BadDeclaration } from '../base/issues.ts';
import { CHECKPOINT_DELTA_BYTES_MIN, EVENT_TIME_MS_MAX } from '../base/limits.ts';
import type { DeadLetter, Value } from '../event/batch.ts';
import type { Job } from '../job/job.ts';
import { assertValidJob } from '../plan/check.ts';
import { DEAD_LETTERS, DEAD_LETTERS_SUBJECT } from '../plan/plan-names.ts';
import { laneSubjects, type OpPlan, type PhysicalPlan, type StagePlan } from '../plan/physical-plan.ts';
import { planJob } from '../plan/plan.ts';
import { makeFileTable } from '../transforms/enrich-table.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { Question } from '../transforms/outside.ts';
import type { Table } from '../transforms/transform.ts';
import { LookupDesk, type Try } from '../worker/lookup-desk.ts';
import type { Failure } from '../worker/membership.ts';
import { Worker, type StageParts } from '../worker/worker.ts';
import { listSink, listSource } from './list-connectors.ts';
import { MemoryBlobStore } from './memory-blob-store.ts';
import { MemoryBus, MemoryDirectory } from './memory-directory.ts';
import { MemoryJournal } from './memory-journal.ts';
import { seededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';
import type { Pause } from './pause.ts';

/** What a lookup asks: a request, or the event and key that its function gets. */
export type LookupQuestion =
  | {
      readonly url: string;
      readonly method: 'GET' | 'POST';
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | null;
    }
  | { readonly event: unknown; readonly key: unknown };

export type InMemoryOptions = {
  /** Events of each source by its name, in order; with pauses of the clock between them. A source that is not here has none. */
  readonly events: Readonly<Record<string, readonly (object | string | number | boolean | null | Pause)[]>>;
  /** Rows of each table that is a file, by its name. */
  readonly tables?: Readonly<Record<string, readonly object[]>>;
  /** What each stage with `lookup` is answered, by its name; what it throws is a try that failed. */
  readonly lookups?: Readonly<Record<string, (question: LookupQuestion) => unknown>>;
  /** Values of the job's parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** When the clock begins, ms since the epoch; 2026-01-01 when absent. */
  readonly startMs?: number;
};

export type InMemoryRun = {
  /** What each sink was given, by its name, as JSON gives it back; of several partitions in the order in which they wrote. */
  readonly results: Readonly<Record<string, readonly unknown[]>>;
  readonly deadLetters: readonly DeadLetter[];
};

const START_MS = Date.UTC(2026, 0, 1);
const RECORD_BYTES_MAX = 1_000_000;
/** Nobody looks. */
const REPORT_MS = 3_600_000;

/**
 * Runs `job` (declared in TypeScript, or the path of its file) to its end, and gives what came of it. Takes milliseconds to tens of them.
 * Throws BadDeclaration for a job with mistakes, or for events, tables and lookups that it has not, or lacks; an Error that names code,
 * task and reason when it fails.
 */
export async function runInMemory(job: Job | string, options: InMemoryOptions): Promise<InMemoryRun> {
  const spec = await specOf(job, options.parameters ?? {});
  const plan = planJob(spec, Object.fromEntries(spec.spec.sources.map(({ name }) => [name, 1])));
  assertFits(plan, spec, options);
  const clock = new VirtualClock(options.startMs ?? START_MS);
  return clock.run(runPlan(plan, options, clock));
}

async function specOf(job: Job | string, parameters: Readonly<Record<string, string>>): Promise<StreamJob> {
  if (typeof job === 'string') return (await loadJob(job, { parameters })).job;
  const spec = job.build(parameters);
  assertValidJob(spec, job.name);
  return spec;
}

/** Names that the job does not know, what is not of the form that it must have, and lookups and tables that it needs. */
function assertFits(plan: PhysicalPlan, { spec, metadata }: StreamJob, options: InMemoryOptions): void {
  const { events, tables = {}, lookups = {}, startMs = START_MS } = options;
  const sources = spec.sources.map(({ name }) => name);
  const asking = opsOf(plan, 'lookup').map(({ id }) => id);
  const needed = plan.tables.map(({ name }) => name);
  const issues = [
    ...unknown('events', events, sources),
    ...unknown('tables', tables, needed),
    ...unknown('lookups', lookups, asking),
    ...unlisted('events', events),
    ...unlisted('tables', tables),
    ...(isTime(startMs) ? [] : [{ path: 'startMs', message: `must be whole ms since 1970, not ${startMs}` }]),
    ...lacking('tables', tables, needed, 'its rows are read from nowhere'),
    ...lacking('lookups', lookups, asking, 'nothing outside is asked in memory'),
  ];
  if (issues.length > 0) throw new BadDeclaration(metadata.name, issues);
}

type Named = Readonly<Record<string, unknown>>;

function unknown(option: string, given: Named, known: readonly string[]) {
  const names = Object.keys(given).filter((name) => !known.includes(name));
  const fix = known.length === 0 ? 'remove it' : `one of ${known.join(', ')}`;
  return names.map((name) => ({ path: `${option}.${name}`, message: `the job has nothing of that name`, fix }));
}

/** What is no list would be read without end. */
function unlisted(option: string, given: Named) {
  return Object.entries(given)
    .filter(([, list]) => list !== undefined && !Array.isArray(list))
    .map(([name]) => ({ path: `${option}.${name}`, message: 'must be a list' }));
}

/** On any other number the clock would never reach what waits. */
function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0 && ms <= EVENT_TIME_MS_MAX;
}

function lacking(option: string, given: Named, needed: readonly string[], why: string) {
  return needed
    .filter((name) => given[name] === undefined)
    .map((name) => ({ path: `${option}.${name}`, message: `missing: ${why}`, fix: `give ${option}.${name}` }));
}

async function runPlan(plan: PhysicalPlan, options: InMemoryOptions, clock: VirtualClock): Promise<InMemoryRun> {
  const journal = new MemoryJournal({ clock, random: seededRandom(1) });
  for (const stream of plan.streams) await journal.ensureLane({ stream, subjects: laneSubjects(plan, stream), bytesMax: -1 });
  const directory = new MemoryDirectory();
  const { promise: over, resolve: end } = Promise.withResolvers<Failure | null>();
  await directory.watch((key, entry) => {
    if (entry !== null && key === 'completed') end(null);
    if (entry !== null && key === 'failure') end(entry.value as Failure);
  });
  const kept = new Map<string, unknown[]>();
  const tables = tablesOf(plan, options.tables ?? {});
  const worker = new Worker({
    plan,
    journal,
    blobs: new MemoryBlobStore(),
    clock,
    directory,
    bus: new MemoryBus(),
    worker: 'memory',
    makeTransform,
    table: (name) => tables.get(name)!,
    tableVersions: {},
    stageParts: (stage) => partsOf(stage, { options, clock, kept }),
    recordBytesMax: RECORD_BYTES_MAX,
    checkpointBytes: CHECKPOINT_DELTA_BYTES_MIN,
    speed: null,
    reportMs: REPORT_MS,
    expectedWorkers: 1,
    failpoint: () => undefined,
    usage: () => ({ memoryBytes: 0, cpuMs: 0, loopBusyMs: 0 }),
    log: () => undefined,
  });
  await worker.start();
  const failure = await over;
  await worker.drain();
  if (failure !== null) throw new Error(`${failure.code} at ${failure.task}: ${failure.message} (${failure.fix})`);
  const { [DEAD_LETTERS]: letters = [], [DEAD_LETTERS_SUBJECT]: _again, ...results } = Object.fromEntries(kept);
  return { results, deadLetters: letters as DeadLetter[] };
}

type Parts = { readonly options: InMemoryOptions; readonly clock: VirtualClock; readonly kept: Map<string, unknown[]> };

function partsOf({ nodes }: StagePlan, { options, clock, kept }: Parts): StageParts {
  for (const { op } of nodes) {
    if (op.kind === 'source') {
      const { name, schema } = op.spec;
      return { source: listSource({ source: name, schema, events: options.events[name] ?? [], clock }), sink: null };
    }
    if (op.kind === 'sink') {
      const { name } = op.spec;
      if (!kept.has(name)) kept.set(name, []);
      return { source: null, sink: listSink(kept.get(name)!) };
    }
  }
  const desks = nodes.flatMap(({ id, op }) => {
    if (op.kind !== 'lookup') return [];
    const answer = options.lookups![id]!;
    return [
      [id, { desk: new LookupDesk({ op, call: (question) => tried(answer, question), clock }), maxInFlight: op.spec.maxInFlight }] as const,
    ];
  });
  return { source: null, sink: null, outside: new Map(desks) };
}

async function tried(answer: (question: LookupQuestion) => unknown, question: Question): Promise<Try> {
  try {
    const { kind: _kind, ...asked } = question;
    return { kind: 'answer', value: await answer(asked as LookupQuestion) };
  } catch (error) {
    return { kind: 'failed', problem: error instanceof Error ? error.message : String(error), again: true };
  }
}

function tablesOf(plan: PhysicalPlan, given: Readonly<Record<string, readonly object[]>>): ReadonlyMap<string, Table> {
  return new Map(
    plan.tables.map(({ name, key, at, validFor }) => {
      const made = makeFileTable(given[name] as readonly Value[], { key, at, validFor }, '');
      const [issue] = made.issues;
      if (issue !== undefined) throw new MillraceError('MR1001', { path: `row ${issue.row} of table ${name}`, problem: issue.message });
      return [name, made.table];
    }),
  );
}

function opsOf<K extends OpPlan['kind']>(plan: PhysicalPlan, kind: K) {
  return plan.stages.flatMap(({ nodes }) => nodes.filter(({ op }) => op.kind === kind));
}
