// What a task reads of the stages before it: its subscriptions to their lanes, and what waits of them to be taken into a step.
//
//   L2. A lane whose turn has not come is not read at all.
//   L3. A lane under back-pressure (task/back-pressure.ts) is not taken in, and what of it waits is no reason to read less of the others.
//       While the job is paused all is: a savepoint holds what waits inside of the task, and nothing between tasks.
//   L1. What waits is bounded in bytes; a step held until its last record comes must not be kept from it.

import type { Clock } from '../base/clock.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { Inbox } from '../task/inbox.ts';
import { NO_LANES } from '../task/back-pressure.ts';
import type { TaskCore } from '../task/step.ts';
import { inboxRecord } from './inbox-record.ts';
import type { LaneFeed, LaneRecord, Seen } from './lane-feed.ts';
import type { TaskFigures } from './task-figures.ts';
import { WaitedTime } from './waited-time.ts';

/** A step is given at most this much; how much of it it takes in, time says (task/step.ts, P4). */
const STEP_EVENTS_MAX = 65_536;
/** However little may wait yet: steps of an event each would cost more than they save. */
const STEP_EVENTS_MIN = 64;
const STEP_BYTES_MAX = 2 * 1024 * 1024;
/** Bytes of a lane kept for this task before it reads on alone. */
const INBOX_BYTES_MAX = 8 * 1024 * 1024;

export type LaneSideParts = {
  readonly plan: PhysicalPlan;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly feed: (stream: string) => LaneFeed;
  readonly notify: () => void;
  readonly clock: Clock;
  readonly isPaused: () => boolean;
  /** Records that the task was to get are gone. */
  readonly missed: (error: unknown) => void;
};

export class LaneSide {
  readonly #parts: LaneSideParts;
  readonly #inbox = new Inbox();
  readonly #leaveLanes: (() => void)[] = [];
  readonly #roomWaiters: (() => void)[] = [];
  #core: TaskCore | null = null;
  #isClosed = false;
  #wasStopped: ReadonlySet<string> = NO_LANES;
  /** null: none of its lanes was ever under back-pressure. */
  #stoppedTime: WaitedTime | null = null;
  /** Stages before it whose lanes are not read yet; null: none is. */
  #left: readonly StagePlan[] | null = null;

  constructor(parts: LaneSideParts) {
    this.#parts = parts;
  }

  get bytes(): number {
    return this.#inbox.bytes;
  }

  /** Whether a step would have something to take. */
  get isReady(): boolean {
    return this.#inbox.isReady(this.#stopped);
  }

  /** Whether, and how long, a lane was not taken in (L3). */
  get figures(): Pick<TaskFigures, 'backPressure' | 'backPressureMs'> {
    if (this.#stoppedTime === null) return {};
    const { ms, isWaiting } = this.#stoppedTime;
    return { backPressureMs: ms, ...(isWaiting ? { backPressure: true as const } : {}) };
  }

  /** L3. */
  get #stopped(): ReadonlySet<string> {
    return this.#core === null || this.#parts.isPaused() ? NO_LANES : this.#core.backPressure.lanes;
  }

  /** There is enough for a step of full size. */
  get isFull(): boolean {
    return this.#inbox.bytesBut(this.#stopped) >= STEP_BYTES_MAX / 2;
  }

  /** Begins to read the lanes whose turn it is; to be called again after each step. */
  open(core: TaskCore): void {
    this.#core = core;
    this.#lookStopped();
    const { plan, stage, feed, missed } = this.#parts;
    if (this.#left === null) {
      const upstream = new Set(stage.inputs.map((index) => plan.edges[index]?.fromStage));
      this.#left = plan.stages.filter(({ id }) => upstream.has(id));
    }
    if (this.#left.length === 0) return;
    const [waiting, now] = [
      this.#left.filter(({ id }) => core.own.waitsForTurn(id)),
      this.#left.filter(({ id }) => !core.own.waitsForTurn(id)),
    ];
    this.#left = waiting;
    for (const from of now) {
      const inputs = stage.inputs.filter((index) => plan.edges[index]?.fromStage === from.id);
      const edges = new Set(inputs);
      const begins = inputs.map((index) => ({ place: from.outputs.indexOf(index), after: core.own.positionOf(index) }));
      const subscriber = {
        offer: (record: LaneRecord) => this.#offer(record, from, edges),
        needsBehind: ({ stage: writer, outputs, sequence }: Seen) =>
          writer === from.id && begins.some(({ place, after }) => place < outputs && sequence >= after),
        missed,
        hasRoom: () => this.#hasRoom(from.id),
        room: () => this.#room(from.id),
      };
      this.#leaveLanes.push(feed(from.stream).subscribe(subscriber, core.sequenceOf(from.id)));
    }
  }

  /** Hands what the next step may have to `core`. */
  take(core: TaskCore, nowMs: number): void {
    const stopped = this.#stopped;
    const eventsMax = Math.min(STEP_EVENTS_MAX, Math.max(core.backPressure.room, STEP_EVENTS_MIN));
    const records = this.#inbox.take({ eventsMax, bytesMax: STEP_BYTES_MAX }, stopped);
    if (records.length > 0) core.takeRecords(records, nowMs);
    if (this.#inbox.bytesBut(stopped) < INBOX_BYTES_MAX / 2 || !this.#inbox.isReady(stopped)) this.#wakeAll();
  }

  /** Others may have room when a lane is under back-pressure, and it has when it is not any more. */
  #lookStopped(): void {
    const stopped = this.#stopped;
    if (stopped.size === 0 && this.#wasStopped.size === 0) return;
    this.#wasStopped = stopped;
    this.#stoppedTime ??= new WaitedTime(this.#parts.clock);
    this.#stoppedTime.set(stopped.size > 0);
    this.#wakeAll();
  }

  close(): void {
    this.#isClosed = true;
    for (const leave of this.#leaveLanes) leave();
    this.#wakeAll();
    this.#inbox.clear();
  }

  #wakeAll(): void {
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  async #room(stage: string): Promise<void> {
    while (!this.#isClosed && !this.#hasRoom(stage)) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  /** L1. */
  #hasRoom(stage: string): boolean {
    const stopped = this.#stopped;
    const others = stopped.has(stage) ? NO_LANES : stopped; // L3
    return this.#inbox.bytesBut(others) < INBOX_BYTES_MAX || !this.#inbox.isReady(others);
  }

  #offer(record: LaneRecord, from: StagePlan, edges: ReadonlySet<number>): void {
    const found = inboxRecord(record, from.id, edges, this.#parts.partition, from.id === this.#parts.stage.id);
    if (found === null) return;
    this.#inbox.offer(found);
    this.#parts.notify();
  }
}
