// One worker: runs the tasks that are assigned to it, tells what they do, and purges behind them.
//
//   K1. A task is begun when it is assigned here and no living worker says that it still runs it (or that took too long).
//   K2. A task that is assigned elsewhere is drained when its new owner has warmed up (hand-over.ts): its commit in flight is stored,
//       then it is given up, at once told.
//   K3. A task that was fenced begins again only if it is still assigned here, after a pause.
//       So does one whose spilled state cannot be read back.
//   K4. A stop-job error of one task stops the job: it is told to everybody, nothing more is committed here.
//   K5. Another revision of the job is taken in place: tasks of stages that are the same go on untouched, the others are drained
//       and begun anew with the new plan; what happens to a task of the plan before is its own end and stops nothing.
//   K6. Asked to end it takes less than DRAIN_MAX_MS: what has not ended by then is left. The fence makes that safe. While others
//       are there to take its tasks, they go as in K2, for DRAIN_HANDOVER_MS.

import { MillraceError, isError } from '../base/errors.ts';
import { ValueMemory, type ValuePlace } from '../state/value-memory.ts';
import { hasStandbys, taskName, type StagePlan } from '../plan/physical-plan.ts';
import { Alignment, TELL_MS } from './alignment.ts';
import { answerTo, answerTopic, askIn } from './ask.ts';
import { ReportPace } from './report-pace.ts';
import { tasksFor } from './assignment.ts';
import type { Bus, Directory } from './directory.ts';
import { judgeHealth } from './health.ts';
import type { Health, TaskHealth } from './health.ts';
import { FollowedSet } from './followed-set.ts';
import { LaneFeed } from './lane-feed.ts';
import { Membership, type WorkerPlace } from './membership.ts';
import { mergeNodeFigures } from '../task/node-figures.ts';
import type { NodeFigures } from '../task/node-figures.ts';
import { slowestReader } from './purging.ts';
import { RedriveFeed } from './redrive-feed.ts';
import { SavepointSide } from './savepoint-side.ts';
import type { Stands } from './savepoint-side.ts';
import { TaskRunner } from './task-runner.ts';
import { goingOn } from './going-on.ts';
import { HeardTasks } from './heard-tasks.ts';
import { HandOver } from './hand-over.ts';
import type { StandbyFigures } from './hand-over.ts';
import { closeTracer } from '../telemetry/close-tracer.ts';
import { Turns } from './turns.ts';
import { within } from './within.ts';
import type { TaskFigures } from './task-figures.ts';
import type { TaskRunnerParts } from './task-runner-parts.ts';
import { NO_TIME, workerTime } from './time-ledger.ts';
import { WorkerMeters } from './worker-meters.ts';
import type { WorkerMeasures } from './worker-meters.ts';
import type { WorkerReport } from './worker-report.ts';
import type { WorkerTime } from './time-ledger.ts';

const REPORT_MS = 250;
const PURGE_MS = 2_000;
const SAVEPOINT_MS = 100;
const FENCED_PAUSE_MS = 500;
/** Pods are given more; others wait for what this one holds. */
const DRAIN_MAX_MS = 3_000;
/** Of that, for others to warm up for what runs here. What has not been taken by then is given up. */
const DRAIN_HANDOVER_MS = 2_000;
/** To tell the others that this one goes. A directory that takes longer is away, and nobody would come. */
const DRAIN_TELL_MS = 500;
/** From when it is asked to end until it has ended: what the rest leaves of this is for the last spans. Pods are given a little more. */
const END_MAX_MS = 4_300;
/** For goodbyes that nobody may answer. */
const GOODBYE_MAX_MS = 750;

/** Parts of a task that differ by stage: made by the composition root. */
export type StageParts = Pick<TaskRunnerParts, 'source' | 'sink' | 'outside' | 'stepClock' | 'heldWhilePausedMax'>;

/** All that changes with a revision of the job. */
export type WorkerRevision = Pick<TaskRunnerParts, 'plan' | 'makeTransform' | 'table' | 'tableVersions'> & {
  readonly revision: number;
  /** Connectors of the stages: at least of those that changed. */
  readonly stageParts: (stage: StagePlan) => StageParts;
};

type OfTask = 'warm' | 'stage' | 'partition' | 'source' | 'sink' | 'outside' | 'stepClock' | 'heldWhilePausedMax' | 'savedPart';
type FromWorker = OfTask | 'alignment' | 'memory' | 'meter' | 'followed' | 'feed' | 'redrives' | 'onTrouble' | 'turns' | 'revision';

export type WorkerParts = Omit<TaskRunnerParts, FromWorker> &
  WorkerPlace &
  ValuePlace &
  Omit<WorkerRevision, 'revision'> & {
    /** 1 when absent. */
    readonly revision?: number;
    readonly directory: Directory;
    readonly bus: Bus;
    readonly expectedWorkers: number;
    /** Stream with what was decided about dead letters (journal/redrive-entry.ts); absent: none are put in again. */
    readonly redriveStream?: string;
    /** Id of the savepoint that tasks without records begin with; its blobs lie in `blobs`. */
    readonly restore?: string | null;
    /** What it may take to end, ms, the last spans included; 4,300 when absent. */
    readonly endMaxMs?: number;
    /** How often it reports; 250 ms when absent. */
    readonly reportMs?: number;
    /** true: it stays, idle, when the job has ended or failed, until another revision comes or it is drained. */
    readonly stayWhenSettled?: boolean;
    readonly usage: () => { readonly memoryBytes: number; readonly cpuMs: number; readonly loopBusyMs: number };
  };

/** `replaced`: another revision has other work for the task; its end says nothing. */
type Running = { readonly runner: TaskRunner; readonly ended: Promise<void>; replaced: boolean };
/** A task that has ended, as it is shown and kept. */
type Ended = { readonly figures: TaskFigures; readonly nodes: NodeFigures; readonly stands: Stands };

export class Worker {
  readonly #parts: WorkerParts;
  #now: WorkerRevision;
  readonly #savepoints: SavepointSide;
  #hasStarted = false;
  #turnedMs: number;
  #time: WorkerTime;
  readonly #membership: Membership;
  readonly #alignment: Alignment;
  readonly #turns: Turns;
  readonly #running = new Map<string, Running>();
  readonly #done = new Map<string, Ended>();
  readonly #feeds = new Map<string, LaneFeed>();
  readonly #handOver: HandOver;
  readonly #memory: ValueMemory | null;
  readonly #pausedUntilMs = new Map<string, number>();
  readonly #heard = new HeardTasks();
  readonly #meters = new WorkerMeters();
  readonly #redrives: RedriveFeed | null;
  readonly #troubles = new Map<string, number>();
  readonly #abort = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #unsubscribe: (() => void)[] = [];
  #draining = false;
  #hasStandbys: boolean | null = null;
  readonly #followed = new FollowedSet();
  #settle: (() => void) | null = null;
  /** Resolves when the job is completed or failed, or this worker was drained. */
  readonly settled: Promise<void>;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#now = { ...parts, revision: parts.revision ?? 1 };
    this.#turns = new Turns(parts.clock);
    this.#alignment = new Alignment(parts);
    this.#alignment.update(parts.plan);
    const { blobs, directory, restore = null } = parts;
    this.#savepoints = new SavepointSide({ blobs, directory, turns: this.#turns, restore });
    this.#turnedMs = parts.clock.monotonicMs();
    this.#time = { atMs: this.#turnedMs, spent: NO_TIME, loopBusyMs: parts.usage().loopBusyMs, blockedMs: new Map() };
    this.#memory = ValueMemory.of(parts.plan.state, parts, (error) => this.#trouble(error));
    this.#handOver = new HandOver({
      memory: this.#memory,
      journal: parts.journal,
      blobs: parts.blobs,
      clock: parts.clock,
      turns: this.#turns,
      peer: (worker) => this.#membership.peer(worker),
      onChange: () => this.#beat(),
      onTrouble: (error) => this.#trouble(error),
    });
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    this.#redrives = RedriveFeed.of(parts, this.#abort.signal, (error) => this.#trouble(error));
    this.#membership = new Membership({
      worker: parts.worker,
      place: parts,
      tasks: tasksFor(parts.plan, parts.pool),
      revision: this.#now.revision,
      expectedWorkers: parts.expectedWorkers,
      directory: parts.directory,
      bus: parts.bus,
      clock: parts.clock,
      holds: () => ({
        owned: [...this.#running.keys()],
        done: [...this.#done.keys()],
        draining: this.#draining,
        warm: this.#handOver.warm,
      }),
      onChange: () => this.#reconcile(),
      onTrouble: (error) => this.#trouble(error),
    });
  }

  async start(): Promise<void> {
    const { bus, clock } = this.#parts;
    const pace = new ReportPace(clock, this.#parts.reportMs ?? REPORT_MS);
    this.#unsubscribe.push(
      bus.subscribe('report', (value) => this.#heard.hear(value as WorkerReport)),
      bus.subscribe('ask', (value) => this.#asked(value)),
      pace.listen(bus),
      this.#alignment.listen(),
    );
    await this.#membership.start();
    this.#loops.push(
      this.#every(pace.nextMs, () => this.#report()),
      this.#every(TELL_MS, () => this.#alignment.tell()),
      this.#every(PURGE_MS, () => this.#purge()),
      this.#every(SAVEPOINT_MS, () => this.#savepoint()),
      ...(this.#redrives === null ? [] : [this.#redrives.run()]),
    );
  }

  /** Takes another revision of the job in place (K5). Older ones and the one that runs change nothing. */
  update(next: WorkerRevision): void {
    if (next.revision <= this.#now.revision || this.#draining) return;
    const before = this.#now;
    const same = goingOn(before, next);
    this.#now = next;
    this.#alignment.update(next.plan);
    this.#memory?.bind(next.plan.state);
    for (const running of this.#running.values()) {
      if (same.has(running.runner.stage.id) && running.runner.standsStill === null) continue;
      running.replaced = true;
      running.runner.drain();
    }
    for (const [name, { figures }] of this.#done) if (!same.has(figures.stage)) this.#done.delete(name);
    for (const [stream, feed] of this.#feeds) {
      if (next.plan.streams.includes(stream)) continue;
      this.#feeds.delete(stream);
      feed.close().catch((error: unknown) => this.#trouble(error));
    }
    this.#pausedUntilMs.clear();
    this.#handOver.keepStages(same);
    this.#membership.update(tasksFor(next.plan, this.#parts.pool), next.revision);
    this.#parts.log(`revision ${next.revision}: ${same.size} stages go on untouched, the others begin anew`);
    this.#beat();
    this.#reconcile();
  }

  #beat(): void {
    this.#membership.beat().catch((error: unknown) => this.#trouble(error));
  }

  /** For probes: see health.ts. */
  health(): Health {
    const { failure, completed, beatenMs, isAssigned } = this.#membership;
    const health = judgeHealth({
      nowMs: this.#parts.clock.monotonicMs(),
      hasStarted: this.#hasStarted,
      isAssigned,
      isDraining: this.#draining,
      failure: failure?.message ?? null,
      completed,
      tasks: this.#assignedTasks(),
      beatenMs,
      turnedMs: this.#turnedMs,
    });
    this.#hasStarted = health.started;
    return health;
  }

  #assignedTasks(): readonly TaskHealth[] {
    return Object.entries(this.#membership.assignment).flatMap(([name, owner]) => {
      if (owner !== this.#parts.worker) return [];
      const runner = this.#running.get(name)?.runner;
      return [{ name, isRunning: this.#done.has(name) || (runner !== undefined && runner.core !== null), silentMs: runner?.silentMs ?? 0 }];
    });
  }

  /** Stores what is in flight, gives everything up, says goodbye (K6). */
  async drain(): Promise<void> {
    if (this.#draining) return this.settled;
    this.#draining = true;
    const { clock } = this.#parts;
    this.#handOver.close();
    const beganMs = clock.monotonicMs();
    // The others learn at once that this one goes, and plan who takes what.
    let isTold = false;
    const told = this.#membership.beat().then(() => (isTold = true));
    told.catch((error: unknown) => this.#trouble(error));
    if (this.#membership.hasSuccessor) await within(clock, DRAIN_TELL_MS, told).catch(() => undefined);
    this.#leave();
    const ended = Promise.all([...this.#running.values()].map((running) => running.ended));
    if (isTold) await within(clock, DRAIN_HANDOVER_MS, ended);
    for (const { runner } of this.#running.values()) runner.drain();
    await within(clock, DRAIN_MAX_MS - (clock.monotonicMs() - beganMs), ended);
    for (const { runner } of this.#running.values()) runner.abort();
    await this.#end(beganMs);
  }

  async #end(beganMs: number): Promise<void> {
    const { clock, tracing, endMaxMs = END_MAX_MS, log } = this.#parts;
    this.#report();
    this.#abort.abort();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await within(clock, GOODBYE_MAX_MS, this.#membership.stop());
    const closing = [...this.#feeds.values()].map((feed) => feed.close());
    await within(clock, GOODBYE_MAX_MS, Promise.all([...closing, ...this.#loops]));
    if (tracing) await closeTracer(tracing.tracer, Math.max(0, endMaxMs - (clock.monotonicMs() - beganMs)), log);
    this.#settle?.();
  }

  /** Gives up what others have warmed up for, and all of it when nobody will (K2, K6). */
  #leave(): void {
    const { assignment, failure, hasSuccessor } = this.#membership;
    const isAlone = this.#draining && (!hasSuccessor || failure !== null);
    for (const [name, { runner }] of this.#running) {
      const owner = assignment[name];
      if (owner === this.#parts.worker && !isAlone) continue;
      if (isAlone || runner.core === null || this.#handOver.mayLeave(runner.stage, name, owner)) runner.drain();
    }
  }

  #reconcile(): void {
    if (this.#draining) return this.#leave();
    const { failure, completed, assignment, standbys, pause, isBehind } = this.#membership;
    this.#followed.look(this.#membership.followed, this.#parts.clock);
    const stays = this.#parts.stayWhenSettled === true;
    if (failure !== null) {
      this.#handOver.close();
      for (const { runner } of this.#running.values()) runner.drain();
      if (!stays) this.#settle?.();
      return;
    }
    if (completed && !stays) this.#settle?.();
    this.#leave();
    for (const { runner } of this.#running.values()) runner.pause(pause?.id ?? null);
    const isMine = (task: string): boolean => assignment[task] === this.#parts.worker;
    const comes = (task: string): boolean => isMine(task) || (standbys[task] === this.#parts.worker && !completed);
    this.#handOver.keepOnly(comes, (task) => !isMine(task) && this.#running.has(task));
    if (isBehind) return;
    this.#tellStandbys(Object.keys(standbys).length);
    for (const stage of this.#now.plan.stages) {
      for (let partition = 0; partition < stage.partitionCount; partition++) this.#consider(stage, partition);
    }
  }

  #consider(stage: StagePlan, partition: number): void {
    const name = taskName(stage.id, partition);
    const isMine = this.#membership.assignment[name] === this.#parts.worker;
    const standsBy = !isMine && !this.#membership.completed && this.#membership.standbys[name] === this.#parts.worker;
    if (standsBy && !this.#running.has(name)) this.#handOver.standBy(stage, partition);
    if (!isMine || this.#running.has(name) || this.#done.has(name)) return;
    if (this.#parts.clock.monotonicMs() < (this.#pausedUntilMs.get(name) ?? 0)) return;
    if (this.#handOver.mayBegin(stage, partition, this.#membership.isHeldElsewhere(name))) this.#begin(stage, partition);
  }

  #begin(stage: StagePlan, partition: number): void {
    const { journal, blobs, clock, worker, recordBytesMax, checkpointBytes, speed, failpoint, tracing } = this.#parts;
    const { plan, revision, makeTransform, table, tableVersions, stageParts } = this.#now;
    const runner = new TaskRunner({
      plan,
      revision,
      journal,
      blobs,
      clock,
      worker,
      makeTransform,
      table,
      tableVersions,
      recordBytesMax,
      checkpointBytes,
      speed,
      failpoint,
      tracing,
      stage,
      partition,
      memory: this.#memory,
      turns: this.#turns,
      alignment: this.#alignment,
      meter: this.#meters.of(stage.id),
      feed: (stream) => this.#feed(stream),
      redrives: this.#redrives,
      savedPart: (task) => this.#savepoints.partOf(task),
      warm: this.#handOver.take(taskName(stage.id, partition)),
      ...stageParts(stage),
      onTrouble: (error) => this.#trouble(error),
      log: this.#parts.log,
      followed: () => this.#followed.keys,
    });
    runner.pause(this.#membership.pause?.id ?? null);
    this.#savepoints.forget(runner.name);
    const running: Running = { runner, replaced: false, ended: Promise.resolve().then(() => this.#watch(running)) };
    this.#running.set(runner.name, running);
  }

  async #watch(running: Running): Promise<void> {
    const { runner } = running;
    try {
      const ending = await runner.run();
      const nodes = runner.core?.figures() ?? {};
      if (ending === 'done' && !running.replaced)
        this.#done.set(runner.name, { figures: runner.figures(), nodes, stands: runner.stands() });
      if (ending === 'fenced') this.#fenced(runner);
    } catch (error) {
      if (isError(error, 'MR2112')) this.#pause(runner.name); // it begins again, here or elsewhere, from what is stored
      if (running.replaced || isError(error, 'MR2112')) this.#trouble(error);
      else await this.#failed(runner.name, error);
    } finally {
      this.#meters.ended(runner, runner.figures());
      this.#running.delete(runner.name);
      if (!this.#draining) await this.#membership.beat().catch((error: unknown) => this.#trouble(error));
      this.#reconcile();
    }
  }

  measures(): WorkerMeasures {
    const troubles = [...this.#troubles.values()].reduce((sum, count) => sum + count, 0);
    const stages = this.#meters.stages([...this.#running.values()].map(({ runner }) => runner));
    return { troubles, stages, standbys: this.#standbys(), values: this.#memory?.figures() ?? null };
  }

  #standbys(): readonly StandbyFigures[] {
    return this.#handOver.standbys((task) => this.#heard.figures.get(task)?.number ?? 0);
  }

  #tellStandbys(count: number): void {
    if (!hasStandbys(this.#now.plan) || !this.#membership.isAssigned || count > 0 === this.#hasStandbys) return;
    this.#hasStandbys = count > 0;
    this.#parts.log(count > 0 ? `${count} partitions have a standby` : 'no partition has a standby: there is no other worker to be one');
  }

  #fenced(runner: TaskRunner): void {
    this.#meters.of(runner.stage.id).fenced++;
    this.#parts.log(`task ${runner.name} was taken over by another worker; nothing of what was in flight here was written`);
    this.#pause(runner.name);
  }

  #pause(task: string): void {
    this.#pausedUntilMs.set(task, this.#parts.clock.monotonicMs() + FENCED_PAUSE_MS);
  }

  /** K4. `what`: a task, or a lane that is read for several. */
  async #failed(what: string, error: unknown): Promise<void> {
    const known = error instanceof MillraceError ? error : null;
    const message = error instanceof Error ? (known === null ? (error.stack ?? error.message) : error.message) : String(error);
    this.#parts.log(`${what} stopped the job: ${message}`);
    const fix = known?.fix ?? 'This is a defect of Millrace: please report it with this text.';
    await this.#membership.fail({ code: known?.code ?? 'bug', message, fix, task: what }).catch((cause: unknown) => this.#trouble(cause));
  }

  #feed(stream: string): LaneFeed {
    const found = this.#feeds.get(stream);
    if (found !== undefined) return found;
    const feed = new LaneFeed(this.#parts.journal, stream, (error) => void this.#failed(stream, error));
    this.#feeds.set(stream, feed);
    return feed;
  }

  #report(): void {
    const runners = [...this.#running.values()].map(({ runner }) => runner);
    const tasks = [...runners.map((runner) => runner.figures()), ...[...this.#done.values()].map(({ figures }) => figures)];
    const { memoryBytes, cpuMs, loopBusyMs } = this.#parts.usage();
    const blockedMs = new Map(tasks.map(({ task, time }) => [task, time.blockedMs]));
    this.#time = workerTime(this.#time, { atMs: this.#parts.clock.monotonicMs(), loopBusyMs, blockedMs });
    const report: WorkerReport = {
      worker: this.#parts.worker,
      tasks,
      ...this.#meters.latencies(runners),
      memoryBytes,
      cpuMs,
      time: this.#time.spent,
      troubles: [...this.#troubles.keys()],
      spans: this.#parts.tracing?.tracer.figures() ?? null,
      revision: this.#now.revision,
      ...(hasStandbys(this.#now.plan) ? { standbys: this.#standbys() } : {}),
      pool: this.#parts.pool,
      nodes: mergeNodeFigures([
        ...runners.map((runner) => runner.core?.figures() ?? {}),
        ...[...this.#done.values()].map(({ nodes }) => nodes),
      ]),
    };
    this.#parts.bus.publish('report', report);
  }

  /** A question of somebody who looks at a key: messages come between steps, so the state is whole. */
  #asked(value: unknown): void {
    const ask = askIn(value);
    const runner = ask === null ? undefined : this.#running.get(taskName(ask.stage, ask.partition))?.runner;
    if (ask === null || runner === undefined || runner.core === null) return;
    const answer = answerTo(ask, runner.core, { worker: this.#parts.worker, ...runner.figures() }, runner.clock.nowMs());
    if (answer !== null) this.#parts.bus.publish(answerTopic(ask.id), answer);
  }

  async #purge(): Promise<void> {
    for (const { runner } of this.#running.values()) {
      const slowest = slowestReader(this.#now.plan, runner.stage.id, this.#heard.figures);
      if (slowest > 0) await runner.purge(slowest);
    }
  }

  async #savepoint(): Promise<void> {
    const { savepoint, failure } = this.#membership;
    if (this.#draining || failure !== null) return;
    const standsOf = (task: string): Stands => this.#done.get(task)?.stands ?? this.#running.get(task)?.runner.stands() ?? null;
    await this.#savepoints.store(savepoint?.id ?? '', this.#now.revision, [...this.#running.keys(), ...this.#done.keys()], standsOf);
  }

  #trouble(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const seen = this.#troubles.get(message) ?? 0;
    this.#troubles.set(message, seen + 1);
    if (seen === 0) this.#parts.log(message);
  }

  async #every(periodMs: number | (() => number), work: () => void | Promise<void>): Promise<void> {
    while (!this.#abort.signal.aborted) {
      await this.#parts.clock.sleep(typeof periodMs === 'number' ? periodMs : periodMs(), this.#abort.signal);
      this.#turnedMs = this.#parts.clock.monotonicMs();
      try {
        await work();
      } catch (error) {
        this.#trouble(error);
      }
    }
  }
}
