// What a run's state depends on, as a hash, and what changed between two declarations, in sentences.
//
//   F1. In: ids, kinds, partitions, every transform as declared, exchanges and their order (positions in journals refer to
//       it), tables. Out: descriptions, reasons, and who runs it (pools).
//   F2. Functions count by their source text; what they close over is not seen.

import { createHash } from 'node:crypto';
import { formatPath, type PathPart } from '../base/path.ts';
import type { EdgePlan, PhysicalPlan, StagePlan } from './physical-plan.ts';
import { canonicalText } from './structure.ts';
import { phasesOf } from './two-phase.ts';

/** sha256, hex, of all that must be equal for state to be continued. The plan's own `fingerprint` does not count. */
export function fingerprintOf(plan: PhysicalPlan): string {
  return hash([plan.job, plan.stages.map(stateOf), plan.edges, plan.tables]);
}

/** The same for each stage by itself, by stage id: equal for stages whose own state another plan can continue. */
export function stageFingerprints(plan: PhysicalPlan): Readonly<Record<string, string>> {
  const idsOf = (indices: readonly number[]): readonly string[] => indices.map((index) => plan.edges[index]?.id ?? '');
  return Object.fromEntries(
    plan.stages.map((stage) => {
      const { index: _index, inputs, outputs: _outputs, nodes, ...rest } = stateOf(stage);
      // By id: an edge that is added elsewhere moves the numbers, not what they mean.
      const byId = nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((input) => (input.kind === 'edge' ? { ...input, edge: plan.edges[input.edge]?.id } : input)),
      }));
      const sums = sumsOf(plan, stage);
      return [stage.id, hash([rest, idsOf(inputs), byId, ...(sums.length === 0 ? [] : [sums])])];
    }),
  );
}

/** What makes state of `before` useless to `after`, a sentence each; empty when both have one fingerprint. `before` may come
 *  from JSON: functions that were lost there are not compared. */
export function explainChange(before: PhysicalPlan, after: PhysicalPlan): string[] {
  if (before.fingerprint === after.fingerprint) return [];
  const changes = [
    ...(before.job === after.job ? [] : [`the job was called ${before.job} and is now ${after.job}`]),
    ...compareNamed(before.stages, after.stages, 'stage', compareStages),
    ...compareNamed(before.tables.map(named), after.tables.map(named), 'table', (a, b) => describeDifference(`table ${a.id}`, a, b)),
  ];
  if (changes.length > 0) return changes;
  const edges = compareNamed(before.edges, after.edges, 'exchange', (a, b) =>
    describeDifference(`exchange ${a.id}`, stripEdge(a), stripEdge(b)),
  );
  if (edges.length > 0) return edges;
  const sameOrder =
    before.stages.every(({ id }, i) => after.stages[i]?.id === id) && before.edges.every(({ id }, i) => after.edges[i]?.id === id);
  return [sameOrder ? 'the code of a function changed' : 'stages are declared in another order'];
}

/** What it sums up for windows of other stages: their code runs here too. */
function sumsOf(plan: PhysicalPlan, { id }: StagePlan): readonly unknown[] {
  return plan.edges.flatMap((edge) => {
    const phases = edge.fromStage === id ? phasesOf(plan, edge) : null;
    return phases?.kind === 'two' ? [[edge.id, phases.op.window, phases.op.aggregates]] : [];
  });
}

function stateOf(stage: StagePlan): Omit<StagePlan, 'reasons' | 'resumed' | 'pool'> {
  const { reasons: _reasons, resumed: _resumed, pool: _pool, ...state } = stage;
  return { ...state, nodes: stage.nodes.map((node) => ({ ...node, op: withoutDescriptions(node.op) as typeof node.op })) };
}

function hash(value: unknown): string {
  return createHash('sha256').update(canonicalText(value)).digest('hex');
}

function declared({ op, onError }: StagePlan['nodes'][number]): unknown {
  return { ...(withoutDescriptions(op) as object), onError };
}

/** Only a source's schema has descriptions that are not behaviour; the states of a marked machine are told by its mark. */
function withoutDescriptions(op: StagePlan['nodes'][number]['op']): unknown {
  if (op.kind === 'xstate') return { ...op, states: undefined, sends: undefined };
  if (op.kind !== 'source' || op.spec.schema === undefined) return op;
  const fields = Object.entries(op.spec.schema).map(([name, field]) => {
    if (typeof field === 'string') return [name, field] as const;
    const { description: _description, ...rest } = field;
    return [name, rest] as const;
  });
  return { ...op, spec: { ...op.spec, schema: Object.fromEntries(fields) } };
}

type Named = { readonly id: string };

function named<T extends { readonly name: string }>(value: T): T & Named {
  return { ...value, id: value.name };
}

function compareNamed<T extends Named>(
  before: readonly T[],
  after: readonly T[],
  what: string,
  compare: (before: T, after: T) => readonly string[],
): string[] {
  const removed = before.filter(({ id }) => !after.some((other) => other.id === id)).map(({ id }) => `${what} ${id} is gone`);
  const added = after.filter(({ id }) => !before.some((other) => other.id === id)).map(({ id }) => `${what} ${id} is new`);
  const changed = before.flatMap((one) => {
    const other = after.find(({ id }) => id === one.id);
    return other === undefined ? [] : compare(one, other);
  });
  return [...removed, ...added, ...changed];
}

function compareStages(before: StagePlan, after: StagePlan): readonly string[] {
  const partitions =
    before.partitionCount === after.partitionCount
      ? []
      : [`stage ${before.id} had ${before.partitionCount} partitions and now has ${after.partitionCount}`];
  const nodes = compareNamed(before.nodes, after.nodes, 'transform', (a, b) =>
    a.op.kind === b.op.kind
      ? describeDifference(`${a.op.kind} ${a.id}`, declared(a), declared(b))
      : [`transform ${a.id} was ${a.op.kind} and is now ${b.op.kind}`],
  );
  return [...partitions, ...nodes];
}

function stripEdge({ index: _index, ...rest }: EdgePlan): unknown {
  return rest;
}

/** The first differences inside, by path: `window hourly: window.sizeMs was 3600000 and is now 7200000`. */
function describeDifference(what: string, before: unknown, after: unknown): readonly string[] {
  return differences(before, after, [])
    .slice(0, DIFFERENCES_MAX)
    .map(({ path, was, is }) => `${what}: ${formatPath(path)} was ${show(was)} and is now ${show(is)}`);
}

/** More would not tell more: it is another declaration. */
const DIFFERENCES_MAX = 3;

type Difference = { readonly path: readonly PathPart[]; readonly was: unknown; readonly is: unknown };

function differences(was: unknown, is: unknown, path: readonly PathPart[]): readonly Difference[] {
  if (was === undefined && typeof is === 'function') return []; // lost in JSON
  if (isObject(was) && isObject(is) && Array.isArray(was) === Array.isArray(is)) {
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return names.flatMap((name) => differences(was[name], is[name], [...path, Array.isArray(was) ? Number(name) : name]));
  }
  return canonicalText(was) === canonicalText(is) ? [] : [{ path, was, is }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const SHOWN_MAX = 60;

function show(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? 'absent');
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
}
