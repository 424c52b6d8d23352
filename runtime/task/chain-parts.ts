// What a chain is made of.

import type { Clock } from '../base/clock.ts';
import type { EdgePlan, NodePlan, StagePlan } from '../plan/physical-plan.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { Table, Transform } from '../transforms/transform.ts';
import type { StepTrace } from './step-trace.ts';

export type ChainParts = {
  readonly stage: StagePlan;
  readonly edges: readonly EdgePlan[];
  readonly state: PartitionState;
  readonly makeTransform: (node: NodePlan) => Transform;
  readonly table: (name: string) => Table;
  /** null: nothing is traced. */
  readonly trace?: StepTrace | null;
  /** What its stretches are measured by; absent: they never end. */
  readonly clock?: Pick<Clock, 'monotonicMs'> | undefined;
};

/** Per node id: input and output watermark. */
export type NodeWatermarks = Readonly<Record<string, readonly [input: number, output: number]>>;
