// A plan as text of 80 columns (more only where names are long): each stage with what runs in it, what it sends where, and why it is a stage.

import { counted, readableBytes } from '../base/quantity.ts';
import { formatDuration } from '../base/duration.ts';
import { describeSink, guaranteeOf, sinkSpecOf } from './explain-sink.ts';
import { machinePathText } from './machine-path.ts';
import { alignmentOf, hasStandbys, isFeedback, liveOutputs } from './physical-plan.ts';
import type { EdgePlan, NodePlan, PhysicalPlan, StagePlan } from './physical-plan.ts';
import { phasesOf } from './two-phase.ts';
import { DEAD_LETTERS, DEAD_LETTERS_SUBJECT } from './plan-names.ts';

const WIDTH = 80;
const INDENT = 10;

export function explainText(plan: PhysicalPlan): string {
  const stages = plan.stages.filter(({ kind }) => kind !== 'sink');
  const sinks = plan.stages.filter((stage) => stage.kind === 'sink' && !isDead(stage));
  const sections = [
    heading(plan, stages),
    ...stages.map((stage) => describeStage(plan, stage)),
    describeSinks(plan, sinks),
    describeDead(plan),
    ...describePools(plan),
    ...describeTables(plan),
    describeStandbys(plan),
    describeState(plan),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function isDead({ id }: StagePlan): boolean {
  return id === DEAD_LETTERS || id === DEAD_LETTERS_SUBJECT;
}

/** How many sinks are declared: without those that keep dead letters, with those whose results stay in a journal. */
export function sinkCount(plan: PhysicalPlan): number {
  return plan.stages.filter((stage) => stage.kind === 'sink' && !isDead(stage)).length + journalSinks(plan).length;
}

function heading(plan: PhysicalPlan, stages: readonly StagePlan[]): string {
  const partitions = stages.reduce((sum, { partitionCount }) => sum + partitionCount, 0);
  return `job ${plan.job}: ${counted(stages.length, 'stage')} with ${counted(partitions, 'partition')}, ${counted(sinkCount(plan), 'sink')}, ${counted(plan.streams.length, 'stream')}`;
}

function describeStage(plan: PhysicalPlan, stage: StagePlan): string {
  const pool = stage.pool === undefined ? '' : `, pool ${stage.pool}`;
  const right = `${stage.kind}, ${counted(stage.partitionCount, 'partition')}${pool}`;
  const last = stage.partitionCount === 1 ? '0' : `0 … ${stage.partitionCount - 1}`;
  return [
    `${stage.id} ${'─'.repeat(Math.max(3, WIDTH - stage.id.length - right.length - 2))} ${right}`,
    ...field('runs', chainsOf(stage)),
    ...field('machine', machinesOf(stage)),
    ...field('aligned', alignmentText(plan, stage)),
    ...field('onError', failuresOf(stage)),
    ...field('why', stage.reasons),
    ...field('phases', phasesText(plan, stage)),
    ...field('sends', sendsOf(plan, stage)),
    ...field('journal', [`stream ${stage.stream}, subjects ${stage.subjectPrefix}.${last}`]),
  ].join('\n');
}

/** The ways through the stage, from what comes in to what goes out or ends: `flights › movements › timed`. */
function chainsOf(stage: StagePlan): readonly string[] {
  const shown = new Set<string>();
  const chains: string[] = [];
  const readersOf = (id: string): readonly NodePlan[] =>
    stage.nodes.filter(({ inputs }) => inputs.some((input) => input.kind === 'node' && input.from.node === id));
  const walk = (node: NodePlan, way: readonly string[]): void => {
    const readers = shown.has(node.id) ? [] : readersOf(node.id);
    shown.add(node.id);
    if (readers.length === 0) chains.push([...way, node.id].join(' › '));
    // What several read is named once; each way on begins with it.
    readers.forEach((reader, i) => walk(reader, i === 0 ? [...way, node.id] : [node.id]));
  };
  for (const node of stage.nodes) if (node.inputs.every(({ kind }) => kind === 'edge')) walk(node, []);
  return chains;
}

/** How the aggregates of the stage are computed. */
function phasesText(plan: PhysicalPlan, stage: StagePlan): readonly string[] {
  return stage.inputs.flatMap((index) => {
    const edge = plan.edges[index];
    const phases = edge === undefined ? null : phasesOf(plan, edge);
    if (edge === undefined || phases === null) return [];
    if (phases.kind === 'one') return [`one, because ${phases.why}`];
    return [`two: ${edge.fromStage} sums up its events by key and slice in each step, ${phases.node} puts the sums together`];
  });
}

/** Whom its splits wait for. */
function alignmentText({ stages }: PhysicalPlan, stage: StagePlan): readonly string[] {
  const alignment = alignmentOf(stage);
  if (alignment === null) return [];
  const group = stages.filter((other) => alignmentOf(other)?.group === alignment.group).map(({ id }) => id);
  return [`no split is read further than ${formatDuration(alignment.maxDriftMs)} ahead of the last one of ${group.join(', ')}`];
}

/** Which path runs each machine of the stage. */
function machinesOf({ nodes }: StagePlan): readonly string[] {
  return nodes.flatMap(({ id, op }) => {
    const text = machinePathText(op);
    return text === null ? [] : [`${id}: ${text}`];
  });
}

/** What becomes of events for which code fails, where the declaration says it. */
function failuresOf({ nodes }: StagePlan): readonly string[] {
  return nodes.flatMap(({ id, onError }) => {
    if (onError === undefined) return [];
    const { retries, backoffMs, backoffMaxMs, then } = onError;
    const tries =
      retries === 0
        ? ''
        : `${retries === 1 ? '1 retry' : `${retries} retries`} after ${formatDuration(backoffMs)} up to ${formatDuration(backoffMaxMs)}, then `;
    return [`${id}: ${tries}${ENDS[then]}`];
  });
}

const ENDS = { deadLetter: 'a dead letter', stopPartition: 'stops its partition', stopJob: 'stops the job' } as const;

function sendsOf(plan: PhysicalPlan, stage: StagePlan): readonly string[] {
  const edges = liveOutputs(plan, stage).filter(({ from }) => from.node !== '*');
  const [keyed, single] = [
    edges.filter(({ partitioning }) => partitioning === 'key'),
    edges.filter(({ partitioning }) => partitioning === 'single'),
  ];
  const byOutput = Map.groupBy(single, outputText);
  return [
    ...keyed.map((edge) => (isFeedback(edge) ? backText(stage, edge) : `by ${keyText(stage, edge)} to ${edge.toStage}`)),
    ...edges.flatMap((edge) => {
      if (edge.partitioning === 'forward') return [`${outputText(edge)} to ${edge.toStage}`];
      return edge.partitioning === 'all' ? [`${edge.from.node} to every partition of ${edge.toStage}`] : [];
    }),
    ...[...byOutput].map(([output, some]) => `${output} to ${some.map(({ toStage }) => toStage.replace(/^sink:/, '')).join(', ')}`),
  ];
}

function backText(stage: StagePlan, edge: EdgePlan): string {
  const op = stage.nodes.find(({ id }) => id === edge.from.node)?.op;
  if (op?.kind !== 'keyBy') return `what actors of ${edge.from.node} send each other to itself`;
  return `by ${keyText(stage, edge)} back to itself, up to ${counted(op.maxRounds ?? 0, 'round')}`;
}

function keyText(stage: StagePlan, edge: EdgePlan): string {
  const op = stage.nodes.find(({ id }) => id === edge.from.node)?.op;
  return op?.kind === 'keyBy' ? op.names.join(' and ') : 'key';
}

function describeSinks(plan: PhysicalPlan, sinks: readonly StagePlan[]): string {
  const [first] = sinks;
  const kept = journalSinks(plan).map(({ name, edge, stream }) => [name, outputText(edge), `stream ${stream}`, 'exactly once'] as const);
  const rows = sinks.flatMap((stage) => {
    const spec = sinkSpecOf(stage);
    return spec === null ? [] : [[stage.id, sourceText(plan, stage), describeSink(spec), guaranteeOf(spec).replace('-', ' ')] as const];
  });
  if (rows.length + kept.length === 0) return '';
  return [
    titled('sinks', first === undefined ? 'kept in the journal' : `one partition each, stream ${first.stream}`),
    ...table([...rows, ...kept]),
  ].join('\n');
}

/** Sinks without a stage: their results stay in the journal of the stage that makes them. */
function journalSinks(plan: PhysicalPlan): readonly { readonly name: string; readonly edge: EdgePlan; readonly stream: string }[] {
  return plan.edges.flatMap((edge) => {
    const stream = plan.stages.find(({ id }) => id === edge.fromStage)?.stream ?? '';
    return edge.toStage.startsWith('sink:') && edge.retired !== true ? [{ name: edge.toStage.slice('sink:'.length), edge, stream }] : [];
  });
}

function sourceText(plan: PhysicalPlan, stage: StagePlan): string {
  return stage.inputs
    .flatMap((index) => plan.edges[index] ?? [])
    .map(outputText)
    .join(', ');
}

function outputText({ from }: EdgePlan): string {
  return from.output === null ? from.node : `${from.node}.${from.output}`;
}

function describeDead(plan: PhysicalPlan): string {
  const dead = plan.stages.filter(isDead);
  const places = dead.flatMap((stage) => sinkSpecOf(stage) ?? []).map(describeSink);
  return [
    titled('dead letters', `stream ${dead[0]?.stream ?? ''}`),
    ...field('', [`what no stage can process goes to ${places.join(' and ')}`]),
  ].join('\n');
}

/** Those of sinks, too, which have no section of their own. */
function describePools({ stages }: PhysicalPlan): readonly string[] {
  const byPool = Map.groupBy(
    stages.filter(({ pool }) => pool !== undefined),
    ({ pool }) => pool ?? '',
  );
  if (byPool.size === 0) return [];
  const rows = [...byPool].map(([pool, own]) => [pool, own.map(({ id }) => id).join(', ')]);
  return [
    [
      titled('pools', 'workers of their own, on a cluster'),
      ...table([...rows, ['default', 'all other stages']]),
      '  On one machine all workers run everything.',
    ].join('\n'),
  ];
}

function describeTables({ tables }: PhysicalPlan): readonly string[] {
  if (tables.length === 0) return [];
  return [
    [
      titled('tables', 'loaded whole by each worker'),
      ...table(tables.map(({ name, file, at }) => [name, `file ${file.path}`, at === undefined ? 'by key' : 'by key and time'])),
    ].join('\n'),
  ];
}

function describeState({ state }: PhysicalPlan): string {
  if (state === undefined) return '';
  const { memoryBytes, diskBytes } = state;
  const text = `of each worker; values beyond its memory lie on its disk (at most ${readableBytes(diskBytes)}), keys and timers stay in memory`;
  return [titled('memory for state', readableBytes(memoryBytes)), ...field('', [text])].join('\n');
}

function describeStandbys(plan: PhysicalPlan): string {
  if (!hasStandbys(plan)) return '';
  const followed = plan.stages.filter(({ kind }) => kind === 'keyed').reduce((sum, { partitionCount }) => sum + partitionCount, 0);
  const text = `the state of ${counted(followed, 'partition')} is followed by a second worker, which takes over when the first is killed; where there is one worker alone there is none`;
  return [titled('standby replicas', String(plan.standbyReplicas)), ...field('', [text])].join('\n');
}

// ---- layout

function titled(left: string, right: string): string {
  return `${left} ${'─'.repeat(Math.max(3, WIDTH - left.length - right.length - 2))} ${right}`;
}

/** A label with its values below each other; what is wider than the page goes on in the next line. */
function field(label: string, values: readonly string[]): readonly string[] {
  const lines = values.flatMap((value) => wrap(value, WIDTH - INDENT));
  return lines.map((line, i) => `${i === 0 && label !== '' ? `  ${label}`.padEnd(INDENT) : ' '.repeat(label === '' ? 2 : INDENT)}${line}`);
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}
