// What a task's steps are made of.

import type { Clock } from '../base/clock.ts';
import type { SinkState, SinkWriter } from '../connectors/sink.ts';
import type { SourceConnector } from '../connectors/source.ts';
import type { NodePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import type { Table, Transform } from '../transforms/transform.ts';
import type { StepTrace } from './step-trace.ts';

export type TaskParts = {
  readonly plan: PhysicalPlan;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly makeTransform: (node: NodePlan) => Transform;
  readonly table: (name: string) => Table;
  /** Sink stages: how results are encoded. */
  readonly sink: { readonly writer: Pick<SinkWriter, 'prepare'>; readonly initial: SinkState } | null;
  /** Sources: how what a dead letter shows is decoded again. */
  readonly decodeAgain?: SourceConnector['decodeAgain'];
  /** null: nothing is traced. */
  readonly trace?: StepTrace | null;
  /** What stretches are measured by; absent: a step takes in all that it is given. */
  readonly clock?: Pick<Clock, 'monotonicMs'> | undefined;
};
