// What a task reads of the stages before it: its subscriptions to their lanes, and what waits of them to be taken into a step.
//
//   L2. A lane whose turn has not come is not read at all.
//   L3. A lane that is ahead of others (task/lanes-ahead.ts) is not taken in, and what of it waits is no reason to read less of the others.
//       While the job is paused all is: a savepoint holds what waits inside of the task, and nothing between tasks.
//   L1. What waits is bounded in bytes; a step held until its last record comes must not be kept from it.

import type { Clock } from '../base/clock.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { Inbox } from '../task/inbox.ts';
import { NO_LANES } from '../task/lanes-ahead.ts';
import type { TaskCore } from '../task/step.ts';
import { HeldTime, type HeldFigures } from './held-time.ts';
import { inboxRecord } from './inbox-record.ts';
import type { LaneFeed, LaneRecord, Seen } from './lane-feed.ts';

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
  #wasHeld: ReadonlySet<string> = NO_LANES;
  /** null: none of its lanes was ever held. */
  #heldTime: HeldTime | null = null;
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
    return this.#inbox.isReady(this.#held);
  }

  /** Whether, and how long, a lane was not taken in (L3). */
  get heldFigures(): HeldFigures {
    return this.#heldTime?.figures() ?? {};
  }

  /** L3. */
  get #held(): ReadonlySet<string> {
    return this.#core === null || this.#parts.isPaused() ? NO_LANES : this.#core.lanesAhead.held;
  }

  /** There is enough for a step of full size. */
  get isFull(): boolean {
    return this.#inbox.bytesBut(this.#held) >= STEP_BYTES_MAX / 2;
  }

  /** Begins to read the lanes whose turn it is; to be called again after each step. */
  open(core: TaskCore): void {
    this.#core = core;
    this.#lookHeld();
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
    const held = this.#held;
    const eventsMax = Math.min(STEP_EVENTS_MAX, Math.max(core.lanesAhead.room, STEP_EVENTS_MIN));
    const records = this.#inbox.take({ eventsMax, bytesMax: STEP_BYTES_MAX }, held);
    if (records.length > 0) core.takeRecords(records, nowMs);
    if (this.#inbox.bytesBut(held) < INBOX_BYTES_MAX / 2 || !this.#inbox.isReady(held)) this.#wakeAll();
  }

  /** Others may have room when a lane is held, and it has when it is not any more. */
  #lookHeld(): void {
    const held = this.#held;
    if (held.size === 0 && this.#wasHeld.size === 0) return;
    this.#wasHeld = held;
    this.#heldTime ??= new HeldTime(this.#parts.clock);
    this.#heldTime.set(held.size > 0);
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
    const held = this.#held;
    const others = held.has(stage) ? NO_LANES : held; // L3
    return this.#inbox.bytesBut(others) < INBOX_BYTES_MAX || !this.#inbox.isReady(others);
  }

  #offer(record: LaneRecord, from: StagePlan, edges: ReadonlySet<number>): void {
    const found = inboxRecord(record, from.id, edges, this.#parts.partition, from.id === this.#parts.stage.id);
    if (found === null) return;
    this.#inbox.offer(found);
    this.#parts.notify();
  }
}
