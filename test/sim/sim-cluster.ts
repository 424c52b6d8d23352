// One job on simulated workers that learn of revisions as pods do: from the directory, each after its own time.
//
// The real Worker, TaskRunner and TaskCore on the journal in memory, with drawn time. Several jobs may share a world: its clock,
// its journal, what their sinks have written. The wall clocks of the workers differ by minutes.

import type { Clock, Random } from '../../runtime/base/clock.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { RecordHeader } from '../../runtime/journal/record.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import { redriveStream } from '../../runtime/plan/plan-names.ts';
import { MemoryBlobStore } from '../../runtime/testing/memory-blob-store.ts';
import { NO_FAULTS, type JournalFaults } from '../../runtime/testing/memory-faults.ts';
import { MemoryJournal } from '../../runtime/testing/memory-journal.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { makeTransform } from '../../runtime/transforms/make-transform.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import type { StageParts, WorkerRevision } from '../../runtime/worker/worker.ts';
import { Worker } from '../../runtime/worker/worker.ts';
import { memorySink, memorySource } from './memory-connectors.ts';
import type { Target } from './memory-connectors.ts';
import { MemoryService } from './memory-service.ts';
import { MemoryBus, MemoryDirectory } from '../../runtime/testing/memory-directory.ts';
import { NO_MEMORY } from '../../runtime/testing/values-away.ts';
import { Mortal, wallOffsetMs } from './mortal.ts';
import { stepClock } from './step-clock.ts';
import { valuePlace } from './value-place.ts';
import type { SimEvent } from './sim-job.ts';

/** What the workers are told, as far as they need it here. */
type Told = { readonly revision: number; readonly plan: PhysicalPlan; readonly restore: string | null };
type Life = { readonly mortal: Mortal; readonly worker: Worker };

const SINK_BUSY = 0.05;

export class SimWorld {
  readonly clock = new VirtualClock(1_000);
  readonly random: Random;
  /** How long steps take. */
  readonly steps: Random;
  /** How far the wall clocks of workers are off. */
  readonly clocks: Random;
  readonly journal: MemoryJournal;
  /** What lookups ask. */
  readonly service: MemoryService;
  readonly problems: string[] = [];
  readonly story: string[] = [];
  /** By the name of a sink. */
  readonly targets = new Map<string, Target>();
  /** Of a source, by split. */
  readonly events: readonly (readonly SimEvent[])[];
  /** Sources do not end. */
  isOpen = false;
  /** Of a partition; absent: as many as outside of simulations. */
  heldWhilePausedMax: number | undefined;
  /** Of each revision: how many workers beside the owner follow a partition. */
  standbysOf: (revision: number) => 0 | 1 = () => 0;

  constructor(seed: number, faults: JournalFaults, events: (random: Random) => readonly (readonly SimEvent[])[]) {
    this.random = seededRandom(seed);
    this.steps = seededRandom(seed + 3_000_003);
    this.clocks = seededRandom(seed + 6_000_003);
    this.events = events(this.random);
    this.journal = new MemoryJournal({ clock: this.clock, random: this.random, faults });
    this.service = new MemoryService(this.clock, seededRandom(seed + 4_000_003));
  }

  /** From here on the world does what is asked of it. */
  heal(): void {
    this.journal.setFaults(NO_FAULTS);
    this.service.heal();
  }

  tell(what: string): void {
    this.story.push(`${Math.round(this.clock.nowMs())} ms  ${what}`);
  }

  /** What a sink has written, in order; holes are problems. */
  lines<T>(sink: string): readonly T[] {
    const target = this.targets.get(sink) ?? [];
    const holes = Array.from(target).filter((text) => text === undefined).length;
    if (holes > 0) this.problems.push(`${sink} has ${holes} holes`);
    return Array.from(target).flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as T]));
  }
}

type SimClusterOptions = { readonly lagMs: number; readonly withRedrives?: boolean; readonly pools?: readonly string[] };

const DRAIN_MAX_MS = 30_000;
const BLOB_LATENCY_MS = [0, 20] as const;

export class SimCluster {
  readonly directory = new MemoryDirectory();
  readonly blobs: MemoryBlobStore;
  readonly bus = new MemoryBus();
  /** Newest figures of each task. */
  readonly figures = new Map<string, TaskFigures>();
  readonly #world: SimWorld;
  readonly #lagMs: number;
  readonly #withRedrives: boolean;
  readonly #pools: readonly (string | undefined)[];
  readonly #lives: Life[] = [];
  #told: Told | null = null;
  /** By revision: a plan may hold functions, which workers of a real job load from its module. */
  readonly #plans = new Map<number, PhysicalPlan>();
  #born = 0;
  kills = 0;

  /** `lagMs`: a worker takes a new revision after up to this. `withRedrives`: workers look for dead letters that are put in again.
   *  `pools`: of the worker in each place; absent: all run everything. */
  constructor(world: SimWorld, { lagMs, withRedrives = false, pools = [] }: SimClusterOptions) {
    this.#world = world;
    this.blobs = new MemoryBlobStore({ clock: world.clock, random: world.random, latencyMs: BLOB_LATENCY_MS }, { chunkBytes: 700 });
    this.#lagMs = lagMs;
    this.#withRedrives = withRedrives;
    this.#pools = pools;
    this.bus.subscribe('report', (value) => this.#hear(value as WorkerReport));
  }

  /** As who runs the job does it: streams first, then the record. */
  async declare(revision: number, plan: PhysicalPlan, restore: string | null = null): Promise<void> {
    this.#world.tell(`revision ${revision} of ${plan.job}: ${plan.stages.map(({ id }) => id).join(' ')}`);
    for (const stream of [...plan.streams, redriveStream(plan.job)])
      await this.#world.journal.ensureLane({ stream, subjects: [`mr.${plan.job}.>`], bytesMax: -1 });
    this.#told = { revision, plan, restore };
    this.#plans.set(revision, plan);
    await this.directory.put('job', { revision, restore });
  }

  start(workers: number): void {
    for (let place = 0; place < workers; place++) void this.#bear(place, workers);
  }

  /** Resolves when the directory says so, true; or after `limitMs`, false. */
  async until(key: 'completed' | 'failure', holds: (value: unknown) => boolean, limitMs: number): Promise<boolean> {
    const { clock } = this.#world;
    for (const endMs = clock.nowMs() + limitMs; clock.nowMs() < endMs;) {
      const entry = await this.directory.get(key);
      if (entry !== null && holds(entry.value)) return true;
      await clock.sleep(50);
    }
    return false;
  }

  async kill(place: number, downMs: number): Promise<void> {
    const life = this.#lives[place];
    if (life === undefined || life.mortal.isDead) return;
    life.mortal.kill();
    this.kills++;
    this.#world.tell(`the worker in place ${place} dies`);
    await this.#world.clock.sleep(downMs);
    await this.#bear(place, this.#lives.length);
  }

  suspend(place: number, durationMs: number): void {
    this.#lives[place]?.mortal.suspend(durationMs);
    this.#world.tell(`the worker in place ${place} stands still for ${Math.round(durationMs)} ms`);
  }

  stop(): void {
    for (const { mortal } of this.#lives) mortal.kill();
  }

  /** A worker that dies while it is asked to end never does. */
  async drain(): Promise<void> {
    const ended = Promise.all(this.#lives.filter(({ mortal }) => !mortal.isDead).map(({ worker }) => worker.drain()));
    await Promise.race([ended, this.#world.clock.sleep(DRAIN_MAX_MS)]);
  }

  /** Header of each task's last record, by its name. */
  async lastHeaders(plan: PhysicalPlan): Promise<Readonly<Record<string, RecordHeader>>> {
    const headers: Record<string, RecordHeader> = {};
    for (const { id, stream, subjectPrefix, partitionCount } of plan.stages) {
      for (let partition = 0; partition < partitionCount; partition++) {
        const last = await this.#world.journal.last(stream, `${subjectPrefix}.${partition}`);
        if (last !== null) headers[`${id}/${partition}`] = decodeHeader(last.bytes);
      }
    }
    return headers;
  }

  async #bear(place: number, workers: number): Promise<void> {
    const { clock: worldClock, journal } = this.#world;
    const id = `w${place}-${this.#born++}`;
    const mortal = new Mortal(worldClock, wallOffsetMs(this.#world.clocks));
    const clock = mortal.clock();
    const told = this.#told;
    if (told === null) throw new Error('a job is declared before its workers start');
    const worker = new Worker({
      ...this.#partsOf(told, mortal, clock),
      journal: mortal.journal(journal),
      blobs: mortal.blobs(this.blobs),
      clock,
      directory: mortal.directory(this.directory),
      bus: mortal.bus(this.bus),
      worker: id,
      pool: this.#pools[place],
      recordBytesMax: 1_000_000,
      checkpointBytes: 2_000,
      speed: null,
      expectedWorkers: workers,
      restore: told.restore,
      ...(this.#withRedrives ? { redriveStream: redriveStream(told.plan.job) } : {}),
      stayWhenSettled: true,
      failpoint: () => undefined,
      usage: () => ({ memoryBytes: 0, cpuMs: 0, loopBusyMs: 0 }),
      log: (message) => this.#world.tell(`${id}: ${message}`),
      ...valuePlace(this.#born),
    });
    this.#lives[place] = { mortal, worker };
    this.#world.tell(`${id} starts with revision ${told.revision}`);
    try {
      await mortal.directory(this.directory).watch((key, entry) => {
        if (key !== 'job' || entry === null) return;
        const next = entry.value as Omit<Told, 'plan'>;
        void this.#take({ ...next, plan: this.#plans.get(next.revision) as PhysicalPlan }, mortal, clock, worker);
      });
      await worker.start();
    } catch (error) {
      this.#world.problems.push(`${id} did not start: ${String(error)}`);
    }
  }

  async #take(told: Told, mortal: Mortal, clock: Clock, worker: Worker): Promise<void> {
    await clock.sleep(this.#world.random.next() * this.#lagMs);
    worker.update(this.#partsOf(told, mortal, clock));
  }

  #partsOf({ revision, plan }: Told, mortal: Mortal, clock: Clock): WorkerRevision {
    const standbyReplicas = this.#world.standbysOf(revision);
    const outside = new Map(plan.stages.map((stage) => [stage.id, this.#world.service.outsideOf(stage, mortal)]));
    return {
      revision,
      plan: { ...plan, standbyReplicas, state: NO_MEMORY }, // every second worker has no memory for values
      makeTransform,
      table: (name) => {
        throw new Error(`the simulated job has no table ${name}`);
      },
      tableVersions: {},
      stageParts: (stage) => ({
        ...this.#stageParts(stage, mortal, clock),
        outside: outside.get(stage.id)!,
        stepClock: stepClock(this.#world.steps),
        heldWhilePausedMax: this.#world.heldWhilePausedMax,
      }),
    };
  }

  #stageParts(stage: StagePlan, mortal: Mortal, clock: Clock): StageParts {
    const { random, events, targets } = this.#world;
    if (stage.kind === 'source') return { source: memorySource(events, clock, random, () => this.#world.isOpen), sink: null };
    if (stage.kind !== 'sink') return { source: null, sink: null };
    const target = targets.get(stage.id) ?? [];
    targets.set(stage.id, target);
    const through = <T>(ask: () => Promise<T>): Promise<T> => mortal.through(ask);
    return { source: null, sink: memorySink(target, { random, busy: SINK_BUSY, through }) };
  }

  #hear({ tasks }: WorkerReport): void {
    for (const task of tasks) {
      const known = this.figures.get(task.task);
      if (known === undefined || task.epoch > known.epoch || (task.epoch === known.epoch && task.number >= known.number))
        this.figures.set(task.task, task);
    }
  }
}
