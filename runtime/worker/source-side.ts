// The input of a source task: what its reader has read and no step has taken yet, or a replay that lets events go at their pace.
//
//   S1. While it is paused nothing of it goes into a step. What was read stays, and is read again by whoever goes on.
//   S2. A run that was begun as a replay goes on as one.
//   S3. A split is idle while its reader has nothing, not while what it has waits.

import type { Clock } from '../base/clock.ts';
import type { SourceConnector, SourceRead, SourceReader } from '../connectors/source.ts';
import { ReplaySchedule } from '../task/replay.ts';
import type { SourceIdle, StagePlan } from '../plan/physical-plan.ts';
import type { TaskCore } from '../task/step.ts';
import type { Step } from '../task/step-record.ts';
import { IdleWatch } from './idle-watch.ts';

export type SourceSideParts = {
  readonly source: SourceConnector;
  readonly partition: number;
  readonly speed: number | null;
  /** null: nothing is ever idle. */
  readonly idle: SourceIdle | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isEnding: () => boolean;
  /** Something can be taken. */
  readonly notify: () => void;
  readonly failed: (error: unknown) => void;
};

const STEP_BYTES_MAX = 2 * 1024 * 1024;
/** A read without result ends after this, and the next begins. */
const SOURCE_WAIT_MS = 500;
const READ_LIMITS = { eventsMax: 20_000, bytesMax: STEP_BYTES_MAX, waitMs: SOURCE_WAIT_MS };

export class SourceSide {
  /** Id of the pause that holds it; null: none. */
  paused: string | null = null;
  /** Share of the split that was read. */
  progress: number | null = null;
  readonly #parts: SourceSideParts;
  #reader: SourceReader | null = null;
  #read: SourceRead | null = null;
  #replay: ReplaySchedule | null = null;
  #idle: IdleWatch | null = null;
  #wasIdle = false;

  /** null: the task reads no source. */
  static of(
    task: Pick<SourceSideParts, 'partition' | 'speed' | 'clock'> & {
      readonly source: SourceConnector | null;
      readonly stage: Pick<StagePlan, 'nodes'>;
    },
    rest: Omit<SourceSideParts, 'source' | 'partition' | 'speed' | 'clock' | 'idle'>,
  ): SourceSide | null {
    const { source, partition, speed, clock, stage } = task;
    const idle = stage.nodes.flatMap(({ op }) => (op.kind === 'source' ? (op.idle ?? []) : [])).at(0) ?? null;
    return source === null ? null : new SourceSide({ source, partition, speed, clock, idle, ...rest });
  }

  constructor(parts: SourceSideParts) {
    this.#parts = parts;
  }

  async open(core: TaskCore): Promise<void> {
    const { source, speed, partition } = this.#parts;
    const position = core.sourcePosition;
    const wasReplay = position !== null && 'replayMs' in position;
    if (wasReplay || (speed !== null && position === null)) await this.#startReplay(core, speed ?? Infinity);
    else {
      this.#reader = await source.open(partition, position);
      this.#watchIdle(core);
      this.#readOn();
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  /** It lets out at a pace what it has read whole. */
  get isReplay(): boolean {
    return this.#replay !== null;
  }

  /** Whether a step would have something to take. */
  get isReady(): boolean {
    if (this.paused !== null) return false;
    return (
      this.#read !== null || this.#wasIdle || this.#idle?.isDue === true || this.#replay?.isDue(this.#parts.clock.monotonicMs()) === true
    );
  }

  /** One step with what is there; `force`: also for positions and watermarks alone. */
  step(core: TaskCore, nowMs: number, force: boolean): Step | null {
    if (this.#replay !== null)
      return this.paused === null ? core.release(this.#replay.release(this.#parts.clock.monotonicMs()), nowMs) : null;
    if (this.paused !== null) return core.step(nowMs, { force });
    const isTold = this.#tellIdle(core, nowMs);
    if (!core.isFull) this.#take(core, nowMs);
    return core.step(nowMs, { force: force || isTold });
  }

  /** S3. True when that has changed something. */
  #tellIdle(core: TaskCore, nowMs: number): boolean {
    if (this.#wasIdle) core.takeIdle((this.#wasIdle = false), nowMs);
    else if (this.#read !== null || this.#idle?.isDue !== true) return false;
    else core.takeIdle(true, nowMs, this.#idle.take().passedMs);
    return true;
  }

  #take(core: TaskCore, nowMs: number): void {
    const read = this.#read;
    if (read === null) return;
    this.#read = null;
    this.progress = read.progress;
    core.takeRead(read, nowMs);
    if (read.done) this.#idle?.end();
    else this.#readOn();
  }

  #watchIdle(core: TaskCore): void {
    const { idle, clock, signal, notify } = this.#parts;
    if (idle !== null) this.#idle = new IdleWatch({ idle, clock, signal, notify }, core.isSourceIdle);
    else this.#wasIdle = core.isSourceIdle; // by an older declaration
  }

  #readOn(): void {
    const reader = this.#reader;
    reader?.read(READ_LIMITS).then(
      (read) => {
        const isEmpty = read.values.length === 0 && read.deadLetters.length === 0 && !read.done;
        if (this.#parts.isEnding()) return;
        if (isEmpty) {
          if (reader.isHeard === false) this.#idle?.unheard();
          return this.#readOn();
        }
        this.#idle?.spoke();
        this.#read = read;
        this.#parts.notify();
      },
      (error: unknown) => this.#parts.failed(error),
    );
  }

  /** Reads the whole (bounded) source first, then lets its events go at their pace. */
  async #startReplay(core: TaskCore, speed: number): Promise<void> {
    const { clock, source, partition, isEnding } = this.#parts;
    const released = core.sourcePosition?.['replayMs'];
    const reader = await source.open(partition, null);
    this.#reader = reader;
    const counted = core.counters;
    for (let read = await reader.read(READ_LIMITS); ; read = await reader.read(READ_LIMITS)) {
      core.takeRead(read, clock.nowMs());
      if (read.done || isEnding()) break;
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
    if (this.#parts.isEnding() || this.#replay === null) return;
    this.progress = this.#replay.progress;
    this.#parts.notify();
    void this.#parts.clock.sleep(ReplaySchedule.TICK_MS, this.#parts.signal).then(() => this.#tickReplay());
  }
}
