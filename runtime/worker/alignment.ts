// What the workers of a job tell each other of how far the splits of their sources have come, so that none runs ahead of the others.
//
//   every split that runs here ── at once ──▶ board ◀── ALIGNMENT_TOPIC ── the splits of the others
//                                               │
//                                               └──▶ a split that is ahead waits (SplitAlignment), and is woken when it is not any more
//
//   L1. News are told every TELL_MS, and all of it every TELL_ALL_MS: a message that is lost costs time only, and so does a worker
//       that begins and knows nothing yet.
//   L2. Who has ended a split goes on telling so. A split that was given up is told of by nobody until somebody has claimed it.
//   L3. Nothing of it is stored: it decides when something is read, never what comes of it.

import type { Clock } from '../base/clock.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { alignmentOf, taskName } from '../plan/physical-plan.ts';
import { AlignmentBoard, type SplitTime } from './alignment-board.ts';
import type { Bus } from './directory.ts';
import { SplitAlignment } from './split-alignment.ts';

export const ALIGNMENT_TOPIC = 'alignment';
/** How old news may be: a group of splits goes on by at most its drift in this time. */
export const TELL_MS = 100;
const TELL_ALL_MS = 1_000;
/** About 100 kB a message. */
const SPLITS_A_MESSAGE_MAX = 1_000;

export class Alignment {
  readonly #board = new AlignmentBoard();
  readonly #bus: Bus;
  readonly #clock: Clock;
  /** What is told by this worker. */
  readonly #mine = new Map<string, SplitTime>();
  readonly #news = new Set<string>();
  readonly #held = new Set<SplitAlignment>();
  #toldAllMs = -Infinity;

  constructor({ bus, clock }: { readonly bus: Bus; readonly clock: Clock }) {
    this.#bus = bus;
    this.#clock = clock;
  }

  /** The groups are those of `plan` from now on. */
  update(plan: PhysicalPlan): void {
    this.#board.update(groupsOf(plan));
    for (const [task, time] of this.#mine) {
      if (this.#board.has(task)) this.#board.hear(time);
      else this.#mine.delete(task);
    }
    this.#wake();
  }

  /** Gives how to stop. */
  listen(): () => void {
    return this.#bus.subscribe(ALIGNMENT_TOPIC, (value) => {
      const { splits } = value as { readonly splits: readonly SplitTime[] };
      let isNews = false;
      for (const time of splits) if (!this.#isMine(time)) isNews = this.#board.hear(time) || isNews;
      if (isNews) this.#wake();
    });
  }

  /** L1: to be called every TELL_MS. */
  tell(): void {
    if (this.#mine.size === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const isAll = nowMs - this.#toldAllMs >= TELL_ALL_MS;
    if (isAll) this.#toldAllMs = nowMs;
    const splits = [...this.#mine.values()].filter(({ task }) => isAll || this.#news.has(task));
    this.#news.clear();
    for (let at = 0; at < splits.length; at += SPLITS_A_MESSAGE_MAX)
      this.#bus.publish(ALIGNMENT_TOPIC, { splits: splits.slice(at, at + SPLITS_A_MESSAGE_MAX) });
  }

  /** A split that is run here; null: its source is not aligned. */
  join(stage: StagePlan, partition: number, notify: () => void): SplitAlignment | null {
    const declared = alignmentOf(stage);
    if (declared === null) return null;
    return new SplitAlignment({ task: taskName(stage.id, partition), ...declared, clock: this.#clock, ...this.#side(notify) });
  }

  #side(notify: () => void): Pick<ConstructorParameters<typeof SplitAlignment>[0], 'notify' | 'lowest' | 'told' | 'waits' | 'left'> {
    return {
      notify,
      lowest: (group) => this.#board.lowest(group),
      told: (time) => {
        this.#mine.set(time.task, time);
        if (!this.#board.hear(time)) return;
        this.#news.add(time.task);
        this.#wake();
      },
      waits: (split, isHeld) => {
        if (isHeld) this.#held.add(split);
        else this.#held.delete(split);
      },
      left: (task, epoch) => {
        if (this.#mine.get(task)?.epoch === epoch) this.#mine.delete(task);
      },
    };
  }

  /** What this worker has told itself, it knows better by now. */
  #isMine({ task, epoch }: SplitTime): boolean {
    return (this.#mine.get(task)?.epoch ?? -1) >= epoch;
  }

  #wake(): void {
    for (const split of this.#held) if (!split.isAhead) split.notify();
  }
}

function groupsOf({ stages }: PhysicalPlan): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const stage of stages) {
    const declared = alignmentOf(stage);
    if (declared === null) continue;
    const tasks = Array.from({ length: stage.partitionCount }, (_, partition) => taskName(stage.id, partition));
    groups.set(declared.group, [...(groups.get(declared.group) ?? []), ...tasks]);
  }
  return groups;
}
