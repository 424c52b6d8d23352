// What a task has read of its upstream lanes: positions, and the watermark of every upstream partition.
//
//   I1. A position only rises; a record at or below it was taken in before and is skipped.
//   I2. The watermark of an edge is that of all partitions of the stage it comes from, together (time/watermark.ts). It may be lower
//       than before when one that was idle speaks again.
//   I3. Each edge has a position of its own: one that is new (an upgrade) reads its lane from the beginning, where others of the
//       same lane have been before.
//   I4. By an exchange of the stage to itself comes no watermark of a record (feedback.ts, FB4); while messages are under way on it, the
//       end of the other inputs is held back.
//   I6. What waits for its turn is idle until then: the watermark is that of what is taken in before. Then it counts, and what it has
//       that is older than the watermark is late.
//   I5. Of the record behind the position some events may be taken in already (record-intake.ts, K1).

import { assert } from '../base/assert.ts';
import { WATERMARK_MAX, WATERMARK_MIN, type Batch } from '../event/batch.ts';
import type { InputPosition } from '../journal/record.ts';
import { isFeedback, type EdgePlan, type PhysicalPlan, type StagePlan } from '../plan/physical-plan.ts';
import { together, type Together } from '../time/watermark.ts';
import type { Chain } from './chain.ts';
import { Feedback } from './feedback.ts';
import type { InboxRecord } from './inbox.ts';

type EdgeInput = {
  readonly edge: EdgePlan;
  readonly outputIndex: number;
  sequence: number;
  part: NonNullable<InputPosition['part']> | null;
  readonly watermarks: number[];
  readonly idle: boolean[];
  readonly feedback: Feedback | null;
  readonly turn: 'first' | 'waits' | null;
};

export class TaskInputs {
  readonly #edges: EdgeInput[];
  /** Exchanges of the stage to itself, and the others. */
  readonly #feedback: readonly Feedback[];
  readonly #others: readonly EdgeInput[];
  readonly #stage: string;
  readonly #partition: number;
  /** I4: the other inputs have ended, and nothing was under way; the same once more behind the end of the watermark. */
  #mayEnd: boolean;
  #isOver: boolean;

  constructor(plan: PhysicalPlan, stage: StagePlan, partition: number) {
    this.#stage = stage.id;
    this.#partition = partition;
    const edges = stage.inputs.map((index) => plan.edges[index] as EdgePlan);
    const others = edges.filter((edge) => !isFeedback(edge)).map(({ index }) => index);
    this.#edges = edges.map((edge) => {
      const from = plan.stages.find((candidate) => candidate.id === edge.fromStage) as StagePlan;
      return {
        edge,
        outputIndex: from.outputs.indexOf(edge.index),
        sequence: 0,
        part: null,
        watermarks: Array.from({ length: from.partitionCount }, () => WATERMARK_MIN),
        idle: Array.from({ length: from.partitionCount }, () => false),
        feedback: isFeedback(edge) ? new Feedback(edge, stage, others) : null,
        turn: turnOf(edge, stage),
      };
    });
    this.#others = this.#edges.filter(({ feedback }) => feedback === null);
    this.#feedback = this.#edges.flatMap(({ feedback }) => feedback ?? []);
    this.#mayEnd = this.#isOver = this.#feedback.length === 0;
  }

  restore(positions: readonly InputPosition[]): void {
    for (const position of positions) {
      const input = this.#edges.find(({ edge }) => edge.index === position.edge);
      if (input === undefined) continue;
      input.sequence = position.sequence;
      input.part = position.part ?? null;
      if (input.feedback !== null) input.feedback.restore(position.watermarks, position.sequence > 0);
      else position.watermarks.forEach((watermark, partition) => (input.watermarks[partition] = watermark ?? WATERMARK_MIN));
      for (const partition of position.idle ?? []) input.idle[partition] = true;
    }
    this.#settle();
  }

  positions(): InputPosition[] {
    return this.#edges.map(({ edge, sequence, watermarks, idle, feedback, part }) => ({
      edge: edge.index,
      sequence,
      ...(idle.includes(true) ? { idle: idle.flatMap((isIdle, partition) => (isIdle ? [partition] : [])) } : {}),
      watermarks: feedback?.numbers() ?? watermarks.map((watermark) => (watermark === WATERMARK_MIN ? null : watermark)),
      ...(part === null ? {} : { part }),
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

  /** Events of the record at `sequence` that were taken in on edge `edge` (I5). */
  takenOf(edge: number, sequence: number): number {
    const part = this.#edges.find((input) => input.edge.index === edge)?.part ?? null;
    return part !== null && part.sequence === sequence ? part.events : 0;
  }

  /** So many more events of the record at `sequence` are taken in. */
  noteTaken(edge: number, sequence: number, events: number): void {
    const input = this.#edges.find((candidate) => candidate.edge.index === edge);
    if (input !== undefined) input.part = { sequence, events: this.takenOf(edge, sequence) + events };
  }

  /** Of a record only a part is taken in. */
  get isInside(): boolean {
    return this.#edges.some(({ part }) => part !== null);
  }

  /** Notes that a record was taken in, with its watermarks per out-edge. False: nobody waits for the position to be stored. */
  note({ stage, partition, sequence, watermarks, idle = [], own, bytes, kind }: Omit<InboxRecord, 'segments'>): boolean {
    let isNews = stage !== this.#stage;
    for (const input of this.#edges) {
      if (input.edge.fromStage !== stage || sequence <= input.sequence) continue;
      assert(
        input.part?.sequence !== undefined ? input.part.sequence === sequence : true,
        () => `of ${stage} ${input.part?.sequence} is taken in to its end before ${sequence}`,
      );
      input.part = null;
      input.sequence = sequence;
      if (input.feedback !== null) {
        const isWork = own !== undefined && input.feedback.note(partition, own, { sequence, isClaim: kind === 'claim' });
        // Stored positions of others are no reason to store one's own: it would never end.
        isNews ||= bytes > 0 || (isWork && partition !== this.#partition);
        continue;
      }
      const watermark = watermarks[input.outputIndex] ?? WATERMARK_MIN;
      if (watermark > (input.watermarks[partition] ?? WATERMARK_MIN)) input.watermarks[partition] = watermark;
      input.idle[partition] = idle.includes(input.outputIndex);
    }
    this.#settle();
    return isNews;
  }

  /** What is known per edge index (I2): of those that may rise (I4). */
  watermarks(): Map<number, Together> {
    const risen = new Map<number, Together>();
    for (const { edge, watermarks, idle } of this.#others) {
      if (this.waitsForTurn(edge.fromStage)) {
        risen.set(edge.index, NOT_YET);
        continue;
      }
      const all = together(watermarks, idle);
      if (all.watermark !== WATERMARK_MAX || this.#mayEnd) risen.set(edge.index, all);
    }
    for (const { edge, feedback } of this.#edges) {
      const all = feedback?.together ?? null;
      if (all === null) continue;
      if (this.#mayEnd) risen.set(edge.index, { watermark: WATERMARK_MAX, isIdle: false });
      else if (all.watermark !== WATERMARK_MAX) risen.set(edge.index, all);
    }
    return risen;
  }

  /** What the step that ends now gives out. */
  sendsRound(given: ReadonlyMap<number, readonly Batch[]>, chain: Pick<Chain, 'watermarkOf'>): void {
    for (const { edge, feedback } of this.#edges) feedback?.sends(given.get(edge.index) ?? [], chain.watermarkOf(edge.index));
  }

  /** Nothing of the lane of that stage is to be taken in yet. */
  waitsForTurn(stageId: string): boolean {
    if (this.#firstEnded) return false;
    return this.#edges.some(({ edge, turn }) => edge.fromStage === stageId && turn === 'waits');
  }

  ended(): boolean {
    return this.#isOver && this.#othersEnded();
  }

  /** Of a stage whose actors send each other events: how far its end has come. Else 0. */
  get endPhase(): 0 | 1 | 2 {
    if (this.#feedback.length === 0 || !this.#othersEnded()) return 0;
    return this.#mayEnd ? 2 : 1;
  }

  /** Up to where it has seen the lane of its own stage; undefined: it does not look at it. */
  get ownSequence(): number | undefined {
    return this.#edges.find(({ feedback }) => feedback !== null)?.sequence;
  }

  #othersEnded(): boolean {
    return this.#others.every(({ watermarks }) => watermarks.every((watermark) => watermark === WATERMARK_MAX));
  }

  /** All that is to be taken in before others was. */
  get #firstEnded(): boolean {
    return this.#edges.every(({ turn, watermarks }) => turn !== 'first' || watermarks.every((watermark) => watermark === WATERMARK_MAX));
  }

  /** After each record: what holds there may hold no more behind the next. */
  #settle(): void {
    if (this.#isOver || !this.#othersEnded()) return;
    this.#mayEnd ||= this.#feedback.every((feedback) => feedback.isSettled(1));
    this.#isOver = this.#feedback.every((feedback) => feedback.isSettled(2));
  }
}

/** I6. */
const NOT_YET: Together = { watermark: WATERMARK_MIN, isIdle: true };

function turnOf({ index }: EdgePlan, { nodes }: StagePlan): EdgeInput['turn'] {
  const inputs = nodes.flatMap((node) => node.inputs);
  return inputs.flatMap((input) => (input.kind === 'edge' && input.edge === index ? (input.turn ?? []) : [])).at(0) ?? null;
}
