// The numbers of exchanges, which journals are full of: segments and positions name an exchange by its number, watermarks and
// counts by its place among the outputs of its stage.
//
//   G1. An exchange that was there before keeps its number; new ones get numbers above all that were ever given.
//   G2. One that is gone stays, retired: so no number, and no place among a stage's outputs, ever means something else.
//   G3. One that comes back is a new one: what was given out before it went, and what its reader knew of it, is over.

import { assert } from '../base/assert.ts';
import type { EdgePlan, NodePlan, StagePlan } from './physical-plan.ts';

type Numbered = { readonly stages: readonly StagePlan[]; readonly edges: readonly EdgePlan[] };

/** `stages` and `edges` of a new plan, numbered behind the edges of the plan `before` (none: as they are). */
export function numberEdges(stages: readonly StagePlan[], edges: readonly EdgePlan[], before: readonly EdgePlan[]): Numbered {
  if (before.length === 0) return { stages, edges };
  let next = before.length;
  const numbers = new Map(edges.map((edge) => [edge.index, before.find((old) => isSame(old, edge))?.index ?? next++]));
  const numberOf = (index: number): number => {
    const found = numbers.get(index);
    assert(found !== undefined, () => `edge ${index} is in the plan`);
    return found;
  };
  const kept = new Set(numbers.values());
  const retired = before.filter(({ index }) => !kept.has(index)).map((edge): EdgePlan => ({ ...edge, retired: true }));
  const all = [...edges.map((edge) => ({ ...edge, index: numberOf(edge.index) })), ...retired].toSorted((a, b) => a.index - b.index);
  return { stages: stages.map((stage) => renumber(stage, numberOf, retired)), edges: all };
}

/** The same way of events from the same stage to the same stage. Which of its transforms they come out of may change. */
function isSame(old: EdgePlan, edge: EdgePlan): boolean {
  return (
    old.retired !== true &&
    old.id === edge.id &&
    old.fromStage === edge.fromStage &&
    old.toStage === edge.toStage &&
    old.partitioning === edge.partitioning
  );
}

function renumber(stage: StagePlan, numberOf: (index: number) => number, retired: readonly EdgePlan[]): StagePlan {
  const gone = retired.filter(({ fromStage }) => fromStage === stage.id).map(({ index }) => index);
  return {
    ...stage,
    inputs: stage.inputs.map(numberOf).toSorted(ascending),
    outputs: [...stage.outputs.map(numberOf), ...gone].toSorted(ascending),
    nodes: stage.nodes.map((node) => renumberNode(node, numberOf)),
  };
}

function renumberNode(node: NodePlan, numberOf: (index: number) => number): NodePlan {
  return { ...node, inputs: node.inputs.map((input) => (input.kind === 'edge' ? { ...input, edge: numberOf(input.edge) } : input)) };
}

function ascending(a: number, b: number): number {
  return a - b;
}
