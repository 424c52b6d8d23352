// What a step gives out on each exchange, as the segments of its record.
//
//   O1. Dead letters go last: events of other exchanges that cannot be stored join them.
//   O2. On a retired exchange nothing is given out.

import type { Batch, DeadLetter } from '../event/batch.ts';
import { withTraces } from '../event/trace-marks.ts';
import type { EdgePlan, PhysicalPlan } from '../plan/physical-plan.ts';
import { slices, splitByKey, toSingle } from './exchange.ts';
import { deadLetterBatch } from './letters.ts';
import type { Segment } from './step-record.ts';
import type { StepTrace } from './step-trace.ts';
import { encodeStorable } from './storable.ts';

/** Events of one destination above this count are cut into several segments, so that a large step can span records. */
const SEGMENT_EVENTS_MAX = 8_192;

/** `given`: events by place of the exchange. */
export type Encoded = { readonly segments: readonly Segment[]; readonly given: readonly number[] };

export class OutgoingSide {
  readonly #plan: PhysicalPlan;
  readonly #edges: readonly EdgePlan[];
  readonly #trace: StepTrace | null;

  constructor(plan: PhysicalPlan, edges: readonly EdgePlan[], trace: StepTrace | null) {
    this.#plan = plan;
    this.#edges = edges;
    this.#trace = trace;
  }

  /** `deadLetters` gets what cannot be stored, too. */
  encode(batches: ReadonlyMap<number, readonly Batch[]>, deadLetters: DeadLetter[], ingestMs: number): Encoded {
    const given = this.#edges.map(() => 0);
    const take = (place: number, edge: EdgePlan, from: readonly Batch[], refused: DeadLetter[]): readonly Segment[] => {
      const segments = from.length === 0 ? [] : this.#segments(edge, from, refused);
      given[place] = segments.reduce((sum, { count }) => sum + count, 0);
      return segments;
    };
    const data = this.#edges.flatMap((edge, place) =>
      edge.from.node === '*' || edge.retired === true ? [] : take(place, edge, batches.get(edge.index) ?? [], deadLetters),
    );
    const traces = this.#trace?.letterTraces(deadLetters);
    const letters = deadLetterBatch(deadLetters, ingestMs).map((batch) => withTraces(batch, traces));
    const dead = this.#edges.flatMap((edge, place) =>
      edge.from.node === '*' && edge.retired !== true ? take(place, edge, letters, []) : [],
    );
    return { segments: [...data, ...dead], given };
  }

  #segments(edge: EdgePlan, batches: readonly Batch[], refused: DeadLetter[]): readonly Segment[] {
    const outgoing = edge.partitioning === 'single' ? toSingle(batches) : splitByKey(batches, this.#partitionCount(edge.toStage));
    return outgoing.flatMap(({ partition, batch }) =>
      slices(batch, SEGMENT_EVENTS_MAX).flatMap((slice): Segment[] => {
        const { bytes, count, letters } = encodeStorable(slice, edge.from.node);
        for (const letter of letters) refused.push(this.#trace === null ? letter : this.#trace.deadLetter(letter, undefined));
        return count === 0 ? [] : [{ kind: 'events', edge: edge.index, partition, count, bytes }];
      }),
    );
  }

  #partitionCount(stageId: string): number {
    return this.#plan.stages.find(({ id }) => id === stageId)?.partitionCount ?? 1;
  }
}
