// A plan for people (text, a drawing) and for programs (JSON): what runs where, and why.

import { describeSink, guaranteeOf, sinkSpecOf } from './explain-sink.ts';
import { explainMermaid } from './explain-mermaid.ts';
import { explainText } from './explain-text.ts';
import { stageFingerprints } from './fingerprint.ts';
import { machinePath } from './machine-path.ts';
import { hasStandbys, liveOutputs } from './physical-plan.ts';
import { phasesOf } from './two-phase.ts';
import type { EdgePlan, NodePlan, PhysicalPlan, StagePlan } from './physical-plan.ts';

export type ExplainFormat = 'text' | 'json' | 'mermaid';

/** `plan` in `format`, without a newline at the end. Text fits 80 columns. */
export function explainPlan(plan: PhysicalPlan, format: ExplainFormat): string {
  switch (format) {
    case 'text':
      return explainText(plan);
    case 'mermaid':
      return explainMermaid(plan);
    case 'json':
      return JSON.stringify(summary(plan), null, 2);
  }
}

/** The plan without code: stable names, plain data. */
function summary(plan: PhysicalPlan): unknown {
  const fingerprints = stageFingerprints(plan);
  return {
    job: plan.job,
    fingerprint: plan.fingerprint,
    ...(hasStandbys(plan) ? { standbyReplicas: plan.standbyReplicas } : {}),
    ...(plan.state === undefined ? {} : { state: plan.state }),
    stages: plan.stages.map((stage) => ({
      id: stage.id,
      kind: stage.kind,
      partitions: stage.partitionCount,
      stream: stage.stream,
      subjects: `${stage.subjectPrefix}.*`,
      transforms: stage.nodes.map((node) => {
        const path = machinePath(node.op);
        return { id: node.id, kind: node.op.kind, inputs: inputsOf(node, plan), ...(path === null ? {} : { path }) };
      }),
      reads: stage.inputs.map((index) => plan.edges[index]?.id),
      writes: liveOutputs(plan, stage).map(({ id }) => id),
      reasons: stage.reasons,
      ...sinkOf(stage),
      fingerprint: fingerprints[stage.id],
    })),
    exchanges: plan.edges
      .filter(({ retired }) => retired !== true)
      .map((edge) => ({
        id: edge.id,
        from: edge.fromStage,
        transform: edge.from.node,
        output: edge.from.output,
        to: edge.toStage,
        partitioning: edge.partitioning,
        ...phasesIn(plan, edge),
      })),
    tables: plan.tables.map(({ name, file }) => ({ name, path: file.path })),
    streams: plan.streams,
  };
}

function inputsOf(node: NodePlan, plan: PhysicalPlan): readonly string[] {
  return node.inputs.map((input) => {
    if (input.kind === 'edge') return plan.edges[input.edge]?.id ?? '';
    return input.from.output === null ? input.from.node : `${input.from.node}.${input.from.output}`;
  });
}

/** `phases`: of the aggregate that reads it; why it is one. */
function phasesIn(plan: PhysicalPlan, edge: EdgePlan): { readonly phases?: 1 | 2; readonly onePhaseBecause?: string } {
  const phases = phasesOf(plan, edge);
  if (phases === null) return {};
  return phases.kind === 'two' ? { phases: 2 } : { phases: 1, onePhaseBecause: phases.why };
}

function sinkOf(stage: StagePlan): { readonly sink?: unknown } {
  const spec = sinkSpecOf(stage);
  return spec === null ? {} : { sink: { to: describeSink(spec), guarantee: guaranteeOf(spec) } };
}
