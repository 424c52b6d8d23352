// A plan, with the text that it was made from, as the page shows it. Pure.

import { createHash } from 'node:crypto';
import { explainPlan } from '../runtime/plan/explain.ts';
import { describeSink, sinkSpecOf } from '../runtime/plan/explain-sink.ts';
import { DEAD_LETTERS, DEAD_LETTERS_SUBJECT } from '../runtime/plan/plan-names.ts';
import { type EdgePlan, loopName, type NodePlan, type PhysicalPlan, type StagePlan } from '../runtime/plan/physical-plan.ts';
import { poolOf } from '../runtime/plan/pools.ts';
import type { Chart, Declared, DeclaredEdge, DeclaredStage, JobRef } from './api.ts';
import { patternMachine } from '../runtime/transforms/pattern/pattern-machine.ts';
import { chartOf } from './statechart.ts';

export type DeclaredParts = {
  readonly ref: JobRef;
  readonly plan: PhysicalPlan;
  readonly description: string | null;
  readonly text: string;
  readonly language: Declared['language'];
  /** What tells this run, or revision, from others of the same job. */
  readonly run: string;
  /** Where traces are looked at; null: nowhere. */
  readonly jaegerUrl: string | null;
};

export function declaredOf({ ref, plan, description, text, language, run, jaegerUrl }: DeclaredParts): Declared {
  const hasPools = plan.stages.some(({ pool }) => pool !== undefined);
  return {
    id: createHash('sha256')
      .update(JSON.stringify([run, plan.fingerprint, text]))
      .digest('hex')
      .slice(0, 16),
    ref,
    description,
    text,
    language,
    jaegerUrl,
    planText: explainPlan(plan, 'text'),
    stages: plan.stages.map((stage) => stageOf(stage, hasPools ? poolOf(stage) : null)),
    edges: plan.edges.filter((edge) => edge.retired !== true && plan.stages.some(({ id }) => id === edge.toStage)).map(edgeOf),
    charts: plan.stages.flatMap(({ id, nodes }) => nodes.flatMap((node) => chartIn(id, node))),
  };
}

function stageOf(stage: StagePlan, pool: string | null): DeclaredStage {
  return {
    id: stage.id,
    kind: stage.kind,
    partitionCount: stage.partitionCount,
    nodes: stage.nodes.map(({ id, op }) => ({ id, kind: op.kind })),
    about: aboutOf(stage),
    isDeadLetters: stage.id === DEAD_LETTERS || stage.id === DEAD_LETTERS_SUBJECT,
    pool,
  };
}

function aboutOf(stage: StagePlan): string | null {
  const sink = sinkSpecOf(stage);
  if (sink !== null) return describeSink(sink);
  for (const { op } of stage.nodes) {
    if (op.kind !== 'source') continue;
    if (op.spec.file !== undefined) return `file ${op.spec.file.path}`;
    if (op.spec.nats !== undefined) return `subject ${op.spec.nats.subjects.join(', ')}`;
  }
  return null;
}

function edgeOf(edge: EdgePlan): DeclaredEdge {
  const { index, fromStage, toStage, partitioning } = edge;
  return { index, from: fromStage, to: toStage, label: labelOf(edge), partitioning };
}

function labelOf(edge: EdgePlan): string {
  const { node, output } = edge.from;
  if (node === '*') return 'dead letters';
  return loopName(edge) ?? (output === null ? node : `${node}.${output}`);
}

/** A builder's own machine holds what it was made from; of one that is only a mark the states are known. A pattern is the chart of one
 *  of its partial matches. */
function chartIn(stage: string, { id, op }: NodePlan): readonly Chart[] {
  if (op.kind === 'machine') return [chartOf(stage, id, op.spec)];
  if (op.kind === 'pattern') return [{ ...chartOf(stage, id, patternMachine(op.spec).machine), of: 'partialMatches' }];
  if (op.kind !== 'xstate') return [];
  const { config } = (op.machine ?? {}) as { readonly config?: unknown };
  if (config !== undefined) return [chartOf(stage, id, config)];
  return [chartOf(stage, id, { states: Object.fromEntries((op.states ?? []).map((state) => [state, {}])) })];
}
