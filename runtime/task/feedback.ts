// An exchange of a stage to itself: what its actors send each other or what a declared feedback brings back, and when no more of it
// can come.
//
// Every task of the stage reads the whole lane, so all see the same records in the same order. Of each partition its last record
// says how many messages it has sent and taken in so far, and how far its own end has come.
//
//   FB1. At a place in the lane all that was sent is taken in when both sums are equal: what a task has taken in lies before the
//        record that says so.
//   FB2. Once all inputs from other stages have ended and FB1 holds, nothing more is sent until timers fire by the end of time.
//        Only then the watermark ends. When it has ended everywhere and FB1 holds again, the stage is done.
//   FB3. What is known of the others is kept in each record, with the position up to which it is known.
//   FB4. A declared feedback has a watermark besides (loop-hold.ts).

import { WATERMARK_MIN, type Batch } from '../event/batch.ts';
import type { RecordHeader } from '../journal/record.ts';
import { isLoop, type EdgePlan, type StagePlan } from '../plan/physical-plan.ts';
import { together, type Together } from '../time/watermark.ts';
import { LoopHold, lowestBehind, type LoopStanding } from './loop-hold.ts';

/** How far the end of a partition has come: it takes in, its inputs have ended, its watermark has ended. */
type Phase = 0 | 1 | 2;

/** What a partition's record says. `work`: counts up with whatever it did. */
type Standing = { readonly sent: number; readonly taken: number; readonly phase: Phase; readonly work: number };

const NOTHING: Standing = { sent: 0, taken: 0, phase: 0, work: -1 };
const NUMBERS = 3;

/** Of a record what the tasks of its own stage look at. */
export type OwnRecord = Pick<RecordHeader, 'counters' | 'inputs' | 'nodeWatermarks'>;

export class Feedback {
  readonly #edge: number;
  readonly #place: number;
  readonly #others: readonly number[];
  readonly #node: string;
  readonly #partitions: Standing[];
  /** null: no watermark comes by it. */
  readonly #hold: LoopHold | null;
  /** Lowest time of what the step sends round. */
  #lowMs: number | null = null;

  constructor(edge: EdgePlan, stage: StagePlan, others: readonly number[]) {
    this.#edge = edge.index;
    this.#place = stage.outputs.indexOf(edge.index);
    this.#others = others;
    this.#node = edge.from.node;
    this.#partitions = Array.from({ length: stage.partitionCount }, () => NOTHING);
    this.#hold = isLoop(edge) ? new LoopHold(stage.partitionCount) : null;
  }

  /** FB3: three numbers a partition; then, of a feedback, what this record itself sends round and what its hold knows. `isSameLane`: the
   *  record lies in the lane that is read on. */
  restore(numbers: readonly (number | null)[], isSameLane: boolean): void {
    this.#hold?.restore(numbers.slice(this.#partitions.length * NUMBERS + 1), isSameLane);
    this.#partitions.forEach((_, partition) => {
      const [sent, taken, phase] = numbers.slice(partition * NUMBERS, (partition + 1) * NUMBERS);
      if (typeof phase === 'number')
        this.#partitions[partition] = { sent: sent ?? 0, taken: taken ?? 0, phase: phase as Phase, work: NOTHING.work };
    });
  }

  numbers(): (number | null)[] {
    const counts = this.#partitions.flatMap(({ sent, taken, phase }) => [sent, taken, phase]);
    return this.#hold === null ? counts : [...counts, this.#lowMs, ...this.#hold.numbers()];
  }

  /** What the step that ends now sends round, and up to where the watermark has come where it leads: what is late already is not told. */
  sends(batches: readonly Batch[], watermark: number): void {
    if (this.#hold === null) return;
    this.#lowMs = lowestBehind(
      watermark,
      batches.flatMap(({ times }) => times),
    );
  }

  /** FB4; null: no watermark comes by it. */
  get together(): Together | null {
    return this.#hold === null ? null : this.#hold.together;
  }

  /** True: the record tells more than positions. */
  note(
    partition: number,
    { counters, inputs, nodeWatermarks }: OwnRecord,
    at: { readonly sequence: number; readonly isClaim: boolean },
  ): boolean {
    const { eventsIn, eventsOut, made } = counters;
    const work = eventsIn + eventsOut + (made ?? 0);
    const before = this.#partitions[partition] ?? NOTHING;
    const isEnded = this.#others.every((edge) => {
      const watermarks = inputs.find((input) => input.edge === edge)?.watermarks ?? [];
      return watermarks.length > 0 && watermarks.every((watermark) => watermark === Infinity);
    });
    this.#partitions[partition] = {
      sent: counters.edgesOut[this.#place] ?? 0,
      taken: counters.edgesIn[inputs.findIndex((input) => input.edge === this.#edge)] ?? 0,
      phase: !isEnded ? 0 : nodeWatermarks[this.#node]?.[0] === Infinity ? 2 : 1,
      work,
    };
    const isWork = work !== before.work;
    const own = inputs.find((input) => input.edge === this.#edge);
    // A claim repeats what the record before it said of itself.
    const lowMs = isWork && !at.isClaim ? (own?.watermarks[this.#partitions.length * NUMBERS] ?? null) : null;
    this.#hold?.note(partition, this.#standing(inputs, own), { sequence: at.sequence, lowMs });
    return isWork;
  }

  #standing(inputs: OwnRecord['inputs'], own: OwnRecord['inputs'][number] | undefined): LoopStanding {
    const others = inputs.flatMap(({ edge, watermarks, idle = [] }) => {
      if (!this.#others.includes(edge) || watermarks.length === 0) return [];
      const all = watermarks.map((watermark) => watermark ?? WATERMARK_MIN);
      return [
        together(
          all,
          all.map((_, partition) => idle.includes(partition)),
        ),
      ];
    });
    const { watermark, isIdle } =
      others.length < this.#others.length
        ? { watermark: WATERMARK_MIN, isIdle: false }
        : together(
            others.map((one) => one.watermark),
            others.map((one) => one.isIdle),
          );
    return { watermark, isIdle, sequence: own?.sequence ?? 0 };
  }

  /** All partitions have come to `phase`, and nothing is under way between them (FB2). */
  isSettled(phase: 1 | 2): boolean {
    let underWay = 0;
    for (const partition of this.#partitions) {
      if (partition.phase < phase) return false;
      underWay += partition.sent - partition.taken;
    }
    return underWay === 0;
  }
}
