// What a step gives out on each exchange, as the segments of its record.
//
//   O1. Dead letters go last: events of other exchanges that cannot be stored join them.
//   O3. What goes to every partition lies in the record once, and counts as often as it is taken in.
//   O2. On a retired exchange nothing is given out.

import type { Batch, DeadLetter } from '../event/batch.ts';
import { withTraces } from '../event/trace-marks.ts';
import type { EdgePlan, PhysicalPlan } from '../plan/physical-plan.ts';
import { EVERY_PARTITION } from '../journal/record.ts';
import { slices, splitByKey, toOne, type Outgoing } from './exchange.ts';
import { deadLetterBatch } from './letters.ts';
import type { Segment } from './step-record.ts';
import type { StepTrace } from './step-trace.ts';
import { encodeStorable } from './storable.ts';

/** Events of one destination above this count are cut into several segments, so that a large step can span records. */
const SEGMENT_EVENTS_MAX = 8_192;

/** `given`: events by place of the exchange. `copies`: how many of them are further ones of the same event (O3). */
export type Encoded = { readonly segments: readonly Segment[]; readonly given: readonly number[]; readonly copies: number };

export class OutgoingSide {
  readonly #plan: PhysicalPlan;
  readonly #edges: readonly EdgePlan[];
  readonly #trace: StepTrace | null;
  readonly #partition: number;

  constructor(plan: PhysicalPlan, edges: readonly EdgePlan[], trace: StepTrace | null, partition: number) {
    this.#partition = partition;
    this.#plan = plan;
    this.#edges = edges;
    this.#trace = trace;
  }

  /** `deadLetters` gets what cannot be stored, too. */
  encode(batches: ReadonlyMap<number, readonly Batch[]>, deadLetters: DeadLetter[], ingestMs: number): Encoded {
    const given = this.#edges.map(() => 0);
    let copies = 0;
    const take = (place: number, edge: EdgePlan, from: readonly Batch[], refused: DeadLetter[]): readonly Segment[] => {
      const segments = from.length === 0 ? [] : this.#segments(edge, from, refused);
      const count = segments.reduce((sum, segment) => sum + segment.count, 0);
      given[place] = edge.partitioning === 'all' ? count * this.#partitionCount(edge.toStage) : count;
      copies += given[place] - count;
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
    return { segments: [...data, ...dead], given, copies };
  }

  #segments(edge: EdgePlan, batches: readonly Batch[], refused: DeadLetter[]): readonly Segment[] {
    return this.#route(edge, batches).flatMap(({ partition, batch }) =>
      slices(batch, SEGMENT_EVENTS_MAX).flatMap((slice): Segment[] => {
        const { bytes, count, letters } = encodeStorable(slice, edge.from.node);
        for (const letter of letters) refused.push(this.#trace === null ? letter : this.#trace.deadLetter(letter, undefined));
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
