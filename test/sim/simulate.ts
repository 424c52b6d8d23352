// One seed, one run of the job on simulated workers: the real Worker, TaskRunner and TaskCore on the journal in memory,
// with drawn time. The seed decides the input, the faults, and who dies or stands still when.
//
//   U1. The same seed gives the same run.
//   U2. Faults end after a while, so that a run that is right completes; one that does not complete is wrong.
//   U3. Every second worker has no memory for values of state: between steps they are all away.
//   U4. The wall clocks of its workers differ by minutes: nothing exact may come of them.

import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { MemoryBlobStore } from '../../runtime/testing/memory-blob-store.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import type { JournalFaults } from '../../runtime/testing/memory-faults.ts';
import { MemoryJournal } from '../../runtime/testing/memory-journal.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import type { Random } from '../../runtime/base/clock.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { hasStandbys, laneSubjects } from '../../runtime/plan/physical-plan.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { makeTransform } from '../../runtime/transforms/make-transform.ts';
import type { TimeSpent } from '../../runtime/worker/time-ledger.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import type { StageParts } from '../../runtime/worker/worker.ts';
import { Worker } from '../../runtime/worker/worker.ts';
import { memorySink, memorySource } from './memory-connectors.ts';
import type { Target } from './memory-connectors.ts';
import { MemoryService } from './memory-service.ts';
import { MemoryBus, MemoryDirectory } from '../../runtime/testing/memory-directory.ts';
import { NO_MEMORY } from '../../runtime/testing/values-away.ts';
import { Mortal, wallOffsetMs } from './mortal.ts';
import { ConservationWitness } from './seen-journal.ts';
import { foundIn, SIM, simEvents, SPLITS } from './sim-job.ts';
import { stepClock } from './step-clock.ts';
import { valuePlace } from './value-place.ts';
import type { OtherJob, SimResults } from './sim-job.ts';

export type Simulated = {
  readonly found: SimResults;
  readonly expected: SimResults;
  /** Results that were left out or whose place was overwritten by others, dead letters, and what stopped the job. */
  readonly problems: readonly string[];
  readonly counts: {
    readonly kills: number;
    readonly pauses: number;
    /** Workers that were asked to end; partitions that began with a copy that had been followed. */
    readonly drains: number;
    readonly warmStarts: number;
    /** Workers that lived and were taken for gone, or might have been. */
    readonly missed: number;
    readonly faults: number;
    /** Tries to ask the service outside that gave nothing. */
    readonly unanswered: number;
    /** Steps that were seen to end inside of a record. */
    readonly insides: number;
    /** Values of state that could not be read back. */
    readonly unreadable: number;
    readonly virtualMs: number;
    /** Of all workers together, until their last reports. */ readonly blockedMs: number;
  };
  /** What happened, in order. */
  readonly story: readonly string[];
};

const FAULTS: JournalFaults = {
  answerLost: 0.03,
  requestLost: 0.03,
  requestLate: 0.03,
  lateMs: 4_000,
  inFlight: 0.02,
  leaderless: 0.03,
  shortRead: 0.2,
  latencyMs: [0, 20],
};
const WORKERS = 3;
const TROUBLE_UNTIL_MS = 20_000;
/** Of reads of values that are away. */
const UNREADABLE = 0.002;
const TROUBLE_EVERY_MS = 2_500;
/** A worker is asked to end about so often, and someone dies within the other time behind it, as often as not. */
const DRAIN_EVERY_MS = 4_000;
const DEATH_AFTER_DRAIN_MS = 600;
/** With standbys a worker that lives is taken for gone about so often, for up to so long. */
const MISS_EVERY_MS = 4_000;
const MISSED_MS = 1_000;
/** In one run of three images take long, so that owners purge under who follows them. */
const SLOW_BLOBS_MS = [100, 1_200] as const;
const RUN_MAX_MS = 120_000;
const SINK_BUSY = 0.05;
const LOOK_MS = 1_000;
/** Drawn times are no whole numbers: sums of them differ by that. */
const ROUNDING_MS = 1e-6;

export type SimOptions = {
  readonly job?: OtherJob;
  /** What the workers run instead of the real transforms. */
  readonly make?: typeof makeTransform;
  /** 1: each partition with state is followed by another worker. */
  readonly standbyReplicas?: 0 | 1;
};

export async function simulate(seed: number, options: SimOptions = {}): Promise<Simulated> {
  const world = new World(seed, options);
  return world.clock.run(world.play());
}

type Life = { readonly name: string; readonly mortal: Mortal; readonly worker: Worker };

class World {
  readonly clock = new VirtualClock(1_000);
  readonly #random: Random;
  readonly #makeTransform: typeof makeTransform;
  readonly #job: OtherJob;
  readonly #journal: MemoryJournal;
  readonly #blobs: MemoryBlobStore;
  readonly #directory = new MemoryDirectory();
  readonly #bus = new MemoryBus();
  readonly #events: ReturnType<typeof simEvents>;
  readonly #plan: PhysicalPlan;
  readonly #targets = new Map<string, Target>();
  readonly #lives: Life[] = [];
  readonly #workers: Worker[] = [];
  /** For what came later into the simulation: draws of its own leave the stories of seeds as they were. */
  readonly #moves: Random;
  readonly #misses: Random;
  readonly #steps: Random;
  readonly #reads: Random;
  readonly #clocks: Random;
  readonly #service: MemoryService;
  readonly #story: string[] = [];
  readonly #problems: string[] = [];
  /** By worker, and by worker, task and epoch. */
  readonly #times = new Map<string, TimeSpent>();
  readonly #conservation = new ConservationWitness({ isRestored: false });
  #born = 0;
  #kills = 0;
  #pauses = 0;
  #drains = 0;
  #missed = 0;
  #unreadable = 0;

  constructor(seed: number, { make = makeTransform, standbyReplicas = 0, job: other = SIM }: SimOptions) {
    this.#job = other;
    this.#makeTransform = make;
    this.#random = seededRandom(seed);
    this.#moves = seededRandom(seed + 1_000_003);
    this.#misses = seededRandom(seed + 2_000_003);
    this.#steps = seededRandom(seed + 3_000_003);
    this.#reads = seededRandom(seed + 5_000_003);
    this.#clocks = seededRandom(seed + 6_000_003);
    this.#service = new MemoryService(this.clock, seededRandom(seed + 4_000_003));
    this.#events = simEvents(this.#random);
    this.#journal = new MemoryJournal({ clock: this.clock, random: this.#random, faults: FAULTS });
    const latencyMs = seed % 3 === 0 ? SLOW_BLOBS_MS : FAULTS.latencyMs;
    this.#blobs = new MemoryBlobStore({ clock: this.clock, random: this.#random, latencyMs }, { chunkBytes: 700 });
    const { spec, ...job } = readStreamJob(this.#job.text, { file: 'sim.yaml', parameters: {} });
    this.#plan = { ...planJob({ ...job, spec: { ...spec, standbyReplicas } }, { rows: SPLITS }), state: NO_MEMORY };
  }

  async play(): Promise<Simulated> {
    for (const stream of this.#plan.streams)
      await this.#journal.ensureLane({ stream, subjects: laneSubjects(this.#plan, stream), bytesMax: -1 });
    let isOver = false;
    const over = new Promise<void>((resolve) => {
      void this.#directory.watch((key, entry) => {
        if (entry === null || (key !== 'completed' && key !== 'failure')) return;
        if (key === 'failure') this.#problems.push(`the job failed: ${JSON.stringify(entry.value)}`);
        isOver = true;
        resolve();
      });
    });
    this.#bus.subscribe('report', (value) => this.#checkTime(value as WorkerReport));
    for (let place = 0; place < WORKERS; place++) this.#bear(place);
    void this.#trouble(() => isOver);
    void this.#drainSome(() => isOver);
    if (hasStandbys(this.#plan)) void this.#missSome(() => isOver);
    void this.#witness(() => isOver);
    await Promise.race([over, this.clock.sleep(RUN_MAX_MS)]);
    if (!isOver) this.#problems.push(`not complete after ${RUN_MAX_MS} ms`);
    for (const { mortal } of this.#lives) mortal.kill();
    return this.#result();
  }

  /** Starts a worker in that place, with a life of its own. */
  #bear(place: number): void {
    const worker = `w${place}-${this.#born++}`;
    const life = new Mortal(this.clock, wallOffsetMs(this.#clocks));
    this.#tell(`${worker} starts`);
    const clock = life.clock();
    const outside = new Map(this.#plan.stages.map((stage) => [stage.id, this.#service.outsideOf(stage, life)]));
    const started = new Worker({
      plan: this.#plan,
      journal: life.journal(this.#journal),
      blobs: life.blobs(this.#blobs),
      clock,
      directory: life.directory(this.#directory),
      bus: life.bus(this.#bus),
      worker,
      makeTransform: this.#makeTransform,
      table: (name) => {
        throw new Error(`the simulated job has no table ${name}`);
      },
      tableVersions: {},
      stageParts: (stage) => ({ ...this.#stageParts(stage, life), outside: outside.get(stage.id)!, stepClock: stepClock(this.#steps) }),
      recordBytesMax: 1_000_000,
      checkpointBytes: 2_000,
      speed: null,
      expectedWorkers: WORKERS,
      failpoint: () => undefined,
      usage: () => ({ memoryBytes: 0, cpuMs: 0, loopBusyMs: 0 }),
      log: (message) => this.#tell(`${worker}: ${message}`),
      ...valuePlace(this.#born, () => this.#isUnreadable()),
    });
    this.#lives[place] = { name: worker, mortal: life, worker: started };
    this.#workers.push(started);
    started.start().catch((error: unknown) => this.#problems.push(`${worker} did not start: ${String(error)}`));
  }

  #stageParts(stage: StagePlan, life: Mortal): StageParts {
    if (stage.kind === 'source') return { source: memorySource(this.#events, life.clock(), this.#random), sink: null };
    if (stage.kind !== 'sink') return { source: null, sink: null };
    const target = this.#targets.get(stage.id) ?? [];
    this.#targets.set(stage.id, target);
    const through = <T>(ask: () => Promise<T>): Promise<T> => life.through(ask);
    return { source: null, sink: memorySink(target, { random: this.#random, busy: SINK_BUSY, through }) };
  }

  /** A disk that does not give back what was put on it: its task begins anew. */
  #isUnreadable(): boolean {
    const isSo = this.clock.nowMs() < TROUBLE_UNTIL_MS && this.#reads.next() < UNREADABLE;
    if (isSo) this.#unreadable++;
    return isSo;
  }

  async #trouble(isOver: () => boolean): Promise<void> {
    while (!isOver() && this.clock.nowMs() < TROUBLE_UNTIL_MS) {
      await this.clock.sleep(this.#random.next() * TROUBLE_EVERY_MS);
      if (isOver()) return;
      const place = Math.floor(this.#random.next() * WORKERS);
      const draw = this.#random.next();
      if (draw < 0.45) void this.#kill(place);
      else if (draw < 0.8) this.#suspend(place, 500 + this.#random.next() * 5_000);
      else if (draw < 0.9) this.#journal.leaderAbsent(this.#random.next() * 3_000);
      else this.#journal.disconnect();
    }
    this.#journal.setFaults(NO_FAULTS);
    this.#service.heal();
  }

  async #witness(isOver: () => boolean): Promise<void> {
    const witness = this.#conservation;
    while (!isOver()) {
      await this.clock.sleep(LOOK_MS);
      this.#problems.push(...witness.look(this.#journal, this.#plan));
    }
  }

  async #kill(place: number): Promise<void> {
    const life = this.#lives[place]?.mortal;
    if (life === undefined || life.isDead) return;
    life.kill();
    this.#kills++;
    this.#tell(`the worker in place ${place} dies`);
    await this.clock.sleep(this.#random.next() * 3_000);
    this.#bear(place);
  }

  /** Workers go as pods do that are scaled in, or replaced; in the middle of it somebody dies. */
  async #drainSome(isOver: () => boolean): Promise<void> {
    while (!isOver() && this.clock.nowMs() < TROUBLE_UNTIL_MS) {
      await this.clock.sleep(this.#moves.next() * DRAIN_EVERY_MS);
      const place = Math.floor(this.#moves.next() * WORKERS);
      const life = this.#lives[place];
      if (isOver()) return;
      if (life === undefined || life.mortal.isDead) continue;
      this.#drains++;
      this.#tell(`the worker in place ${place} is asked to end`);
      void life.worker.drain().then(() => {
        if (this.#lives[place] !== life || life.mortal.isDead) return;
        life.mortal.kill();
        this.#bear(place);
      });
      if (this.#moves.next() < 0.5) continue;
      await this.clock.sleep(this.#moves.next() * DEATH_AFTER_DRAIN_MS);
      if (!isOver()) void this.#kill(Math.floor(this.#moves.next() * WORKERS));
    }
  }

  /** The server says for a while that nobody is behind a name. */
  async #missSome(isOver: () => boolean): Promise<void> {
    while (!isOver() && this.clock.nowMs() < TROUBLE_UNTIL_MS) {
      await this.clock.sleep(this.#misses.next() * MISS_EVERY_MS);
      const worker = this.#lives[Math.floor(this.#misses.next() * WORKERS)]?.name ?? '';
      this.#tell(`${worker} is not heard of`);
      this.#missed++;
      this.#bus.unheard.add(`alive.${worker}`);
      await this.clock.sleep(this.#misses.next() * MISSED_MS);
      this.#bus.unheard.delete(`alive.${worker}`);
    }
  }

  /** Where a worker's and a task's time went never goes back. */
  #checkTime({ worker, time, tasks }: WorkerReport): void {
    const running = tasks.filter(({ state }) => state === 'running');
    const told = [[worker, time] as const, ...running.map((task) => [`${worker} ${task.task} ${task.epoch}`, task.time] as const)];
    for (const [who, spent] of told) {
      const before = this.#times.get(who);
      const isBack =
        before !== undefined && (['busyMs', 'blockedMs', 'idleMs'] as const).some((kind) => spent[kind] < before[kind] - ROUNDING_MS);
      if (isBack) this.#problems.push(`${who}: ${JSON.stringify(spent)} after ${JSON.stringify(before)}`);
      this.#times.set(who, spent);
    }
  }

  #suspend(place: number, durationMs: number): void {
    this.#lives[place]?.mortal.suspend(durationMs);
    this.#pauses++;
    this.#tell(`the worker in place ${place} stands still for ${Math.round(durationMs)} ms`);
  }

  #tell(what: string): void {
    this.#story.push(`${Math.round(this.clock.nowMs())} ms  ${what}`);
  }

  #result(): Simulated {
    for (const [id, target] of this.#targets) {
      const holes = Array.from(target).filter((text) => text === undefined).length;
      if (holes > 0) this.#problems.push(`${id} has ${holes} holes`);
      if (id.startsWith('dead-letters') && target.length > 0) this.#problems.push(`${id}: ${target[0]}`);
    }
    const faults = Object.values(this.#journal.counts).reduce((sum, count) => sum + count, 0);
    const blockedMs = [...this.#times].reduce((sum, [who, time]) => sum + (who.includes(' ') ? 0 : time.blockedMs), 0);
    return {
      found: foundIn(this.#targets, this.#job),
      expected: this.#job.slow(this.#events),
      problems: this.#problems,
      counts: {
        kills: this.#kills,
        pauses: this.#pauses,
        drains: this.#drains,
        warmStarts: this.#warmStarts(),
        missed: this.#missed,
        faults,
        unanswered: this.#service.unanswered,
        insides: this.#conservation.insides.size,
        unreadable: this.#unreadable,
        virtualMs: this.clock.nowMs(),
        blockedMs,
      },
      story: this.#story,
    };
  }

  #warmStarts(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.measures().stages.reduce((all, { meter }) => all + meter.warmStarts, 0), 0);
  }
}
