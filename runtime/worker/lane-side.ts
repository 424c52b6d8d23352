// What a task reads of the stages before it: its subscriptions to their lanes, and what waits of them to be taken into a step.
//
//   L2. A lane whose turn has not come is not read at all.
//   L1. What waits is bounded in bytes; a step held until its last record comes must not be kept from it.

import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { Inbox } from '../task/inbox.ts';
import type { TaskCore } from '../task/step.ts';
import { inboxRecord } from './inbox-record.ts';
import type { LaneFeed, LaneRecord, Seen } from './lane-feed.ts';

/** A step is given at most this much; how much of it it takes in, time says (task/step.ts, P4). */
const STEP_EVENTS_MAX = 65_536;
const STEP_BYTES_MAX = 2 * 1024 * 1024;
/** Bytes of a lane kept for this task before it reads on alone. */
const INBOX_BYTES_MAX = 8 * 1024 * 1024;

export type LaneSideParts = {
  readonly plan: PhysicalPlan;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly feed: (stream: string) => LaneFeed;
  readonly notify: () => void;
  /** Records that the task was to get are gone. */
  readonly missed: (error: unknown) => void;
};

export class LaneSide {
  readonly #parts: LaneSideParts;
  readonly #inbox = new Inbox();
  readonly #leaveLanes: (() => void)[] = [];
  readonly #roomWaiters: (() => void)[] = [];
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
    return this.#inbox.isReady;
  }

  /** There is enough for a step of full size. */
  get isFull(): boolean {
    return this.#inbox.bytes >= STEP_BYTES_MAX / 2;
  }

  /** Begins to read the lanes whose turn it is; to be called again while some are left. */
  open(core: TaskCore): void {
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
      const begins = inputs.map((index) => ({ place: from.outputs.indexOf(index), after: core.positionOf(index) }));
      const subscriber = {
        offer: (record: LaneRecord) => this.#offer(record, from, edges),
        needsBehind: ({ stage: writer, outputs, sequence }: Seen) =>
          writer === from.id && begins.some(({ place, after }) => place < outputs && sequence >= after),
        missed,
        hasRoom: () => this.#hasRoom(),
        room: () => (this.#hasRoom() ? Promise.resolve() : new Promise<void>((resolve) => this.#roomWaiters.push(resolve))),
      };
      this.#leaveLanes.push(feed(from.stream).subscribe(subscriber, core.sequenceOf(from.id)));
    }
  }

  /** Hands what the next step may have to `core`. */
  take(core: TaskCore, nowMs: number): void {
    const records = this.#inbox.take({ eventsMax: STEP_EVENTS_MAX, bytesMax: STEP_BYTES_MAX });
    if (records.length > 0) core.takeRecords(records, nowMs);
    if (this.#inbox.bytes < INBOX_BYTES_MAX / 2 || !this.#inbox.isReady) this.#wakeAll();
  }

  close(): void {
    for (const leave of this.#leaveLanes) leave();
    this.#wakeAll();
    this.#inbox.clear();
  }

  #wakeAll(): void {
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  /** L1. */
  #hasRoom(): boolean {
    return this.#inbox.bytes < INBOX_BYTES_MAX || !this.#inbox.isReady;
  }

  #offer(record: LaneRecord, from: StagePlan, edges: ReadonlySet<number>): void {
    const found = inboxRecord(record, from.id, edges, this.#parts.partition, from.id === this.#parts.stage.id);
    if (found === null) return;
    this.#inbox.offer(found);
    this.#parts.notify();
  }
}
