// What a task has read of its upstream lanes: positions, and the watermark of every upstream partition.
//
//   I1. A position only rises; a record at or below it was taken in before and is skipped.
//   I2. The watermark of an edge is that of all partitions of the stage it comes from, together (time/watermark.ts). It may be lower
//       than before when one that was idle speaks again.
//   I3. Each edge has a position of its own: one that is new (an upgrade) reads its lane from the beginning, where others of the
//       same lane have been before.

import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import type { InputPosition } from '../journal/record.ts';
import type { EdgePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { together, type Together } from '../time/watermark.ts';
import type { InboxRecord } from './inbox.ts';

type EdgeInput = {
  readonly edge: EdgePlan;
  readonly outputIndex: number;
  sequence: number;
  readonly watermarks: number[];
  readonly idle: boolean[];
};

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
        idle: Array.from({ length: from.partitionCount }, () => false),
      };
    });
  }

  restore(positions: readonly InputPosition[]): void {
    for (const position of positions) {
      const input = this.#edges.find(({ edge }) => edge.index === position.edge);
      if (input === undefined) continue;
      input.sequence = position.sequence;
      position.watermarks.forEach((watermark, partition) => (input.watermarks[partition] = watermark ?? WATERMARK_MIN));
      for (const partition of position.idle ?? []) input.idle[partition] = true;
    }
  }

  positions(): InputPosition[] {
    return this.#edges.map(({ edge, sequence, watermarks, idle }) => ({
      edge: edge.index,
      sequence,
      ...(idle.includes(true) ? { idle: idle.flatMap((isIdle, partition) => (isIdle ? [partition] : [])) } : {}),
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

  /** Notes that a record was taken in, with its watermarks per out-edge. */
  note({
    stage,
    partition,
    sequence,
    watermarks,
    idle = [],
  }: Pick<InboxRecord, 'stage' | 'partition' | 'sequence' | 'watermarks' | 'idle'>): void {
    for (const input of this.#edges) {
      if (input.edge.fromStage !== stage || sequence <= input.sequence) continue;
      input.sequence = sequence;
      const watermark = watermarks[input.outputIndex] ?? WATERMARK_MIN;
      if (watermark > (input.watermarks[partition] ?? WATERMARK_MIN)) input.watermarks[partition] = watermark;
      input.idle[partition] = idle.includes(input.outputIndex);
    }
  }

  /** What is known per edge index (I2). */
  watermarks(): Map<number, Together> {
    return new Map(this.#edges.map(({ edge, watermarks, idle }) => [edge.index, together(watermarks, idle)]));
  }

  ended(): boolean {
    return this.#edges.every(({ watermarks }) => watermarks.every((watermark) => watermark === WATERMARK_MAX));
  }
}
