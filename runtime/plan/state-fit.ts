// Whether a plan can go on with what lies in the state of another's stage: the rules, one kind of transform at a time.
//
//   F1. Each rule knows how its transform keeps its cells (transforms/), and says what would be read wrongly.

import { AGGREGATE_FUNCTIONS, type AggregateSpec } from '../../crds/stream-job/aggregates.ts';
import type { PatternStep } from '../../crds/stream-job/pattern.ts';
import type { SourceSpec } from '../../crds/stream-job/sources.ts';
import type { SinkSpec } from '../../crds/stream-job/spec.ts';
import type { MigrationSpec } from '../../crds/stream-job/state.ts';
import { formatDuration } from '../base/duration.ts';
import { onlyCounted } from './carry.ts';
import { compareMachines } from './machine-fit.ts';
import { isLoop } from './physical-plan.ts';
import type { CompiledPanes, NodePlan, OpPlan, PhysicalPlan, SideTablePlan, StagePlan } from './physical-plan.ts';
import { DEAD_LETTERS_SUBJECT } from './plan-names.ts';
import { canonicalText } from './structure.ts';
import { phasesOf, readersOf } from './two-phase.ts';

/** Why it does not fit, and what to do about it. */
export type Misfit = { readonly reason: string; readonly fix: string };

/** What of `stage` (of the plan `before`) the plan `after` cannot go on with. */
export function compareState(before: PhysicalPlan, stage: StagePlan, after: PhysicalPlan): readonly Misfit[] {
  const next = after.stages.find(({ id }) => id === stage.id);
  const nodes = stage.nodes.filter(({ op }) => hasState(op)).flatMap((node) => compareNode(node, stage, after));
  if (next === undefined) return nodes;
  return [
    ...compareKind(stage, next),
    ...compareKeys(before, stage, after, next),
    ...compareCarry(before, stage, after),
    ...comparePhases(before, stage, after),
    ...compareLoops(before, stage, after),
    ...nodes,
  ];
}

/** What cannot be made again from the input that comes. */
function hasState({ kind }: OpPlan): boolean {
  return !['filter', 'map', 'flatMap', 'eventTime', 'enrich', 'sample', 'keyBy', 'tableRows'].includes(kind);
}

const RENAME = 'give it another name: then it begins without state, and the old one is dropped';

function compareKind(stage: StagePlan, next: StagePlan): readonly Misfit[] {
  if (stage.kind !== next.kind) return [{ reason: `it was a ${stage.kind} stage and would be a ${next.kind} stage`, fix: RENAME }];
  if (stage.partitionCount === next.partitionCount) return [];
  const reason = `it has ${stage.partitionCount} partitions and would have ${next.partitionCount}: what each holds stays where it is`;
  return [{ reason, fix: `keep ${stage.partitionCount} partitions, or ${RENAME}` }];
}

/** A stage's keys: what its events are keyed by, one code a side. */
function compareKeys(before: PhysicalPlan, stage: StagePlan, after: PhysicalPlan, next: StagePlan): readonly Misfit[] {
  if (stage.kind !== 'keyed') return [];
  return (['left', 'right'] as const).flatMap((side) => {
    const [was, is] = [keysOf(before, stage, side), keysOf(after, next, side)];
    const known = is.filter((code) => was.includes(code));
    if (was.length === 0 || is.length === 0 || known.length === is.length) return [];
    const reason = `the key${side === 'right' ? ' of its other side' : ''} changes, and what it holds lies under the old keys`;
    return [{ reason, fix: RENAME }];
  });
}

function keysOf(plan: PhysicalPlan, stage: StagePlan, side: 'left' | 'right'): readonly string[] {
  const edges = stage.nodes.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input.kind === 'edge' && input.side === side ? [input.edge] : [])),
  );
  return edges.flatMap((index) => {
    const op = keyOp(plan, index);
    return op === null ? [] : [canonicalText(op.code)];
  });
}

function keyOp(plan: PhysicalPlan, index: number): Extract<OpPlan, { kind: 'keyBy' }> | null {
  const edge = plan.edges[index];
  const op = plan.stages.find(({ id }) => id === edge?.fromStage)?.nodes.find(({ id }) => id === edge?.from.node)?.op;
  return op?.kind === 'keyBy' ? op : null;
}

/** An exchange that only counts read carries no values: what is under way on it lacks them. */
function compareCarry(before: PhysicalPlan, stage: StagePlan, after: PhysicalPlan): readonly Misfit[] {
  return stage.inputs.flatMap((index) => {
    const edge = before.edges[index];
    const next = after.edges.find(({ id, retired }) => id === edge?.id && retired !== true);
    if (
      next === undefined ||
      keyOp(before, index)?.carry !== 'nothing' ||
      keyOp(after, next.index)?.carry === 'nothing' ||
      onlyCounted(next, after.stages)
    )
      return [];
    return [
      {
        reason: `so far all of it only counted, so the events that are under way to it (${edge?.id}) have a key and a time but no fields`,
        fix: 'give what reads their fields a stage of its own: another number of partitions (`partitions`) makes it one',
      },
    ];
  });
}

/** What is under way on its way back has no other reader. */
function compareLoops(before: PhysicalPlan, stage: StagePlan, after: PhysicalPlan): readonly Misfit[] {
  const lost = stage.inputs.some((index) => {
    const edge = before.edges[index];
    return edge !== undefined && isLoop(edge) && !after.edges.some(({ id, retired }) => id === edge.id && retired !== true);
  });
  if (!lost) return [];
  const reason = 'it would have no feedback, and events that are on their way back would be lost';
  return [{ reason, fix: `keep feedback (\`from\` may be an output that gives nothing out), or ${RENAME}` }];
}

/** Sums that are under way mean something to the window only that they were made for. */
function comparePhases(before: PhysicalPlan, stage: StagePlan, after: PhysicalPlan): readonly Misfit[] {
  return stage.inputs.flatMap((index) => {
    const edge = before.edges[index];
    const phases = edge === undefined ? null : phasesOf(before, edge);
    const next = after.edges.find(({ id, retired }) => id === edge?.id && retired !== true);
    if (next === undefined || phases?.kind !== 'two') return [];
    const others = readersOf(next, after.stages).flatMap(({ id }) => (id === phases.node ? [] : [id]));
    if (others.length === 0) return [];
    const [verb, own] = others.length > 1 ? ['read', 'stages of their own'] : ['reads', 'a stage of its own'];
    const reason = `so far ${phases.node} alone read ${edge?.id}, so what is under way on it are sums, and ${others.join(' and ')} now ${verb} it too`;
    return [{ reason, fix: `give ${others.join(' and ')} ${own}: another number of partitions (\`partitions\`) makes it one` }];
  });
}

function compareNode(node: NodePlan, stage: StagePlan, after: PhysicalPlan): readonly Misfit[] {
  const homes = after.stages.filter((other) => other.nodes.some(({ id }) => id === node.id));
  const home = homes.find(({ id }) => id === stage.id) ?? homes[0];
  const next = home?.nodes.find(({ id }) => id === node.id);
  const what = `${node.op.kind} ${node.id}`;
  if (home === undefined || next === undefined) return compareGone(node, stage, after);
  if (node.op.kind !== next.op.kind)
    return [{ reason: `${node.id} was of the kind ${node.op.kind} and would be of the kind ${next.op.kind}`, fix: RENAME }];
  if (home.id !== stage.id) {
    return [{ reason: `${what} would run in stage ${home.id}, and its state lies in ${stage.id}`, fix: movedFix(stage, node) }];
  }
  const hasClock = ({ nodes }: StagePlan): boolean => nodes.some(({ id }) => id === `${node.id}/clock`);
  if (hasClock(stage) !== hasClock(home)) {
    const [was, is] = hasClock(stage) ? ['the clock', 'event time'] : ['event time', 'the clock'];
    return [{ reason: `${what} worked by ${was} and would work by ${is}: times that it has kept would mean something else`, fix: RENAME }];
  }
  return compareOp(node.op, next.op).map(({ reason, fix }) => ({ reason: `${what}: ${reason}`, fix }));
}

function movedFix(stage: StagePlan, node: NodePlan): string {
  return `keep ${stage.id} as it is declared (stages with one input and one key are run together, named after the first), or give ${node.id} another name`;
}

/** What goes with its transform is meant to go; but events that are only held for another transform are not. */
function compareGone(node: NodePlan, stage: StagePlan, after: PhysicalPlan): readonly Misfit[] {
  const owner = node.id.replace(/\/order$/, '');
  if (node.op.kind !== 'order' || !after.stages.some(({ nodes }) => nodes.some(({ id }) => id === owner))) return [];
  return [
    {
      reason: `${owner} would take events as they come, and those that are held for their turn in ${stage.id} would be lost`,
      fix: `keep order: eventTime, or ${RENAME}`,
    },
  ];
}

function compareOp(was: OpPlan, is: OpPlan): readonly Misfit[] {
  return [...compareCells(was, is), ...compareExpiry(was, is), ...compareVersion(was, is)];
}

/** There must be a way from the version that lies there to the one that is declared. */
function compareVersion(was: OpPlan, is: OpPlan): readonly Misfit[] {
  const migrations = (op: OpPlan): readonly MigrationSpec[] => ('migrate' in op ? (op.migrate ?? []) : []);
  const version = (op: OpPlan): number => migrations(op).at(-1)?.to ?? 1;
  const [from, to] = [version(was), version(is)];
  if (from === to || migrations(is).some((step) => step.from === from)) return [];
  const reason = `its state has version ${from} and would have ${to}, and no migration leads from ${from}`;
  return [{ reason, fix: to > from ? `add { from: ${from}, to: …, state: … } to migrate` : `keep the migrations up to ${from}` }];
}

/** Timers of state that expires would come to a transform that does not know them. */
function compareExpiry(was: OpPlan, is: OpPlan): readonly Misfit[] {
  const ttl = (op: OpPlan): number | undefined => ('state' in op ? op.state?.ttlMs : undefined);
  if (ttl(was) === undefined || ttl(is) !== undefined) return [];
  return [{ reason: 'its state expires and would no longer', fix: `keep state.ttl, as long as may be, or ${RENAME}` }];
}

function compareCells(was: OpPlan, is: OpPlan): readonly Misfit[] {
  switch (was.kind) {
    case 'window':
      return is.kind === 'window' ? [...compareWindow(was, is), ...compareAggregates(was.aggregates, is.aggregates)] : [];
    case 'aggregate':
      return is.kind === 'aggregate' ? [...compareRows(was, is), ...compareAggregates(was.aggregates, is.aggregates)] : [];
    case 'join':
      return is.kind === 'join' ? compareJoin(was, is) : [];
    case 'sideInput':
      return is.kind === 'sideInput' ? compareSideTables(was.tables, is.tables) : [];
    case 'tableJoin':
    case 'windowJoin':
    case 'temporalJoin':
      return compareBoundJoin(was, is);
    case 'pattern':
      return is.kind === 'pattern' ? comparePattern(was, is) : [];
    case 'reduce':
      return is.kind === 'reduce' ? compareActorCells(was, is) : [];
    case 'machine':
    case 'xstate':
      return compareMachines(was, is);
    case 'source':
      return is.kind === 'source' ? compareSource(was.spec, is.spec) : [];
    case 'sink':
      // The subject of dead letters goes with the job's name: restored as another, it begins one of its own.
      return is.kind === 'sink' && is.spec.name !== DEAD_LETTERS_SUBJECT ? compareSink(was.spec, is.spec) : [];
    default:
      // dedupe: what it has seen is put where the new ttl looks for it (transforms/dedupe.ts). order: as it lies. reduce: what a
      // state means is between the old function and the new one.
      return [];
  }
}

type WindowOp = Extract<OpPlan, { kind: 'window' }>;

function compareWindow(was: WindowOp, is: WindowOp): readonly Misfit[] {
  if ((was.keyWatermark === undefined) !== (is.keyWatermark === undefined)) {
    const [from, to] = was.keyWatermark === undefined ? ['the stage', 'their key'] : ['their key', 'the stage'];
    const reason = `windows closed by the watermark of ${from} and would by that of ${to}: they are kept otherwise`;
    return [{ reason, fix: `keep keyWatermark as it is, or ${RENAME}` }];
  }
  if (canonicalText(was.window) === canonicalText(is.window)) return comparePanes(was, is);
  const [from, to] = [describeWindow(was), describeWindow(is)];
  return [
    { reason: `windows are ${from} and would be ${to}: those that are open would be cut elsewhere`, fix: `keep ${from}, or ${RENAME}` },
  ];
}

/** What lies beside the figures of a window with panes: what was told, and what holds of each trigger, by its place. */
function comparePanes({ panes: was }: WindowOp, { panes: is }: WindowOp): readonly Misfit[] {
  const fix = `keep early and accumulation as they are, or ${RENAME}`;
  if (was === undefined && is === undefined) return [];
  if (was === undefined || is === undefined) {
    const [from, to] = was === undefined ? ['one result', 'several'] : ['several results', 'one'];
    return [{ reason: `its windows had ${from} a key and would have ${to}, which are not kept alike`, fix }];
  }
  const discards = (panes: CompiledPanes): boolean => panes.accumulation === 'discarding';
  if (discards(was) !== discards(is) || (is.accumulation === 'retracting' && was.accumulation !== 'retracting')) {
    const reason = `its results were ${was.accumulation} and would be ${is.accumulation}, and of the windows that are open only what the old way needs is kept`;
    return [{ reason, fix }];
  }
  const marked = (panes: CompiledPanes): string => canonicalText(panes.early.map(({ when, once }) => [when !== null, once]));
  if (marked(was) === marked(is)) return [];
  return [{ reason: 'its triggers would stand in other places, and what holds of each is kept by its place', fix }];
}

function describeWindow({ spec: { tumbling, sliding, session, count, global } }: WindowOp): string {
  if (count !== undefined) {
    const { size, every, orAfter } = count;
    return `count ${size}${every === undefined ? '' : ` every ${every}`}${orAfter === undefined ? '' : ` orAfter ${orAfter}`}`;
  }
  if (global !== undefined) return 'global';
  if (tumbling !== undefined) return `tumbling ${tumbling.size}${tumbling.offset === undefined ? '' : ` offset ${tumbling.offset}`}`;
  if (sliding !== undefined)
    return `sliding ${sliding.size} every ${sliding.every}${sliding.offset === undefined ? '' : ` offset ${sliding.offset}`}`;
  return `session ${session?.gap ?? ''}`;
}

/** Rows of a table with versions lie, and are under way, otherwise than those of one without. */
function compareSideTables(was: readonly SideTablePlan[], is: readonly SideTablePlan[]): readonly Misfit[] {
  return is.flatMap(({ name, versions }) => {
    const before = was.find((table) => table.name === name);
    if (before === undefined) return [];
    if ((before.versions === undefined) !== (versions === undefined)) {
      const [from, to] = versions === undefined ? ['versions', 'one row a key'] : ['one row a key', 'versions'];
      const reason = `table "${name}" had ${from} and would have ${to} (at), which are kept otherwise`;
      return [{ reason, fix: `keep at as it is, or give the table another name: then it begins without rows` }];
    }
    const [kept, keeps] = [before.versions?.keepForMs ?? 0, versions?.keepForMs ?? 0];
    if (keeps <= kept) return [];
    const reason = `table "${name}" kept versions for ${formatDuration(kept)} and would for ${formatDuration(keeps)}: those before are forgotten`;
    return [{ reason, fix: `keepFor: ${formatDuration(kept)} at most, or give the table another name: then it begins without rows` }];
  });
}

type AggregateOp = Extract<OpPlan, { kind: 'aggregate' }>;

/** Figures of events hold nothing that could be taken back, and rows are known by their id. */
function compareRows({ rows: was }: AggregateOp, { rows: is }: AggregateOp): readonly Misfit[] {
  const text = (rows: AggregateOp['rows']): string => (rows === undefined ? 'none' : canonicalText(rows.id));
  if (text(was) === text(is)) return [];
  const reason =
    was === undefined || is === undefined
      ? `its figures were of ${was === undefined ? 'events' : 'rows'} and would be of ${is === undefined ? 'events' : 'rows'}`
      : 'its rows would have another id, and those that are known are kept by the old one';
  return [{ reason, fix: `keep rows.id as it is, or ${RENAME}` }];
}

type Aggregates = Readonly<Record<string, AggregateSpec>>;

/** A cell holds the figures in the order of the aggregates; fewer at the end are left out of results, nothing else fits. */
function compareAggregates(was: Aggregates, is: Aggregates): readonly Misfit[] {
  const [before, after] = [functionsOf(was), functionsOf(is)];
  if (after.every((one, place) => one === before[place])) return [];
  const added = after.filter((one) => !before.includes(one));
  const reason =
    added.length > 0
      ? `${added.join(', ')} would be new, and what is counted so far has no figure for it`
      : `its aggregates would come in another order (${after.join(', ')}), and figures lie in the old one (${before.join(', ')})`;
  return [{ reason, fix: `keep ${before.join(', ')}, or ${RENAME}` }];
}

/** `total (sum)`. What is summed may change. */
function functionsOf(aggregates: Aggregates): readonly string[] {
  return Object.entries(aggregates).map(
    ([name, spec]) => `${name} (${AGGREGATE_FUNCTIONS.find((each) => spec[each] !== undefined) ?? '?'})`,
  );
}

type JoinOp = Extract<OpPlan, { kind: 'join' }>;

function compareJoin(was: JoinOp, is: JoinOp): readonly Misfit[] {
  if (was.spec.type !== is.spec.type) {
    const reason = `its type was ${was.spec.type} and would be ${is.spec.type}, and which rows have had a match is known only as far as the old one needed it`;
    return [{ reason, fix: `keep type: ${was.spec.type}, or ${RENAME}` }];
  }
  // An inner join only finds more or fewer partners from then on. An outer one has judged rows by the old interval.
  if (was.withinMs === is.withinMs || is.spec.type === 'inner') return [];
  const reason = `within was ${was.spec.within} and would be ${is.spec.within}: rows without a match would come out a second time, or not at all`;
  return [{ reason, fix: `keep within: ${was.spec.within}, or ${RENAME}` }];
}

/** What waits is known by the join's time, which grace and windows make; which rows come out without a match may change at any time. */
function compareBoundJoin(was: OpPlan, is: OpPlan): readonly Misfit[] {
  if (was.kind === 'temporalJoin' && is.kind === 'temporalJoin' && was.graceMs !== is.graceMs) {
    const reason = `grace was ${was.temporal.grace} and would be ${is.temporal.grace}: events that wait would come out a second time, or not at all`;
    return [{ reason, fix: `keep grace: ${was.temporal.grace}, or ${RENAME}` }];
  }
  if (was.kind === 'tableJoin' && is.kind === 'tableJoin') return compareTableJoin(was, is);
  if (was.kind !== 'windowJoin' || is.kind !== 'windowJoin' || canonicalText(was.window) === canonicalText(is.window)) return [];
  return [{ reason: 'its windows would be others: those that are open would be cut elsewhere', fix: `keep them, or ${RENAME}` }];
}

type TableJoinOp = Extract<OpPlan, { kind: 'tableJoin' }>;

/** Rows lie under their ids; what was given out of them follows from the type. */
function compareTableJoin(was: TableJoinOp, is: TableJoinOp): readonly Misfit[] {
  const ids = (['left', 'right'] as const).filter((side) => canonicalText(was.table[side].id) !== canonicalText(is.table[side].id));
  const misfits = ids.map((side) => ({ reason: `the id of its ${side} rows changes, and rows lie under the old ones`, fix: RENAME }));
  if (was.spec.type === is.spec.type) return misfits;
  const reason = `its type was ${was.spec.type} and would be ${is.spec.type}: what changes of the result would be told of rows that were never given`;
  return [...misfits, { reason, fix: `keep type: ${was.spec.type}, or ${RENAME}` }];
}

type ReduceOp = Extract<OpPlan, { kind: 'reduce' }>;

/** What a cell that is gone held is dropped; one of another kind would read what it never wrote. */
function compareActorCells(was: ReduceOp, is: ReduceOp): readonly Misfit[] {
  return Object.entries(was.cells ?? {}).flatMap(([name, { kind }]) => {
    const next = is.cells?.[name]?.kind ?? kind;
    return next === kind
      ? []
      : [{ reason: `its cell ${name} was a ${kind} and would be a ${next}`, fix: `give the new ${next} another name` }];
  });
}

type PatternOp = Extract<OpPlan, { kind: 'pattern' }>;

/** A partial match knows its place by number: what the numbers come from must stay (transforms/pattern/automaton.ts, A2). */
function comparePattern(was: PatternOp, is: PatternOp): readonly Misfit[] {
  const [before, after] = [shapeOf(was.spec.steps), shapeOf(is.spec.steps)];
  if (canonicalText(before) === canonicalText(after)) return [];
  const reason = 'its steps would be others, and partial matches stand between the old ones (conditions, within and afterMatch may change)';
  return [{ reason, fix: `keep names, contiguity, times, optional and groups of its steps, or ${RENAME}` }];
}

function shapeOf(steps: readonly PatternStep[]): unknown {
  return steps.map(({ where: _where, until: _until, within: _within, greedy: _greedy, steps: inside, ...shape }) => ({
    ...shape,
    steps: inside === undefined ? undefined : shapeOf(inside),
  }));
}

function compareSource(was: SourceSpec, is: SourceSpec): readonly Misfit[] {
  const parts = (spec: SourceSpec): unknown =>
    spec.nats === undefined
      ? { file: spec.file?.path, format: spec.file?.format, compression: spec.file?.compression }
      : { stream: spec.nats.stream, subjects: spec.nats.subjects, bounded: spec.nats.bounded };
  if (canonicalText(parts(was)) === canonicalText(parts(is))) return [];
  const reason = `it read ${describeSource(was)} and would read ${describeSource(is)}: how far it has come says nothing there`;
  return [{ reason, fix: 'add it as a source of another name' }];
}

function describeSource({ file, nats }: SourceSpec): string {
  if (file !== undefined) return `${file.path} (${file.format}, ${file.compression})`;
  const where = nats?.stream === undefined ? '' : ` of ${nats.stream}`;
  return `${nats?.subjects.join(', ') ?? 'nothing'}${where}${nats?.bounded === true ? ' up to its end' : ''}`;
}

function compareSink(was: SinkSpec, is: SinkSpec): readonly Misfit[] {
  const [from, to] = [describeSink(was), describeSink(is)];
  if (from === to) return [];
  return [{ reason: `it wrote ${from} and would write ${to}: what is there already is not known`, fix: 'give the sink another name' }];
}

function describeSink({ file, nats }: SinkSpec): string {
  if (file !== undefined) return `${file.path} (${file.format})`;
  return `${nats?.subject ?? 'nothing'}${nats?.stream === undefined ? '' : ` of ${nats.stream}`}`;
}
