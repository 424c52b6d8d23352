// Whether a window is computed in two phases: summed up by key and slice in the stage before the exchange, and put together behind it.
//
//   W1. Only where the results are the same to the last digit, each event that fails or is late is still told of alone, and no result
//       tells of events as they came one by one. Otherwise the plan says why not.

import type { AggregateSpec } from '../../crds/stream-job/aggregates.ts';
import { AGGREGATE_FUNCTIONS } from '../../crds/stream-job/aggregates.ts';
import { isFeedback, type EdgePlan, type NodePlan, type OpPlan, type PhysicalPlan, type StagePlan } from './physical-plan.ts';

export type WindowOp = Extract<OpPlan, { kind: 'window' }>;

/** What becomes of the events of an exchange before they cross it. `why`: a sentence's part that goes on after "because". */
export type Phases =
  { readonly kind: 'two'; readonly node: string; readonly op: WindowOp } | { readonly kind: 'one'; readonly why: string };

type Function = (typeof AGGREGATE_FUNCTIONS)[number];
/** Sums whose last digit does not depend on the order of their parts, and that no single event can be too much for. */
const SUMS: ReadonlySet<Function> = new Set<Function>(['count', 'sum', 'mean', 'min', 'max', 'approxDistinct']);
/** Why events have to come one by one to another, where more can be said than that they do. */
const ONE_BY_ONE: Readonly<Partial<Record<Function, string>>> = {
  variance: 'the last digits of variance depend on how its parts are put together',
  stddev: 'the last digits of stddev depend on how its parts are put together',
  first: 'first takes the one that came first of events of one time',
  last: 'last takes the one that came last of events of one time',
  collect: 'collect keeps each event, within a limit that is told of the event that exceeds it',
  distinct: 'distinct keeps each value, within a limit that is told of the event that exceeds it',
  quantiles: 'quantiles depend, within their error, on how their parts are put together',
  top: 'top keeps events of one rank as they came',
};

/** Null: no aggregate reads the exchange. */
export function phasesOf(plan: Pick<PhysicalPlan, 'stages'>, edge: EdgePlan): Phases | null {
  if (edge.partitioning !== 'key' || edge.retired === true || isFeedback(edge)) return null;
  const readers = readersOf(edge, plan.stages);
  const [reader] = readers.filter(({ op }) => op.kind === 'window' || op.kind === 'aggregate');
  if (reader === undefined) return null;
  const why = whyNot(reader, readers, plan.stages);
  if (why !== null || reader.op.kind !== 'window') return { kind: 'one', why: why ?? '' };
  return { kind: 'two', node: reader.id, op: reader.op };
}

export function readersOf(edge: EdgePlan, stages: readonly StagePlan[]): readonly NodePlan[] {
  const to = stages.find(({ id }) => id === edge.toStage);
  return to?.nodes.filter(({ inputs }) => inputs.some((input) => input.kind === 'edge' && input.edge === edge.index)) ?? [];
}

function whyNot({ id, op }: NodePlan, readers: readonly NodePlan[], stages: readonly StagePlan[]): string | null {
  if (readers.length > 1) return `${readers.map((reader) => reader.id).join(' and ')} read the same exchange`;
  if (op.kind !== 'window') return 'a running aggregate has a result whenever it changes';
  if (op.spec.preAggregate === false) return 'it is declared so';
  if (op.keyWatermark !== undefined) return 'each event may close windows of its key';
  if (op.window.kind === 'session') return 'an event may join two sessions, or be too late for one';
  if (op.window.kind === 'count') return 'a window by count ends at an event';
  if (op.panes !== undefined || op.window.kind === 'global') return 'results before the end of a window tell of events as they come';
  const idle = stages.flatMap(({ nodes }) => nodes).find((node) => node.op.kind === 'source' && node.op.idle !== undefined);
  if (idle !== undefined) return `splits of ${idle.id} may be idle, and an event may then be late in ${id} that was not where it came from`;
  for (const spec of Object.values(op.aggregates)) {
    const name = functionOf(spec);
    if (!SUMS.has(name)) return ONE_BY_ONE[name] ?? `${name} depends on the events that came before each`;
  }
  return null;
}

function functionOf(spec: AggregateSpec): Function {
  return AGGREGATE_FUNCTIONS.find((each) => spec[each] !== undefined) ?? 'count';
}
