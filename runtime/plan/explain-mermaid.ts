// A plan as a Mermaid flowchart: a box for each stage with its transforms, arrows between them.

import { describeSink, sinkSpecOf } from './explain-sink.ts';
import { loopName, type PhysicalPlan, type StagePlan } from './physical-plan.ts';

export function explainMermaid(plan: PhysicalPlan): string {
  const drawn = plan.stages.filter((stage) => stage.kind !== 'sink');
  const sinks = plan.stages.filter((stage) => stage.kind === 'sink');
  return ['flowchart LR', ...drawn.flatMap(drawStage), ...sinks.map(drawSink), ...drawExchanges(plan)].join('\n');
}

function drawStage(stage: StagePlan): readonly string[] {
  const nodes = stage.nodes.map((node) => `    ${idOf(stage.id, node.id)}["${escape(node.id)}<br/><small>${node.op.kind}</small>"]`);
  const inside = stage.nodes.flatMap((node) =>
    node.inputs.flatMap((input) =>
      input.kind === 'edge' ? [] : [`    ${idOf(stage.id, input.from.node)} -->${label(input.from.output)} ${idOf(stage.id, node.id)}`],
    ),
  );
  const title = `${stage.id} (${stage.kind}, ${stage.partitionCount} partition${stage.partitionCount === 1 ? '' : 's'})`;
  return [`  subgraph ${idOf(stage.id)}["${escape(title)}"]`, ...nodes, ...inside, '  end'];
}

function drawSink(stage: StagePlan): string {
  const spec = sinkSpecOf(stage);
  return `  ${idOf(stage.id, stage.id)}[("${escape(stage.id)}<br/><small>${escape(spec === null ? '' : describeSink(spec))}</small>")]`;
}

/** The dead letters of all stages are one dotted arrow each, and only of stages that are drawn as boxes. */
function drawExchanges(plan: PhysicalPlan): readonly string[] {
  return plan.edges.flatMap((edge) => {
    if (edge.retired === true) return [];
    const from = plan.stages.find(({ id }) => id === edge.fromStage);
    if (edge.from.node === '*') return from?.kind === 'sink' ? [] : [`  ${idOf(edge.fromStage)} -.-> ${idOf(edge.toStage, edge.toStage)}`];
    const target = plan.stages.find(({ id }) => id === edge.toStage);
    const start = idOf(edge.fromStage, edge.from.node);
    if (target === undefined)
      return [
        `  ${start} -->${label(edge.from.output)} ${idOf(edge.toStage)}[("${escape(edge.toStage.replace(/^sink:/, ''))}<br/><small>journal</small>")]`,
      ];
    const readers = target.nodes.filter(({ inputs }) => inputs.some((input) => input.kind === 'edge' && input.edge === edge.index));
    const arrow = edge.partitioning === 'key' ? '==>' : '-->';
    return readers.map((reader) => `  ${start} ${arrow}${label(loopName(edge) ?? edge.from.output)} ${idOf(target.id, reader.id)}`);
  });
}

function label(output: string | null): string {
  return output === null ? '' : `|${output}|`;
}

/** Mermaid's ids are words, and `end` is one of its own. Names are lower case, so capitals keep what is between them apart. */
function idOf(...parts: readonly string[]): string {
  return `n_${parts.join('_IN_').replaceAll('-', '_').replaceAll('/', '_OF_').replaceAll(':', '_TO_')}`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
