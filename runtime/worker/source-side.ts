// The input of a source task: what its reader has read and no step has taken yet, or a replay that lets events go at their pace.
//
//   S1. While it is paused nothing of it goes into a step. What was read stays, and is read again by whoever goes on.
//   S2. What is read at a time comes in pieces with a position each, so that a step may end between two of them. How much it is
//       follows from what a step can take in.
//   S3. A run that was begun as a replay goes on as one.
//   S5. A split that is ahead of its group (split-alignment.ts) takes nothing in, and reads no more than it has read.
//   S4. A split is idle while its reader has nothing, not while what it has waits.

import type { Clock } from '../base/clock.ts';
import type { SourceConnector, SourcePosition, SourceRead, SourceReader } from '../connectors/source.ts';
import { ReplaySchedule } from '../task/replay.ts';
import { taskName, type SourceIdle, type StagePlan } from '../plan/physical-plan.ts';
import type { TaskCore } from '../task/step.ts';
import type { Alignment } from './alignment.ts';
import { IdleWatch } from './idle-watch.ts';
import type { SplitAlignment } from './split-alignment.ts';
import { StalledSource } from './stalled-source.ts';
import type { Step } from '../task/step-record.ts';

export type SourceSideParts = {
  readonly source: SourceConnector;
  readonly partition: number;
  readonly speed: number | null;
  /** null: nothing is ever idle. */
  readonly idle: SourceIdle | null;
  /** null: it waits for no other split. */
  readonly alignment: SplitAlignment | null;
  /** Of the task, when it is restored. */
  readonly epoch: () => number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isEnding: () => boolean;
  /** Something can be taken. */
  readonly notify: () => void;
  readonly failed: (error: unknown) => void;
  readonly log: (message: string) => void;
  readonly task: string;
};

const STEP_BYTES_MAX = 2 * 1024 * 1024;
/** A read without result ends after this, and the next begins. */
const SOURCE_WAIT_MS = 500;
const READ_EVENTS_FIRST = 512;
const READ_EVENTS_MAX = 20_000;
/** Pieces of what is read at a time. */
const PIECES = 8;
const REPLAY_LIMITS = { eventsMax: READ_EVENTS_MAX, bytesMax: STEP_BYTES_MAX, waitMs: SOURCE_WAIT_MS };

export class SourceSide {
  /** Id of the pause that holds it; null: none. */
  paused: string | null = null;
  /** Share of the split that was read. */
  progress: number | null = null;
  readonly #parts: SourceSideParts;
  #reader: SourceReader | null = null;
  #isClosed = false;
  /** What was read and not taken in yet. */
  #pieces: readonly SourceRead[] = [];
  #readEventsMax = READ_EVENTS_FIRST;
  #replay: ReplaySchedule | null = null;
  #idle: IdleWatch | null = null;
  readonly #stalled: StalledSource;
  #wasIdle = false;
  /** What was taken is to be stored, events or not. */
  #isToStore = false;

  /** null: the task reads no source. */
  static of(
    task: Pick<SourceSideParts, 'partition' | 'speed' | 'clock' | 'log'> & {
      readonly source: SourceConnector | null;
      readonly stage: StagePlan;
      readonly alignment?: Alignment | undefined;
    },
    rest: Omit<SourceSideParts, 'source' | 'partition' | 'speed' | 'clock' | 'log' | 'task' | 'idle' | 'alignment'>,
  ): SourceSide | null {
    const { source, partition, speed, clock, log, stage } = task;
    const idle = stage.nodes.flatMap(({ op }) => (op.kind === 'source' ? (op.idle ?? []) : [])).at(0) ?? null;
    if (source === null) return null;
    const alignment = task.alignment?.join(stage, partition, rest.notify) ?? null;
    const name = taskName(stage.id, partition);
    return new SourceSide({ source, partition, speed, clock, log, task: name, idle, alignment, ...rest });
  }

  constructor(parts: SourceSideParts) {
    this.#parts = parts;
    this.#stalled = new StalledSource(parts);
  }

  async open(core: TaskCore): Promise<void> {
    const { source, speed, partition } = this.#parts;
    const position = core.sourcePosition;
    const wasReplay = position !== null && 'replayMs' in position;
    if (wasReplay || (speed !== null && position === null)) await this.#startReplay(core, speed ?? Infinity);
    else {
      this.#reader = await source.open(partition, position);
      this.#watchIdle(core);
      this.#tellTime(core);
      this.#readOn();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#parts.alignment?.leave();
    await this.#reader?.close();
  }

  /** Whether its split is held by alignment, and for how long it was. Nothing: it has none. */
  get held(): Partial<ReturnType<SplitAlignment['figures']>> {
    return this.#parts.alignment?.figures() ?? {};
  }

  /** Why its split cannot be read now. */
  get stalled(): StalledSource['figures'] {
    return this.#stalled.figures;
  }

  /** The end of the split is stored. */
  tellEnd(): void {
    this.#parts.alignment?.end(this.#parts.epoch());
  }

  /** It lets out at a pace what it has read whole. */
  get isReplay(): boolean {
    return this.#replay !== null;
  }

  /** Whether a step would have something to take. */
  get isReady(): boolean {
    if (this.paused !== null) return false;
    const has = this.#pieces.length > 0;
    const isIdleNews = this.#wasIdle || (!has && this.#idle?.isDue === true);
    return (has && !this.#isAhead) || isIdleNews || this.#replay?.isDue(this.#parts.clock.monotonicMs()) === true;
  }

  /** One step with what is there; `force`: also for positions and watermarks alone. */
  step(core: TaskCore, nowMs: number, force: boolean): Step | null {
    if (this.#replay !== null)
      return this.paused === null ? core.release(this.#replay.release(this.#parts.clock.monotonicMs()), nowMs) : null;
    const step = this.#stepOf(core, nowMs, force);
    this.#tellTime(core);
    return step;
  }

  #stepOf(core: TaskCore, nowMs: number, force: boolean): Step | null {
    if (this.paused !== null || !core.hasTime) return core.step(nowMs, { force });
    const isTold = this.#tellIdle(core, nowMs);
    if (!core.isFull) this.#take(core, nowMs);
    const step = core.step(nowMs, { force: force || isTold || this.#isToStore });
    if (step !== null) this.#isToStore = false;
    return step;
  }

  /** A step is stored that says so. */
  stored(position: SourcePosition | null): void {
    if (position !== null) this.#reader?.stored?.(position);
  }

  /** S5. */
  get #isAhead(): boolean {
    return this.#parts.alignment?.isAhead === true;
  }

  #tellTime(core: TaskCore): void {
    this.#came(core);
    this.#parts.alignment?.wait(this.#pieces.length > 0 && this.#isAhead);
  }

  #came(core: TaskCore): void {
    const { alignment, epoch } = this.#parts;
    if (alignment === null || this.#replay !== null || core.ended()) return; // its end counts when it is stored
    alignment.came(epoch(), core.inputWatermark, core.isSourceIdle);
  }

  /** S4. True when that has changed something. */
  #tellIdle(core: TaskCore, nowMs: number): boolean {
    if (this.#wasIdle) core.takeIdle((this.#wasIdle = false), nowMs);
    else if (this.#pieces.length > 0 || this.#idle?.isDue !== true) return false;
    else core.takeIdle(true, nowMs, this.#idle.take().passedMs);
    return true;
  }

  /** Gives the step as much of what was read as it has time for. */
  #take(core: TaskCore, nowMs: number): void {
    const pieces = this.#pieces;
    const last = pieces.at(-1);
    if (last === undefined) return;
    this.#came(core); // with what the step before had left
    if (this.#isAhead) return;
    if (this.#parts.alignment?.isHeld === true) this.#idle?.spoke(); // it had something all the while
    let [taken, events] = [0, 0];
    for (; taken < pieces.length && core.hasTime && !this.#isAhead; taken++) {
      const piece = pieces[taken] as SourceRead;
      this.progress = piece.progress;
      core.takeRead(piece, nowMs);
      if (piece.fixes === true) this.#isToStore = core.owes = true;
      events += eventsOf(piece);
      if (!core.hasWork) this.#parts.alignment?.took(eventsOf(piece), core.inputWatermark);
      this.#came(core);
    }
    this.#pieces = pieces.slice(taken);
    if (taken < pieces.length && core.hasTime) return; // S5
    const isWhole = taken === pieces.length && core.hasTime;
    // Half at most: a step of a busy machine may be short for once.
    const fewer = Math.max(PIECES, Math.min(this.#readEventsMax, Math.max(events, this.#readEventsMax / 2)));
    this.#readEventsMax = isWhole ? Math.min(READ_EVENTS_MAX, this.#readEventsMax * 2) : Math.ceil(fewer);
    if (taken < pieces.length) return;
    if (last.done) this.#idle?.end();
    else this.#readOn();
  }

  #watchIdle(core: TaskCore): void {
    const { idle, clock, signal, notify } = this.#parts;
    if (idle !== null) this.#idle = new IdleWatch({ idle, clock, signal, notify }, core.isSourceIdle);
    else this.#wasIdle = core.isSourceIdle; // by an older declaration
  }

  #readOn(): void {
    this.#readPieces().then(
      (pieces) => {
        // What is closed answers at once that it has nothing: to ask again would leave the process no other turn.
        if (this.#isClosed || this.#parts.isEnding()) return;
        this.#stalled.look(this.#reader?.stalled ?? null);
        if (pieces.length === 0) {
          if (this.#reader?.isHeard === false) this.#idle?.unheard();
          return this.#readOn();
        }
        if (pieces.some((piece) => eventsOf(piece) > 0 || piece.done)) this.#idle?.spoke();
        this.#pieces = pieces;
        this.#parts.alignment?.wait(this.#isAhead);
        this.#parts.notify();
      },
      (error: unknown) => this.#parts.failed(error),
    );
  }

  /** Reads on while there is something at once (S2). */
  async #readPieces(): Promise<readonly SourceRead[]> {
    const pieces: SourceRead[] = [];
    const eventsMax = Math.min(Math.ceil(this.#readEventsMax / PIECES), this.#parts.alignment?.pieceEvents ?? Infinity);
    let [events, bytes, waitMs] = [0, 0, SOURCE_WAIT_MS];
    while (events < this.#readEventsMax && bytes < STEP_BYTES_MAX && this.#reader !== null) {
      const piece = await this.#reader.read({ eventsMax, bytesMax: STEP_BYTES_MAX - bytes, waitMs });
      const count = eventsOf(piece);
      if (count > 0 || piece.done || piece.fixes === true) pieces.push(piece);
      if (count < eventsMax || piece.done) break;
      events += count;
      bytes += piece.bytes;
      waitMs = 0;
    }
    return pieces;
  }

  /** Reads the whole (bounded) source first, then lets its events go at their pace. */
  async #startReplay(core: TaskCore, speed: number): Promise<void> {
    const { clock, source, partition, isEnding } = this.#parts;
    const released = core.sourcePosition?.['replayMs'];
    const reader = await source.open(partition, null);
    this.#reader = reader;
    const counted = core.counters;
    for (let read = await reader.read(REPLAY_LIMITS); ; read = await reader.read(REPLAY_LIMITS)) {
      core.goOn(clock.nowMs());
      for (core.takeRead(read, clock.nowMs()); core.hasWork && !isEnding(); core.goOn(clock.nowMs())) await clock.turn();
      if (isEnding()) return;
      if (read.done) break;
    }
    const held = core.takeReplay(released === undefined ? null : counted);
    this.#replay = new ReplaySchedule(held, {
      speed,
      releasedMs: typeof released === 'number' ? released : null,
      startMs: clock.monotonicMs(),
    });
    this.#tickReplay();
  }

  #tickReplay(): void {
    if (this.#isClosed || this.#parts.isEnding() || this.#replay === null) return;
    this.progress = this.#replay.progress;
    this.#parts.notify();
    void this.#parts.clock.sleep(ReplaySchedule.TICK_MS, this.#parts.signal).then(() => this.#tickReplay());
  }
}

function eventsOf({ values, deadLetters }: SourceRead): number {
  return values.length + deadLetters.length;
}
