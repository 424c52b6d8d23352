// What a step gives out on each exchange, as the segments of its record.
//
//   O1. Dead letters go last: events of other exchanges that cannot be stored join them.
//   O3. What goes to every partition lies in the record once, and counts as often as it is taken in.
//   O4. Where the window behind an exchange has two phases, what crosses is summed up first (transforms/window/combiner.ts): the sums
//       are events that were made here, of those that went into them.
//   O2. On a retired exchange nothing is given out.

import { WATERMARK_MIN, type Batch, type DeadLetter } from '../event/batch.ts';
import { withTraces } from '../event/trace-marks.ts';
import { eventOfRound } from '../event/rounds.ts';
import { isLoop, type EdgePlan, type PhysicalPlan } from '../plan/physical-plan.ts';
import { phasesOf } from '../plan/two-phase.ts';
import { EVERY_PARTITION } from '../journal/record.ts';
import { Combiner, type CombinedBatch } from '../transforms/window/combiner.ts';
import type { Chain } from './chain.ts';
import { slices, splitByKey, toOne, type Outgoing } from './exchange.ts';
import { deadLetterBatch } from './letters.ts';
import type { Segment } from './step-record.ts';
import type { StepTrace } from './step-trace.ts';
import { encodeStorable } from './storable.ts';

/** Events of one destination above this count are cut into several segments, so that a large step can span records. */
const SEGMENT_EVENTS_MAX = 8_192;

/** `given`: events by place of the exchange. `made`: how many of them came to be here: further ones of the same event (O3), and sums, which
 *  have `absorbed` so many (O4). */
export type Encoded = {
  readonly segments: readonly Segment[];
  readonly given: readonly number[];
  readonly made: number;
  readonly absorbed: number;
};

/** The step's clock, and what its record promises. */
type Moment = Pick<Chain, 'nowMs' | 'edgeWatermarks'>;

export class OutgoingSide {
  readonly #plan: PhysicalPlan;
  readonly #edges: readonly EdgePlan[];
  readonly #trace: StepTrace | null;
  readonly #partition: number;
  readonly #combiners = new Map<number, Combiner>();
  /** Watermarks of the record before this step, by edge. */
  #promised = new Map<number, number>();

  constructor(plan: PhysicalPlan, edges: readonly EdgePlan[], trace: StepTrace | null, partition: number) {
    this.#partition = partition;
    this.#plan = plan;
    this.#edges = edges;
    this.#trace = trace;
    for (const edge of edges) {
      const phases = phasesOf(plan, edge);
      if (phases?.kind === 'two') this.#combiners.set(edge.index, new Combiner(phases.op));
      this.#promised.set(edge.index, WATERMARK_MIN);
    }
  }

  /** What was promised when the task was restored. */
  restored(watermarks: ReadonlyMap<number, number>): void {
    this.#promised = new Map(watermarks);
  }

  /** `deadLetters` gets what cannot be stored, too. */
  encode(batches: ReadonlyMap<number, readonly Batch[]>, deadLetters: DeadLetter[], ingestMs: number, chain: Moment): Encoded {
    const given = this.#edges.map(() => 0);
    let [made, absorbed] = [0, 0];
    const take = (place: number, edge: EdgePlan, from: readonly Batch[], refused: DeadLetter[]): readonly Segment[] => {
      const segments = from.length === 0 ? [] : this.#segments(edge, from, refused);
      const count = segments.reduce((sum, segment) => sum + segment.count, 0);
      given[place] = edge.partitioning === 'all' ? count * this.#partitionCount(edge.toStage) : count;
      made += given[place] - count;
      return segments;
    };
    const combined = (edge: EdgePlan, from: readonly Batch[]): readonly Batch[] => {
      const sums = from.length === 0 ? null : this.#combine(edge, from, chain.nowMs);
      if (sums === null) return from;
      made += sums.sums;
      absorbed += sums.events;
      return [sums.batch];
    };
    const data = this.#edges.flatMap((edge, place) =>
      edge.from.node === '*' || edge.retired === true ? [] : take(place, edge, combined(edge, batches.get(edge.index) ?? []), deadLetters),
    );
    const traces = this.#trace?.letterTraces(deadLetters);
    const letters = deadLetterBatch(deadLetters, ingestMs).map((batch) => withTraces(batch, traces));
    const dead = this.#edges.flatMap((edge, place) =>
      edge.from.node === '*' && edge.retired !== true ? take(place, edge, letters, []) : [],
    );
    this.#promised = new Map(chain.edgeWatermarks);
    return { segments: [...data, ...dead], given, made, absorbed };
  }

  /** O4; null: nothing was summed up. */
  #combine(edge: EdgePlan, batches: readonly Batch[], nowMs: number): CombinedBatch | null {
    const promised = this.#promised.get(edge.index);
    return promised === undefined ? null : (this.#combiners.get(edge.index)?.combine(batches, promised, nowMs) ?? null);
  }

  #segments(edge: EdgePlan, batches: readonly Batch[], refused: DeadLetter[]): readonly Segment[] {
    return this.#route(edge, batches).flatMap(({ partition, batch }) =>
      slices(batch, SEGMENT_EVENTS_MAX).flatMap((slice): Segment[] => {
        const { bytes, count, letters } = encodeStorable(slice, edge.from.node);
        for (const each of letters) {
          const letter = isLoop(edge) ? { ...each, event: eventOfRound(each.event) } : each;
          refused.push(this.#trace === null ? letter : this.#trace.deadLetter(letter, undefined));
        }
        return count === 0 ? [] : [{ kind: 'events', edge: edge.index, partition, count, bytes }];
      }),
    );
  }

  #route({ partitioning, toStage }: EdgePlan, batches: readonly Batch[]): readonly Outgoing[] {
    switch (partitioning) {
      case 'single':
        return toOne(batches, 0);
      case 'all':
        return toOne(batches, EVERY_PARTITION);
      case 'forward':
        return toOne(batches, this.#partition % this.#partitionCount(toStage));
      case 'key':
        return splitByKey(batches, this.#partitionCount(toStage));
    }
  }

  #partitionCount(stageId: string): number {
    return this.#plan.stages.find(({ id }) => id === stageId)?.partitionCount ?? 1;
  }
}
