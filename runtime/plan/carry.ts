// What an exchange has to carry: where everything behind it only counts events, key and time are enough.
//
//   A1. Only windows (without conditions on events) and running aggregates whose aggregates are all bare counts: nothing of the event is read, and
//       nothing can fail on it, so no dead letter would lack it. Late events cross whole (transforms/key-by.ts).
//   A2. Where splits may be idle, an event may be late behind the exchange though it is not where it comes from: all cross whole.
//   A3. The same where something is taken in before: what waits may be late behind that.

import type { AggregateSpec } from '../../crds/stream-job/aggregates.ts';
import type { EdgePlan, NodePlan, StagePlan } from './physical-plan.ts';
import { readersOf } from './two-phase.ts';

/** The stages with `carry` decided for each of their key nodes. */
export function decideCarry(stages: readonly StagePlan[], edges: readonly EdgePlan[]): StagePlan[] {
  if (stages.some(({ nodes }) => nodes.some(({ op }) => op.kind === 'source' && op.idle !== undefined))) return [...stages]; // A2
  return stages.map((stage) => ({ ...stage, nodes: stage.nodes.map((node) => decideNode(node, stage, stages, edges)) }));
}

function decideNode(node: NodePlan, stage: StagePlan, stages: readonly StagePlan[], edges: readonly EdgePlan[]): NodePlan {
  if (node.op.kind !== 'keyBy' || node.op.maxRounds !== undefined) return node; // what goes round is read again as it is
  const isReadHere = stage.nodes.some(({ inputs }) => inputs.some((input) => input.kind === 'node' && input.from.node === node.id));
  const out = edges.filter((edge) => edge.fromStage === stage.id && edge.from.node === node.id);
  const readers = out.flatMap((edge) => readersOf(edge, stages));
  if (readers.some(({ inputs }) => inputs.some((input) => input.kind === 'edge' && input.turn !== undefined))) return node; // A3
  if (isReadHere || readers.length === 0 || !readers.every(onlyCounts)) return node;
  return { ...node, op: { ...node.op, carry: 'nothing' } };
}

/** All that reads it only counts, whether it carries fields or not. */
export function onlyCounted(edge: EdgePlan, stages: readonly StagePlan[]): boolean {
  const readers = readersOf(edge, stages);
  return readers.length > 0 && readers.every(onlyCounts);
}

function onlyCounts({ op }: NodePlan): boolean {
  if (op.kind !== 'window' && op.kind !== 'aggregate') return false;
  if (op.kind === 'aggregate' && op.rows !== undefined) return false;
  if (op.kind === 'window' && op.keyWatermark !== undefined) return false; // who is late the key says
  if (op.kind === 'window' && op.panes?.early.some(({ when }) => when !== null) === true) return false;
  return Object.values(op.aggregates).every(isBareCount);
}

function isBareCount(aggregate: AggregateSpec): boolean {
  return aggregate.count !== undefined && aggregate.where === undefined;
}
