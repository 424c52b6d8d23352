// How a task that moves changes hands: the new owner follows it until it is warm, only then the old one lets go.
//
//      old owner    runs ··················································· ─▶ drains ─▶ says so
//      new owner         ─▶ follows (warm-copy.ts) ─▶ warm, says so                       ─▶ claims, reads the rest, steps
//
//   O1. Only partitions with state are warmed up; of the others there is nothing to read.
//   O2. Leave is given by what is known here, by nobody's word alone: a successor that does not warm up, or never says so, is waited
//       for WARM_UP_MAX_MS. Whatever is wrongly believed, the fence keeps the task safe.
//   O3. When nobody runs the task, it is claimed at once, with what was followed so far.
//   O4. At most LOADING_MAX copies are loaded at a time: the first are warm the sooner, and memory is not filled by images. What is to
//       move is not kept waiting by what only stands by.
//   O5. A standby (standbys.ts) is followed in the same way, for as long as it is one. When its owner is gone it is claimed as in O3.

import type { Clock } from '../base/clock.ts';
import { LEASE_MS } from '../base/limits.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
import { CopyFeed } from './copy-feed.ts';
import type { Heartbeat } from './membership.ts';
import { WarmCopy } from './warm-copy.ts';
import type { WarmCopyParts } from './warm-copy.ts';

/** States of gigabytes are read in this time. What moves later moves cold. */
const WARM_UP_MAX_MS = 60_000;
/** After this long a warm task is claimed although another worker says that it runs it. */
const HANDOVER_MAX_MS = 2 * LEASE_MS;
const LOADING_MAX = 2;

export type HandOverParts = Omit<WarmCopyParts, 'stage' | 'partition' | 'feed'> & {
  /** What another worker that lives says. */
  readonly peer: (worker: string) => Heartbeat | null;
};

/** A partition that is followed here for its owner. */
export type StandbyFigures = {
  readonly task: string;
  readonly stage: string;
  /** Commit records that it has not taken in yet. */
  readonly lagRecords: number;
  /** State that it holds. */
  readonly bytes: number;
  /** It would go on with few records to read. */
  readonly isWarm: boolean;
};

export class HandOver {
  readonly #parts: HandOverParts;
  readonly #clock: Clock;
  readonly #copies = new Map<string, WarmCopy>();
  readonly #feeds = new Map<string, CopyFeed>();
  /** Since when this worker waits to begin a task, and to be let go of one. */
  readonly #waitingSinceMs = new Map<string, number>();
  readonly #leavingSinceMs = new Map<string, number>();

  constructor(parts: HandOverParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
  }

  /** Tasks of which there is a warm copy here. */
  get warm(): readonly string[] {
    return [...this.#copies.values()].filter(({ isWarm }) => isWarm).map(({ task }) => task);
  }

  /** What is followed here as a standby; `numberOf`: the last record that a task's owner has told of. */
  standbys(numberOf: (task: string) => number): readonly StandbyFigures[] {
    return [...this.#copies.values()].flatMap(({ task, stage, number, bytes, isWarm, isStandby }) => {
      const lagRecords = Math.max(0, numberOf(task) - number);
      return isStandby ? [{ task, stage: stage.id, lagRecords, bytes, isWarm }] : [];
    });
  }

  /** Follows a task that another worker runs, for as long as `keepOnly` is told so (O5). */
  standBy(stage: StagePlan, partition: number): void {
    this.#warmUp(stage, partition, this.#feedOf(stage.stream));
  }

  /** A task that is assigned here and not begun. True: it can be begun now. */
  mayBegin(stage: StagePlan, partition: number, isHeldElsewhere: boolean): boolean {
    const task = taskName(stage.id, partition);
    const waitedMs = waited(this.#waitingSinceMs, task, this.#clock.monotonicMs());
    if (!isHeldElsewhere) return true;
    if (isStateful(stage)) this.#warmUp(stage, partition);
    const isWarm = !isStateful(stage) || this.#copies.get(task)?.isWarm === true;
    return waitedMs >= (isWarm ? HANDOVER_MAX_MS : HANDOVER_MAX_MS + WARM_UP_MAX_MS);
  }

  /** The copy of a task that begins now. */
  take(task: string): WarmCopy | null {
    const copy = this.#copies.get(task) ?? null;
    this.#copies.delete(task);
    this.#waitingSinceMs.delete(task);
    return copy;
  }

  /** A task that runs here. True: it can be given up, since `owner` has it from here on, or is not waited for any longer. */
  mayLeave(stage: StagePlan, task: string, owner: string | undefined): boolean {
    const waitedMs = waited(this.#leavingSinceMs, task, this.#clock.monotonicMs());
    if (!isStateful(stage) || owner === undefined || waitedMs >= WARM_UP_MAX_MS) return true;
    const successor = this.#parts.peer(owner);
    return successor !== null && successor.warm?.includes(task) !== false;
  }

  /** Tasks that neither come nor go are forgotten. */
  keepOnly(comes: (task: string) => boolean, goes: (task: string) => boolean): void {
    for (const [task, copy] of this.#copies) {
      if (comes(task)) continue;
      copy.close();
      this.#copies.delete(task);
    }
    for (const task of this.#waitingSinceMs.keys()) if (!comes(task)) this.#waitingSinceMs.delete(task);
    for (const task of this.#leavingSinceMs.keys()) if (!goes(task)) this.#leavingSinceMs.delete(task);
  }

  /** Another revision of the job: what is followed of stages that are the same is followed on. */
  keepStages(same: ReadonlySet<string>): void {
    for (const [task, copy] of this.#copies) {
      if (same.has(copy.stage.id)) continue;
      copy.close();
      this.#copies.delete(task);
    }
    this.#waitingSinceMs.clear();
    this.#leavingSinceMs.clear();
  }

  close(): void {
    this.keepOnly(
      () => false,
      () => false,
    );
  }

  #warmUp(stage: StagePlan, partition: number, feed?: CopyFeed): void {
    const task = taskName(stage.id, partition);
    const alike = [...this.#copies.values()].filter(({ isStandby }) => isStandby === (feed !== undefined));
    if (this.#copies.has(task) || alike.filter(({ isWarm }) => !isWarm).length >= LOADING_MAX) return;
    this.#copies.set(task, new WarmCopy({ ...this.#parts, stage, partition, feed }));
  }

  #feedOf(stream: string): CopyFeed {
    const feed = this.#feeds.get(stream) ?? new CopyFeed({ ...this.#parts, stream });
    this.#feeds.set(stream, feed);
    return feed;
  }
}

function isStateful({ kind }: StagePlan): boolean {
  return kind === 'keyed';
}

function waited(since: Map<string, number>, task: string, nowMs: number): number {
  const sinceMs = since.get(task) ?? nowMs;
  since.set(task, sinceMs);
  return nowMs - sinceMs;
}
