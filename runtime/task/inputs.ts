// What a task has read of its upstream lanes: positions, and the watermark of every upstream partition.
//
//   I1. A position only rises; a record at or below it was taken in before and is skipped.
//   I2. The watermark of an edge is the minimum over all partitions of the stage it comes from.
//   I3. Each edge has a position of its own: one that is new (an upgrade) reads its lane from the beginning, where others of the
//       same lane have been before.

import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import type { InputPosition } from '../journal/record.ts';
import type { EdgePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';

type EdgeInput = { readonly edge: EdgePlan; readonly outputIndex: number; sequence: number; readonly watermarks: number[] };

export class TaskInputs {
  readonly #edges: EdgeInput[];

  constructor(plan: PhysicalPlan, stage: StagePlan) {
    this.#edges = stage.inputs.map((index) => {
      const edge = plan.edges[index] as EdgePlan;
      const from = plan.stages.find((candidate) => candidate.id === edge.fromStage) as StagePlan;
      return {
        edge,
        outputIndex: from.outputs.indexOf(index),
        sequence: 0,
        watermarks: Array.from({ length: from.partitionCount }, () => WATERMARK_MIN),
      };
    });
  }

  restore(positions: readonly InputPosition[]): void {
    for (const position of positions) {
      const input = this.#edges.find(({ edge }) => edge.index === position.edge);
      if (input === undefined) continue;
      input.sequence = position.sequence;
      position.watermarks.forEach((watermark, partition) => (input.watermarks[partition] = watermark ?? WATERMARK_MIN));
    }
  }

  positions(): InputPosition[] {
    return this.#edges.map(({ edge, sequence, watermarks }) => ({
      edge: edge.index,
      sequence,
      watermarks: watermarks.map((watermark) => (watermark === WATERMARK_MIN ? null : watermark)),
    }));
  }

  /** Sequence up to which all edges have taken in the lane of stage `stageId`; 0 before the first. */
  sequenceOf(stageId: string): number {
    return Math.min(...this.#edges.filter(({ edge }) => edge.fromStage === stageId).map(({ sequence }) => sequence));
  }

  /** Last sequence taken in on edge `edge`. */
  positionOf(edge: number): number {
    return this.#edges.find((input) => input.edge.index === edge)?.sequence ?? 0;
  }

  /** Notes that the record of `stageId`/`partition` at `sequence` was taken in, with its watermarks per out-edge. */
  note(stageId: string, partition: number, sequence: number, watermarks: readonly (number | null)[]): void {
    for (const input of this.#edges) {
      if (input.edge.fromStage !== stageId || sequence <= input.sequence) continue;
      input.sequence = sequence;
      const watermark = watermarks[input.outputIndex] ?? WATERMARK_MIN;
      if (watermark > (input.watermarks[partition] ?? WATERMARK_MIN)) input.watermarks[partition] = watermark;
    }
  }

  /** Watermark per edge index. */
  watermarks(): Map<number, number> {
    return new Map(this.#edges.map(({ edge, watermarks }) => [edge.index, Math.min(...watermarks)]));
  }

  ended(): boolean {
    return this.#edges.every(({ watermarks }) => watermarks.every((watermark) => watermark === WATERMARK_MAX));
  }
}
