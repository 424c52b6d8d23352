// One split among those of its group: whether it is ahead of them, how much of it may be read at a time, and how long it has waited.
//
//   S1. A split is ahead by what it has taken in, looked at after each piece. So it passes its bound by a piece at most.
//   S2. A piece is about a PIECE_SHARE of the drift, by how far the one before has led; the first one is an event.

import type { Clock } from '../base/clock.ts';
import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import type { SourceAlignment } from '../plan/physical-plan.ts';
import { isAhead, type SplitTime } from './alignment-board.ts';
import type { TaskFigures } from './task-figures.ts';
import { WaitedTime } from './waited-time.ts';

export type SplitAlignmentParts = SourceAlignment & {
  readonly task: string;
  readonly clock: Clock;
  /** It is not ahead any more. */
  readonly notify: () => void;
  readonly lowest: (group: string) => number;
  readonly told: (time: SplitTime) => void;
  /** It is to be notified from now on when it is not ahead; or not any more. */
  readonly waits: (split: SplitAlignment, isHeld: boolean) => void;
  /** Nobody here tells of it any more. */
  readonly left: (task: string, epoch: number) => void;
};

const PIECE_SHARE = 1 / 8;
const PIECE_EVENTS_MAX = 2_500;

export class SplitAlignment {
  /** Events of a piece (S2). */
  pieceEvents = 1;
  readonly #parts: SplitAlignmentParts;
  #watermark = WATERMARK_MIN;
  #epoch = 0;
  #isEnded = false;
  readonly #time: WaitedTime;

  constructor(parts: SplitAlignmentParts) {
    this.#parts = parts;
    this.#time = new WaitedTime(parts.clock);
  }

  get task(): string {
    return this.#parts.task;
  }

  get notify(): () => void {
    return this.#parts.notify;
  }

  /** Not to be read on for now. */
  get isAhead(): boolean {
    const { group, maxDriftMs, lowest } = this.#parts;
    return isAhead(this.#watermark, lowest(group), maxDriftMs);
  }

  /** Something of it waits, because it is ahead. */
  get isHeld(): boolean {
    return this.#time.isWaiting;
  }

  figures(): Pick<TaskFigures, 'held' | 'heldMs'> {
    return { heldMs: this.#time.ms, ...(this.isHeld ? { held: true as const } : {}) };
  }

  /** How far it has come. */
  came(epoch: number, watermark: number, isIdle: boolean): void {
    [this.#epoch, this.#watermark] = [epoch, watermark];
    this.#parts.told({
      task: this.task,
      epoch,
      watermark: watermark === WATERMARK_MIN ? null : watermark,
      is: isIdle ? 'idle' : 'open',
    });
  }

  /** It has ended for good: whoever runs it again finds it so. */
  end(epoch: number): void {
    this.#isEnded = true;
    this.#parts.told({ task: this.task, epoch, watermark: null, is: 'ended' });
  }

  /** A piece of so many events was taken in, and has led so far. */
  took(events: number, watermark: number): void {
    const passedMs = this.#watermark === WATERMARK_MIN || watermark === WATERMARK_MAX ? 0 : watermark - this.#watermark;
    const wanted = passedMs <= 0 ? this.pieceEvents * 2 : (events * this.#parts.maxDriftMs * PIECE_SHARE) / passedMs;
    this.pieceEvents = Math.min(PIECE_EVENTS_MAX, this.pieceEvents * 2, Math.max(1, Math.floor(wanted)));
  }

  /** `isHeld`: something was read that waits, because it is ahead. */
  wait(isHeld: boolean): void {
    if (isHeld === this.isHeld) return;
    this.#time.set(isHeld);
    this.#parts.waits(this, isHeld);
  }

  /** It does not run here any more. */
  leave(): void {
    this.wait(false);
    if (!this.#isEnded) this.#parts.left(this.task, this.#epoch);
  }
}
