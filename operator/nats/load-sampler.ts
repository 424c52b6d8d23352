// Samples the load of a pool of a job's stages: what its workers report, what waits in the streams of its sources, as their leaders say,
// and what other pools have given to its stages.
//
//   L1. What was taken in and what waits belong to one position: their sum never goes back while nothing is removed.
//   L2. Of a source whose backlog cannot be asked for (a file), or a task that nobody reports, the sample says that it is missing.
//   L3. Where a job stood when its workers went is remembered, and read from its journals by an operator that starts anew.
//   L4. What waits for a source is told to whoever only shows it, too; for their sake its stream is asked every BACKLOG_MS at the most.

import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import type { Link } from '../../runtime/adapters/nats/link.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import { pendingFrom } from '../../runtime/connectors/nats/subject-places.ts';
import type { SourcePosition } from '../../runtime/connectors/source.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import { poolOf, stagesOfPool } from '../../runtime/plan/pools.ts';
import { taskName, type PhysicalPlan, type StagePlan } from '../../runtime/plan/physical-plan.ts';
import { shortKey } from '../../runtime/worker/shown-key.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import type { Sample, SourceSample, TaskSample } from '../autoscaler/sample.ts';
import type { LoadAsked } from '../reconcile/nats-side.ts';
import { EdgeCounts } from './edge-counts.ts';
import { stageTimes } from './stage-times.ts';
import type { WorkerReports } from './worker-reports.ts';

export type LoadSamplerParts = {
  readonly link: Link;
  /** To the streams of sources. */
  readonly streams: Link;
  readonly reports: WorkerReports;
  readonly clock: Clock;
};

/** Up to where a source task has taken in its split, with how many events that were. */
type Place = { readonly sequence: number; readonly until: number | null; readonly events: number };
/** The place that was seen first, and the last one: how many events a message has is told by the way between. */
type Known = { readonly first: Place; readonly last: Place };
/** null: unknown. */
type Backlog = { readonly atMs: number; readonly events: number | null };
type Looked = { readonly sample: SourceSample; readonly missing: string | null };
type NatsSpec = { readonly subjects: readonly string[]; readonly stream: string; readonly oneEach: boolean };

/** As often as figures are written to a status. */
const BACKLOG_MS = 10_000;

export class LoadSampler {
  readonly #parts: LoadSamplerParts;
  /** By identity, then task. */
  readonly #known = new Map<string, Map<string, Known>>();
  /** By identity, then stage. */
  readonly #backlogs = new Map<string, Map<string, Backlog>>();
  readonly #edges: EdgeCounts;

  constructor(parts: LoadSamplerParts) {
    this.#parts = parts;
    this.#edges = new EdgeCounts(parts.link);
  }

  /** Rejects when NATS does not answer. */
  async sample(identity: string, plan: PhysicalPlan, { asleep, pool }: LoadAsked): Promise<Sample> {
    const { reports, clock } = this.#parts;
    const all = reports.reports(identity);
    const fresh = asleep ? [] : all.filter((report) => poolOf(report) === pool);
    const figures = reports.tasks(identity);
    const stages = stagesOfPool(plan, pool);
    const ids = new Set(stages.map(({ id }) => id));
    // A task that moves may run on a worker of another pool still.
    const isShown = (one: TaskFigures): boolean => ids.has(one.stage) && figures.get(one.task) === one;
    const tasks = asleep ? [] : all.flatMap(({ worker, tasks: own }) => own.filter(isShown).map((one) => taskSample(worker, one)));
    const sources: SourceSample[] = [];
    const mute = fresh.find((report: Partial<WorkerReport>) => report.time === undefined);
    let missing = asleep ? null : missingTasks(stages, figures);
    if (mute !== undefined) missing ??= `worker ${mute.worker} does not say where its time goes`;
    for (const stage of stages.filter(({ kind }) => kind === 'source')) {
      const source = await this.#source(identity, stage, figures);
      sources.push(source.sample);
      missing ??= source.missing;
    }
    const lags = new Map(asleep ? [] : lagsOf(reports, identity, plan).filter(([stage]) => ids.has(stage)));
    const at = { identity, plan, figures };
    for (const stage of stages) {
      const outside = await this.#edges.into(at, stage, ({ id }) => !ids.has(id));
      if (outside === null) continue;
      sources.push({ stage: stage.id, takenEvents: outside.taken, backlogEvents: outside.waiting });
      const inside = await this.#edges.into(at, stage, ({ id }) => ids.has(id));
      if (inside === null || asleep) lags.delete(stage.id);
      else lags.set(stage.id, inside.waiting);
    }
    return {
      atMs: clock.monotonicMs(),
      workers: fresh.map(({ worker, time }) => ({ id: worker, time })),
      tasks,
      sources,
      lags,
      times: asleep ? [] : stageTimes(plan, stages, figures),
      missing,
    };
  }

  /** L4: by source, events that wait in its stream; null: unknown. */
  async backlogs(identity: string, plan: PhysicalPlan): Promise<ReadonlyMap<string, number | null>> {
    const figures = this.#parts.reports.tasks(identity);
    const nowMs = this.#parts.clock.monotonicMs();
    const told = new Map<string, number | null>();
    for (const stage of plan.stages.filter(({ kind }) => kind === 'source')) {
      const last = this.#backlogs.get(identity)?.get(stage.id);
      const isFresh = last !== undefined && nowMs - last.atMs < BACKLOG_MS;
      told.set(stage.id, isFresh ? last.events : await this.#backlog(identity, stage, figures));
    }
    return told;
  }

  async #backlog(identity: string, stage: StagePlan, figures: ReadonlyMap<string, TaskFigures>): Promise<number | null> {
    try {
      return (await this.#source(identity, stage, figures)).sample.backlogEvents;
    } catch {
      return this.#tell(identity, stage, null); // its stream does not answer; whoever scales by it says so
    }
  }

  forget(identity: string): void {
    this.#known.delete(identity);
    this.#backlogs.delete(identity);
    this.#edges.forget(identity);
  }

  async #source(identity: string, stage: StagePlan, figures: ReadonlyMap<string, TaskFigures>): Promise<Looked> {
    const looked = await this.#look(identity, stage, figures);
    this.#tell(identity, stage, looked.sample.backlogEvents);
    return looked;
  }

  #tell(identity: string, stage: StagePlan, events: number | null): number | null {
    const own = this.#backlogs.get(identity) ?? new Map<string, Backlog>();
    this.#backlogs.set(identity, own.set(stage.id, { atMs: this.#parts.clock.monotonicMs(), events }));
    return events;
  }

  async #look(identity: string, stage: StagePlan, figures: ReadonlyMap<string, TaskFigures>): Promise<Looked> {
    const spec = natsOf(stage);
    let [taken, backlog] = [0, 0];
    for (let partition = 0; partition < stage.partitionCount; partition++) {
      const task = taskName(stage.id, partition);
      const told = figures.get(task);
      if (told?.state === 'done') {
        taken += told.counters.eventsIn;
        continue;
      }
      if ((told as Partial<TaskFigures> | undefined)?.taken === undefined && told?.state === 'running') {
        const missing = `what waits for source ${stage.id} is not known: its worker does not say where it reads`; // older ones
        return { sample: { stage: stage.id, takenEvents: 0, backlogEvents: null }, missing };
      }
      const subject = spec?.subjects[partition];
      if (spec === null || subject === undefined) {
        const missing = `what waits for source ${stage.id} is not known: it reads files`;
        return { sample: { stage: stage.id, takenEvents: 0, backlogEvents: null }, missing };
      }
      const known = await this.#place(identity, stage, { partition, told });
      taken += known.last.events;
      backlog += (await this.#pending(spec.stream, subject, known.last)) * (spec.oneEach ? 1 : eventsEach(known));
    }
    return { sample: { stage: stage.id, takenEvents: taken, backlogEvents: backlog }, missing: null };
  }

  /** L3. */
  async #place(
    identity: string,
    stage: StagePlan,
    { partition, told }: { readonly partition: number; readonly told: TaskFigures | undefined },
  ): Promise<Known> {
    const tasks = this.#known.get(identity) ?? new Map<string, Known>();
    this.#known.set(identity, tasks);
    const task = taskName(stage.id, partition);
    const known = tasks.get(task);
    if (told === undefined && known !== undefined) return known;
    const isPlaced = told !== undefined && told.state === 'running';
    const last = isPlaced ? placeOf(told.taken, told.counters.eventsIn) : (known?.last ?? (await this.#stored(stage, partition)));
    const isOnward = known !== undefined && known.first.sequence <= last.sequence && known.first.events <= last.events;
    const now = { first: isOnward ? known.first : last, last };
    tasks.set(task, now);
    return now;
  }

  async #stored(stage: StagePlan, partition: number): Promise<Place> {
    const record = await new NatsJournal(this.#parts.link).last(stage.stream, `${stage.subjectPrefix}.${partition}`);
    if (record === null) return { sequence: 0, until: null, events: 0 };
    const { source, counters } = decodeHeader(record.bytes);
    return placeOf(source, counters.eventsIn);
  }

  async #pending(stream: string, subject: string, { sequence, until }: Place): Promise<number> {
    const { streams: link } = this.#parts;
    if (until !== null && sequence >= until) return 0;
    const behind = await pendingFrom(link, { stream, subject, fromSequence: sequence + 1 });
    if (until === null || behind === 0) return behind;
    return Math.max(0, behind - (await pendingFrom(link, { stream, subject, fromSequence: until + 1 })));
  }
}

function placeOf(position: SourcePosition | null, events: number): Place {
  const until = position?.['untilSequence'] ?? null;
  return { sequence: Number(position?.['sequence'] ?? 0), until: until === null ? null : Number(until), events };
}

/** Messages of lines hold several events. */
function eventsEach({ first, last }: Known): number {
  const messages = last.sequence - first.sequence;
  return messages > 0 ? Math.max(1, (last.events - first.events) / messages) : 1;
}

/** null: it reads something else. */
function natsOf(stage: StagePlan): NatsSpec | null {
  for (const { op } of stage.nodes) {
    if (op.kind !== 'source' || op.spec.nats?.stream === undefined) continue;
    const { subjects, stream, format } = op.spec.nats;
    return { subjects, stream, oneEach: format === 'json' };
  }
  return null;
}

function taskSample(worker: string, { task, stage, epoch, counters, time, heavyKey }: TaskFigures): TaskSample {
  const { eventsIn, edgesOut } = counters;
  // Workers shorten it themselves, and may say anything all the same.
  const shown = heavyKey === undefined ? undefined : { key: shortKey(heavyKey.key), share: heavyKey.share };
  return { task, stage, worker, epoch, eventsIn, edgesOut, time, heavyKey: shown };
}

/** Older workers do not say all of it. */
function missingTasks(stages: readonly StagePlan[], figures: ReadonlyMap<string, TaskFigures>): string | null {
  const names = stages.flatMap(({ id, partitionCount }) => Array.from({ length: partitionCount }, (_, p) => taskName(id, p)));
  const missing = names.filter((name) => {
    const told: Partial<TaskFigures> = figures.get(name) ?? {};
    return (told.state ?? 'claiming') === 'claiming' || told.time === undefined || told.taken === undefined;
  });
  const [first] = missing;
  return first === undefined ? null : `${missing.length} of ${names.length} tasks report nothing (${first})`;
}

function lagsOf(reports: WorkerReports, identity: string, plan: PhysicalPlan): readonly (readonly [stage: string, events: number])[] {
  const stages = reports.figures(identity, plan)?.progress.stages ?? [];
  return stages.flatMap(({ id, lagEvents }) => (lagEvents === null ? [] : [[id, lagEvents] as const]));
}
