// One task on this worker: claims its partition, restores its state, then turns input into commits until it ends.
//
//   claiming ─▶ restoring ─▶ running ─▶ done        all input processed, sinks applied
//                              │  ├────▶ fenced      another owner has claimed: nothing more is written (J5)
//                              │  └────▶ drained     asked to stop: what was in flight is stored, nothing new is begun
//                              └───────▶ failed      loud: a stop-job error
//
// Owns: the order of waiting, stepping, committing, applying. Does not own: what a step does (task/), the fence (journal/).
//   N1. Nothing in flight: whatever is there becomes a step at once. One in flight: the next gathers, and is computed
//       early only when it is full, or goes on with what the one before has left.
//   N2. A sink's record is applied after it is stored and before the next one is stored.
//   N4. Commits of a task are at least PACE_MS apart: a lone event is committed at once, a stream of them gathers.
//   N3. Before a step the event loop has its turn (turns.ts): no task's steps keep others, or heartbeats, waiting.
//   N4. A sink that cannot write now is tried again until it can, or until the task is asked to end: nothing is stored
//       behind a record that was not applied.
//   N5. Input that is gone means a broken journal, and stops the job; unless another owner has claimed this task, has gone
//       on, and it was purged behind it: then this one woke up late, and just ends.
//   N7. Stopped by an event (onError: stopPartition) it stands still, keeps its partition and stores nothing, until it is asked to end.
//   N8. While as much waits as may (a lookup's answers, a rate, a retry) nothing is taken in; but all is, within reason, while the job is paused:
//       nothing of what waits goes on then, and a savepoint holds what waits inside of a task, and nothing between tasks.
//   N6. Asked to end while it claims or restores, it ends at once: nothing of it is in flight.

import { assert } from '../base/assert.ts';
import { MillraceError } from '../base/errors.ts';
import type { SinkRecord, SinkWriter } from '../connectors/sink.ts';
import type { InputPosition } from '../journal/record.ts';
import { taskName, type StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import type { StateImage } from '../state/state-image.ts';
import { NO_COUNTS } from '../task/counters.ts';
import { TaskCore } from '../task/step.ts';
import type { Step } from '../task/step-record.ts';
import { Checkpointer } from './checkpointer.ts';
import { CommitWatch } from './commit-watch.ts';
import type { Committer, RecordPlace } from './committer.ts';
import { givenWatermark } from './given-watermark.ts';
import { LaneSide } from './lane-side.ts';
import { claimAndRestore, ownerNow, untilWritten } from './recovery.ts';
import { Owed } from './owed.ts';
import { RedriveSide } from './redrive-side.ts';
import type { StandingTask } from './savepoint.ts';
import { shownKey } from './shown-key.ts';
import { Signal } from './signal.ts';
import { SourceSide } from './source-side.ts';
import { STANDS_STILL_CHARACTERS_MAX, type TaskFigures } from './task-figures.ts';
import { TaskClock } from './task-clock.ts';
import { TaskMeter, type TaskHeld } from './task-meter.ts';
import type { TaskRunnerParts } from './task-runner-parts.ts';
import { TimeLedger } from './time-ledger.ts';
import { TaskSpans } from './task-spans.ts';
import { WaitingSide } from './waiting-side.ts';

export type TaskEnding = 'done' | 'fenced' | 'drained';

/** A disk takes about 2,000 synced commits a second from all tasks together. At 1,000 events a second through three stages
 *  this takes a fifth of them away (`npm run bench -- latency`; figures in docs/operations/benchmarks.md). */
const PACE_MS = 5;
/** N8: events of a partition. More would be no savepoint but the end of the worker's memory; it says then what it waits for. */
const HELD_WHILE_PAUSED_MAX = 100_000;

export class TaskRunner {
  readonly name: string;
  readonly stage: StagePlan;
  readonly meter: TaskMeter;
  readonly clock: TaskClock;
  readonly #parts: TaskRunnerParts;
  readonly #signal = new Signal();
  readonly #stop = new AbortController();
  /** The task has ended. */
  readonly #over = new AbortController();
  /** Ends waiting for a sink's target that does not take anything now. */
  readonly #giveUp = new AbortController();
  readonly #writer: Promise<SinkWriter> | null;
  #core: TaskCore | null = null;
  #committer: Committer | null = null;
  #checkpointer: Checkpointer | null = null;
  #draining = false;
  #inFlight = false;
  #prepared: Step | null = null;
  #outcome: TaskEnding | null = null;
  #failure: { error: unknown } | null = null;
  /** N7; null: it runs. */
  #standsStill: string | null = null;
  readonly #waiting: WaitingSide;
  readonly #owed: Owed;
  #sentMs = -Infinity;
  readonly #source: SourceSide | null;
  readonly #redrive = new RedriveSide(() => this.#signal.notify());
  #leaveRedrive: (() => void) | null = null;
  readonly #lanes: LaneSide;
  readonly #watch: CommitWatch;
  readonly #time: TimeLedger;
  readonly #spans: TaskSpans | null;
  #ended = false;
  #stored: Readonly<Record<string, number>> = {};
  /** Where an ended task stands that wrote nothing here. */
  #endedAt: RecordPlace | null = null;

  constructor(given: TaskRunnerParts) {
    this.clock = new TaskClock(given.clock);
    const parts = (this.#parts = { ...given, clock: this.clock });
    this.stage = parts.stage;
    this.name = taskName(parts.stage.id, parts.partition);
    this.#writer = parts.sink === null ? null : parts.sink.open(parts.partition);
    this.#writer?.catch(() => undefined);
    this.#watch = new CommitWatch(parts.clock);
    this.#time = new TimeLedger(parts.clock);
    this.meter = new TaskMeter(given);
    this.#spans = TaskSpans.of(parts);
    const notify = (): void => this.#signal.notify();
    this.#owed = new Owed({ ...parts, signal: this.#stop.signal, notify });
    this.#waiting = new WaitingSide({ outside: parts.outside, clock: this.clock, signal: this.#over.signal, notify });
    this.#lanes = new LaneSide({
      ...parts,
      isPaused: () => this.#redrive.paused !== null,
      notify,
      missed: (error) => void this.#missed(error),
    });
    this.#source = SourceSide.of(parts, {
      signal: this.#over.signal,
      epoch: () => this.#committer?.place.epoch ?? this.#endedAt?.epoch ?? 0,
      isEnding: () => this.#draining || this.#outcome !== null,
      notify,
      failed: (error) => {
        this.#failure ??= { error };
        this.#signal.notify();
      },
    });
  }

  /** Runs until the task ends; rejects with what stops the job. */
  async run(): Promise<TaskEnding> {
    try {
      const ended = await this.#begin();
      if (ended !== null) return ended;
      await this.#loop();
      if (this.#failure !== null) throw this.#failure.error;
      return this.#outcome ?? 'drained';
    } finally {
      await this.#end();
    }
  }

  /** Asks the task to end: what is in flight is stored, nothing new begins. */
  drain(): void {
    this.#draining = true;
    this.#giveUp.abort();
    this.#parts.turns.leave(this);
    if (this.#core === null) this.#stop.abort(); // N6
    this.#signal.notify();
  }

  /** A source reads on, and dead letters are taken in again, only while there is no pause; null ends it. */
  pause(id: string | null): void {
    if (this.#redrive.paused === id) return;
    this.#redrive.paused = id;
    if (this.#source !== null) this.#source.paused = id;
    this.#signal.notify();
  }

  /** To look into between two steps; null until it is restored. */
  get core(): TaskCore | null {
    return this.#core;
  }

  /** Why it stands still (N7); null: it does not. */
  get standsStill(): string | null {
    return this.#standsStill;
  }

  /** How long nothing has come back of its commit in flight, ms. */
  get silentMs(): number {
    return this.#watch.silentMs();
  }

  /** The task as it stands, with an image of its state (an ended one has none), to be closed; null: something is under way. */
  stands(): { readonly task: StandingTask; readonly image: StateImage } | null {
    const { plan, stage, tableVersions } = this.#parts;
    const core = this.#core;
    const place = this.#committer?.place ?? this.#endedAt;
    if (core === null || place === null || this.#isBusy()) return null;
    const state = this.#ended ? new PartitionState() : core.state;
    if (state.isImaged) return null;
    const task = { task: this.name, standing: core.standing(), plan, stage, tables: tableVersions, place, clockMs: this.clock.nowMs() };
    return { task, image: state.image() };
  }

  /** Ends without waiting for servers that do not answer. */
  abort(): void {
    this.drain();
    this.#stop.abort();
  }

  figures(): TaskFigures {
    const core = this.#core;
    const place = this.#committer?.place ?? this.#endedAt;
    return {
      task: this.name,
      stage: this.#parts.stage.id,
      partition: this.#parts.partition,
      state: this.#ended ? 'done' : core === null ? 'claiming' : 'running',
      epoch: place?.epoch ?? 0,
      number: place?.number ?? 0,
      counters: core?.counters ?? { ...NO_COUNTS, edgesIn: [], edgesOut: [] },
      watermark: core === null || core.inputWatermark === -Infinity ? null : Math.min(core.inputWatermark, Number.MAX_SAFE_INTEGER),
      ...(core === null ? {} : givenWatermark(this.#parts, core.given)),
      inboxBytes: this.#lanes.bytes,
      progress: this.#source?.progress ?? null,
      positions: this.#stored,
      sequence: place?.sequence ?? 0,
      ownSequence: core?.own.ownSequence,
      busy: this.#isBusy(),
      paused: this.#redrive.paused,
      taken: core?.sourcePosition ?? null,
      time: this.#time.spent(),
      ...(core?.isSourceIdle === true ? { idle: true as const } : {}),
      ...this.#source?.held,
      ...this.#source?.stalled,
      ...this.#lanes.figures,
      ...(core !== null && this.#redrive.paused !== null && core.isFull && this.#holdsMax(core) ? { cannotRest: core.counters.held } : {}),
      ...(this.#standsStill === null ? {} : { standsStill: this.#standsStill.slice(0, STANDS_STILL_CHARACTERS_MAX) }),
      heavyKey: shownKey(core?.heaviestKey() ?? null),
    };
  }

  held(): TaskHeld {
    return this.meter.held(this.#lanes.bytes, this.#core?.state.bytesEstimate() ?? 0);
  }

  /** Something was taken in, or can be, that is not stored (and of a sink, written). */
  #isBusy(): boolean {
    if (this.#ended) return false;
    const core = this.#core;
    if (core === null || this.#inFlight || this.#prepared !== null || core.owes || core.way.isInside || core.state.isChanged) return true;
    return this.#standsStill !== null || (this.#lanes.isReady && !this.#isFull(core)) || core.isEnding;
  }

  /** Removes what nobody needs any more: below the checkpoint, what is applied, and the slowest reader (J9). */
  async purge(slowestReader: number): Promise<void> {
    const committer = this.#committer;
    if (committer === null) return;
    const keepFrom = Math.min(committer.restorableFrom, slowestReader + 1, this.#checkpointer?.unappliedSequence ?? Infinity);
    if (keepFrom > 1) await this.#parts.journal.purge(this.#parts.stage.stream, committer.subject, keepFrom);
  }

  async #begin(): Promise<TaskEnding | null> {
    const parts = this.#parts;
    const writer = await this.#writer;
    const core = new TaskCore({
      ...parts,
      sink: writer === null || parts.sink === null ? null : { writer, initial: parts.sink.initial },
      decodeAgain: parts.source?.decodeAgain,
      trace: this.#spans?.trace ?? null,
      clock: parts.stepClock ?? parts.clock,
    });
    const begun = await claimAndRestore({
      ...parts,
      journal: this.#watch.journal(parts.journal),
      core,
      warm: () => parts.warm?.take() ?? Promise.resolve(null),
      subject: `${parts.stage.subjectPrefix}.${parts.partition}`,
      signal: this.#stop.signal,
    });
    if (begun.kind === 'done') return this.#finishEarly(begun, core);
    if (begun.kind !== 'claimed') return begun.kind === 'fenced' ? 'fenced' : 'drained';
    this.#committer = begun.committer;
    this.clock.goOn(begun.clock);
    this.meter.restored(core.counters, begun);
    this.#checkpointer = new Checkpointer(parts, begun.committer, this.name);
    if (begun.unapplied.length > 0) this.#checkpointer.unappliedSequence = 1; // all of them, until a record is stored that says so
    for (const record of begun.unapplied) if (!(await this.#apply({ ...record, ...record.sink }))) return 'drained';
    this.#core = core;
    this.#notePositions(core.positions());
    if (core.owes) this.#owed.begin();
    if (parts.stage.kind !== 'source') this.#lanes.open(core);
    if (parts.stage.kind !== 'source' && core.ended()) this.#signal.notify();
    this.#waiting.look(core);
    assert(parts.stage.kind !== 'source' || this.#source !== null, `${this.name} has a source`);
    await this.#source?.open(core);
    if (this.#source?.isReplay !== true) this.#leaveRedrive = this.#redrive.subscribe(parts, core.redriven);
    parts.failpoint('restored');
    return null;
  }

  #finishEarly(at: RecordPlace, core: TaskCore): TaskEnding {
    this.#core = core;
    this.#ended = true;
    this.#endedAt = at;
    this.#source?.tellEnd();
    this.#notePositions(core.positions());
    return 'done';
  }

  async #loop(): Promise<void> {
    while (this.#outcome === null && this.#failure === null) {
      if (this.#draining && !this.#inFlight && this.#prepared === null) return;
      if (this.#prepared !== null && !this.#inFlight) this.#send();
      else if (this.#canStep()) {
        const paceMs = this.#paceLeftMs();
        this.#time.enter(paceMs > 0 ? 'idle' : 'blocked');
        if (paceMs > 0) await this.#parts.clock.sleep(paceMs, this.#stop.signal);
        else await this.#parts.turns.toStep(this);
        if (this.#canStep()) this.#step();
      } else {
        this.#time.enter(this.#isHeldUp() ? 'blocked' : 'idle');
        await this.#signal.wait();
      }
    }
  }

  #canStep(): boolean {
    const core = this.#core;
    if (this.#draining || this.#prepared !== null || core === null || core.done || this.#standsStill !== null) return false;
    const isOpen = !this.#isFull(core);
    if (core.hasWork || (!this.#inFlight && ((isOpen && this.#redrive.isReady && core.own.endPhase === 0) || this.#isWoken()))) return true;
    if (this.#source !== null) return (isOpen && this.#source.isReady) || (!this.#inFlight && (this.#owed.isDue || core.isEnding));
    if (this.#inFlight) return isOpen && this.#lanes.isFull && this.#lanes.isReady;
    return (isOpen && this.#lanes.isReady) || this.#owed.isDue || core.isEnding;
  }

  #holdsMax({ counters }: TaskCore): boolean {
    return counters.held >= (this.#parts.heldWhilePausedMax ?? HELD_WHILE_PAUSED_MAX);
  }

  /** N8. */
  #isFull(core: TaskCore): boolean {
    return core.isFull && (this.#redrive.paused === null || this.#holdsMax(core));
  }

  /** What waits may go on. While the job is paused it waits on, as dead letters do that are put in again. */
  #isWoken(): boolean {
    return this.#waiting.isReady && this.#redrive.paused === null;
  }

  /** Something waits that cannot be taken in: a commit comes first, or the sink. */
  #isHeldUp(): boolean {
    if (!this.#inFlight) return false;
    return this.#prepared !== null || (this.#source === null ? this.#lanes.isReady : this.#source.isReady);
  }

  /** How long to gather yet (N4): nothing after a quiet moment, and nothing when there is much. */
  #paceLeftMs(): number {
    if (this.#inFlight || this.#lanes.isFull || this.#core?.hasWork === true) return 0;
    return this.#sentMs + PACE_MS - this.#parts.clock.monotonicMs();
  }

  #step(): void {
    this.#time.enter('busy');
    const core = this.#core as TaskCore;
    const nowMs = this.#parts.clock.nowMs();
    if (!core.way.isAmidst) this.#spans?.began(nowMs);
    const force = this.#owed.isDue;
    const step = this.#stepOf(core, nowMs, force);
    if (this.#standsStill === null) this.#waiting.look(core);
    if (this.stage.kind !== 'source') this.#lanes.open(core);
    this.#parts.failpoint('stepped');
    if (core.way.isAmidst) return; // it goes on when others have had their turn
    if (step !== null || force) this.#owed.settle();
    else if (core.owes) this.#owed.begin();
    this.#prepared = step;
  }

  /** null: nothing to store yet, or the task stands still from now on (N7). */
  #stepOf(core: TaskCore, nowMs: number, force: boolean): Step | null {
    core.isPaused = this.#redrive.paused !== null;
    try {
      core.goOn(nowMs, this.#parts.turns.stretchMs);
      if (core.hasTime && this.#isWoken()) this.#waiting.feed(core, nowMs);
      if (core.hasTime && !core.isFull && core.own.endPhase === 0) this.#redrive.feed(core, nowMs); // then its end is agreed with the others of its stage
      if (this.#source !== null) return this.#source.step(core, nowMs, force);
      if (core.hasTime && !this.#isFull(core)) this.#lanes.take(core, nowMs);
      return core.step(nowMs, { force });
    } catch (error) {
      if (!(error instanceof MillraceError) || error.reaction !== 'stop-partition') throw error;
      this.#standsStill = error.message;
      this.#parts.onTrouble(error);
      return null;
    }
  }

  #send(): void {
    const step = this.#prepared as Step;
    this.#time.enter('busy');
    this.#prepared = null;
    this.#spans?.sends();
    this.#inFlight = true;
    this.#sentMs = this.#parts.clock.monotonicMs();
    this.#commit(step)
      .catch((error: unknown) => (this.#failure = { error }))
      .finally(() => {
        this.#inFlight = false;
        this.#signal.notify();
      });
  }

  async #commit(step: Step): Promise<void> {
    const committer = this.#committer as Committer;
    const { clock, failpoint } = this.#parts;
    const image = this.#checkpointer?.imageIfDue(step, this.#core as TaskCore) ?? null;
    const beganMs = clock.monotonicMs();
    failpoint('commit-send');
    const outcome = await this.#watch.during(committer.commit(step, this.#stop.signal));
    failpoint('commit-acknowledged');
    if (outcome.kind !== 'committed') {
      image?.close();
      this.#outcome = outcome.kind === 'fenced' ? 'fenced' : 'drained';
      return;
    }
    this.meter.committed(step, { bytes: outcome.bytes, durationMs: clock.monotonicMs() - beganMs }, committer);
    this.#checkpointer?.noteCommit(outcome, image);
    this.#source?.stored(step.header.source);
    this.#notePositions(step.header.inputs);
    this.#spans?.committed();
    await this.#afterCommit(step, outcome.number, outcome.firstSequence);
    if (this.#outcome !== 'drained') this.#spans?.stored(step, { number: outcome.number, epoch: committer.place.epoch });
  }

  async #afterCommit(step: Step, number: number, firstSequence: number): Promise<void> {
    if (step.payload !== null && step.header.sink !== null) {
      if (this.#checkpointer !== null) this.#checkpointer.unappliedSequence = firstSequence;
      const { bytes: payload, count } = step.payload;
      if (!(await this.#apply({ number, payload, count, ...step.header.sink, traces: step.payloadTraces }))) return;
    } else if (this.#checkpointer !== null) this.#checkpointer.unappliedSequence = Infinity;
    const endToEndMs = this.meter.visible(step);
    this.#spans?.ended(endToEndMs);
    if (step.ends && this.#parts.stage.kind === 'sink') await this.#closeSink();
    if (step.header.done) this.#finish();
  }

  /** All that this sink will ever get was applied: says so in a last record. */
  async #closeSink(): Promise<void> {
    const writer = await this.#writer;
    if (writer !== null && !(await this.#untilWritten(() => writer.finish()))) return;
    this.#parts.failpoint('sink-finished');
    const closing = (this.#core as TaskCore).closing(this.#parts.clock.nowMs());
    const outcome = await (this.#committer as Committer).commit(closing, this.#stop.signal);
    if (outcome.kind === 'committed') this.#finish();
    else this.#outcome = outcome.kind === 'fenced' ? 'fenced' : 'drained';
  }

  #finish(): void {
    this.#ended = true;
    this.#source?.tellEnd();
    this.#outcome = 'done';
    this.#notePositions((this.#core as TaskCore).positions());
  }

  async #apply(record: SinkRecord): Promise<boolean> {
    const writer = await this.#writer;
    assert(writer !== null, `${this.name} is a sink`);
    this.#parts.failpoint('sink-apply');
    if (!(await this.#untilWritten(() => writer.apply(record)))) return false;
    this.#parts.failpoint('sink-applied');
    if (this.#committer !== null) this.#committer.appliedNumber = record.number;
    return true;
  }

  /** N4. False: the task was asked to end first; its next owner applies what is stored. */
  async #untilWritten(write: () => Promise<void>): Promise<boolean> {
    const { clock, onTrouble } = this.#parts;
    const onRetry = (error: unknown): void => {
      this.#spans?.retried(error);
      onTrouble(error);
    };
    const isWritten = await untilWritten(write, { clock, signal: this.#giveUp.signal, onTrouble: onRetry });
    if (!isWritten) this.#outcome ??= 'drained';
    return isWritten;
  }

  /** N5. */
  async #missed(error: unknown): Promise<void> {
    const { journal, clock, stage } = this.#parts;
    const committer = this.#committer as Committer;
    try {
      const place = { stream: stage.stream, subject: committer.subject };
      const owner = await ownerNow(journal, place, committer.place.epoch, { clock, signal: this.#giveUp.signal });
      if (owner === 'ours') this.#failure ??= { error };
      else if (!this.#inFlight) this.#outcome ??= owner === 'fenced' ? 'fenced' : 'drained'; // else the commit in flight will find it out
    } catch (cause) {
      this.#failure ??= { error: cause };
    }
    this.#signal.notify();
  }

  /** Positions that are stored now: what the stages before may purge up to. */
  #notePositions(inputs: readonly InputPosition[]): void {
    this.#stored = Object.fromEntries(inputs.map(({ edge, sequence }) => [edge, this.#ended ? Number.MAX_SAFE_INTEGER : sequence]));
  }

  async #end(): Promise<void> {
    this.#over.abort();
    this.#parts.warm?.close();
    this.#lanes.close();
    this.#leaveRedrive?.();
    await this.#source?.close();
    if (!this.#ended) this.#core?.state.close(); // an ended one may be asked for its keys yet
    const writer = await this.#writer?.catch(() => null);
    await writer?.close();
  }
}
