// What a person reads when a run has ended: how it went, where the results are, what to try next. Pure.
//
//   U1. Every command that is told works as it stands, in the folder and by the way in which this run was called.
//   U2. Dead letters are told only when there are some, and then so that nobody overlooks them.

import { DEAD_LETTERS, DEAD_LETTERS_SUBJECT } from '../../runtime/plan/plan-names.ts';
import { inert } from '../../runtime/base/inert.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import type { SinkSpec } from '../../crds/stream-job/spec.ts';
import type { FinalReport } from './final-report.ts';
import { inkFor } from './ink.ts';
import type { Ink } from './ink.ts';
import { programName, quoted, runCommand, shortPath } from './invocation.ts';
import type { CalledFrom } from './invocation.ts';
import { counted, readableBytes, readableCount } from '../../runtime/base/quantity.ts';
import { readableDuration, readableLatency, readableShare, wrapped } from './readable.ts';
import type { RunOutcome } from './run-job.ts';

export type SummaryContext = {
  readonly from: CalledFrom;
  /** The job's file as it was given. */
  readonly file: string;
  /** Options that were given and that the same job needs again: `--set …`, `--data …`, but neither speed nor workers. */
  readonly again: readonly string[];
  readonly speed: number | null;
  readonly columns: number;
  readonly color: boolean;
};

/** How messages of catalogued errors begin; the headline has told the code. */
const CODE_AND_NAME = /^MR\d+ \w+: /;

export function summaryText({ report, plan }: RunOutcome, context: SummaryContext): string {
  const ink = inkFor(context.color);
  const parts = {
    completed: () => [
      headline(report, ink),
      unaccounted(report, context, ink),
      figures(report, ink),
      results(plan, report, context, ink),
      deadLetters(plan, report, context, ink),
      nextSteps(plan, report, context, ink),
    ],
    failed: () => [
      headline(report, ink),
      failure(report, context),
      unaccounted(report, context, ink),
      deadLetters(plan, report, context, ink),
      soFar(report, context),
      goOn(context, ink, 'Then go on'),
    ],
    interrupted: () => [
      headline(report, ink),
      unaccounted(report, context, ink),
      soFar(report, context),
      deadLetters(plan, report, context, ink),
      goOn(context, ink, 'Go on'),
    ],
  }[report.ending]();
  return `\n${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

// ---- how it went

function headline({ job, ending, elapsedMs, failure, eventsIn, eventsOut, isContinued }: FinalReport, ink: Ink): string {
  const [sign, paint] = ({ completed: ['✓', ink.green], failed: ['✗', ink.red], interrupted: ['■', ink.yellow] } as const)[ending];
  const took = readableDuration(elapsedMs);
  const story = {
    completed: `${isContinued ? 'gone on with and ' : ''}completed in ${took}: ${counted(eventsIn, 'event')} in, ${counted(eventsOut, 'result')} out`,
    failed: `failed after ${took}${failure === null ? '' : `: ${failure.code}`}`,
    interrupted: `interrupted after ${took}; all that was read is stored`,
  }[ending];
  return `${paint(sign)} ${ink.bold(job)} ${story}`;
}

function figures(
  { eventsInThisRun, eventsInPerS, workers, cpuMs, peakMemoryBytes, commitMs, endToEndMs, late, recoveries, deadLetters }: FinalReport,
  ink: Ink,
): string {
  const rows = [
    [
      'throughput',
      eventsInThisRun === 0 ? 'nothing left to read' : `${readableCount(eventsInPerS)} events/s`,
      `${counted(workers, 'worker')}, ${readableDuration(cpuMs)} CPU, ${readableBytes(peakMemoryBytes)} at most`,
    ],
    ['commit', latency(commitMs), 'a step until it is stored'],
    ['end to end', latency(endToEndMs), 'an event until its result is visible'],
  ] as const;
  const width = Math.max(...rows.map(([, value]) => value.length));
  const onTheWay = [counted(deadLetters, 'dead letter'), `${readableCount(late)} late`, counted(recoveries, 'recovery', 'recoveries')].join(
    ', ',
  );
  return [
    ...rows.map(([name, value, note]) => `  ${name.padEnd(12)}${value.padEnd(width)}  ${ink.dim(note)}`),
    `  on the way  ${onTheWay}`,
  ].join('\n');
}

function latency({ p50, p99 }: FinalReport['commitMs']): string {
  return p50 === null || p99 === null ? 'nothing measured' : `${readableLatency(p50)} p50, ${readableLatency(p99)} p99`;
}

function failure({ failure: found }: FinalReport, { columns }: SummaryContext): string {
  if (found === null) return '';
  const paragraph = (text: string): string =>
    wrapped(text, columns - 4)
      .map((line) => `  ${line}`)
      .join('\n');
  return [`${found.task}: ${inert(found.message.replace(CODE_AND_NAME, ''))}`, found.fix]
    .filter((text) => text !== '')
    .map(paragraph)
    .join('\n\n');
}

/** The results are not to be trusted: nobody may overlook it. */
function unaccounted({ unaccounted: found }: FinalReport, { columns }: SummaryContext, ink: Ink): string {
  if (found.length === 0) return '';
  const lines = found.flatMap((sentence) => wrapped(sentence, columns - 4)).map((line) => `  ${line}`);
  return [ink.bold(ink.red('! the results are not exact: not every event is accounted for')), ...lines].join('\n');
}

// ---- where the results are

type Place = { readonly path: string; readonly amount: string };

function results(plan: PhysicalPlan, report: FinalReport, { columns, from }: SummaryContext, ink: Ink): string {
  const rows = resultRows(plan, report);
  if (rows.length === 0) return '';
  const hasFiles = rows.some(({ file }) => file !== null);
  const title = ink.bold(hasFiles ? `Results in ${shortPath(report.outDir, from.cwd)}` : 'Results');
  return [title, ...placeLines(rows, columns, ink)].join('\n');
}

type ResultRow = { readonly file: Place | null; readonly subject: Place | null };

/** A file and a subject of the same events share a line. */
function resultRows(plan: PhysicalPlan, report: FinalReport): ResultRow[] {
  const written = new Map(report.stages.map(({ stage, eventsOut }) => [stage, eventsOut]));
  const sinks = plan.stages.flatMap((stage) => (stage.id === DEAD_LETTERS || stage.id === DEAD_LETTERS_SUBJECT ? [] : sinkOf(stage)));
  const files = sinks.flatMap((spec) =>
    spec.file === undefined
      ? []
      : [{ from: String(spec.from), path: spec.file.path, amount: counted(written.get(spec.name) ?? 0, 'line') }],
  );
  const subjects = sinks.flatMap(({ name, from, nats }) => {
    if (nats === undefined) return [];
    return [{ from: String(from), path: nats.subject, amount: counted(written.get(name) ?? 0, nats.batch > 1 ? 'result' : 'message') }];
  });
  const taken = new Set<Place>();
  const rows = files.map((file): ResultRow => {
    const subject = subjects.find((found) => found.from === file.from && !taken.has(found)) ?? null;
    if (subject !== null) taken.add(subject);
    return { file, subject };
  });
  return [...rows, ...subjects.filter((subject) => !taken.has(subject)).map((subject) => ({ file: null, subject }))];
}

function placeLines(rows: readonly ResultRow[], columns: number, ink: Ink): string[] {
  const cell = ({ path, amount }: Place, width: Widths): string =>
    `${path.padEnd(width.path)}  ${ink.dim(amount.replace(/^[\d,]+/, (count) => count.padStart(width.count)).padEnd(width.amount))}`;
  const [files, subjects] = [rows.flatMap(({ file }) => file ?? []), rows.flatMap(({ subject }) => subject ?? [])];
  const [fileWidth, subjectWidth] = [widths(files), widths(subjects)];
  const together = 2 + fileWidth.all + 3 + 'subject '.length + subjectWidth.all;
  if (files.length > 0 && together <= columns) {
    return rows.map(({ file, subject }) =>
      `  ${file === null ? ' '.repeat(fileWidth.all) : cell(file, fileWidth)}${subject === null ? '' : `   subject ${cell(subject, subjectWidth)}`}`.trimEnd(),
    );
  }
  return [
    ...files.map((file) => `  ${cell(file, fileWidth)}`.trimEnd()),
    ...subjects.map((subject) => `  subject ${cell(subject, subjectWidth)}`.trimEnd()),
  ];
}

type Widths = { readonly path: number; readonly count: number; readonly amount: number; readonly all: number };

function widths(places: readonly Place[]): Widths {
  const longest = (of: (place: Place) => string): number => Math.max(0, ...places.map((place) => of(place).length));
  const [path, count] = [longest((place) => place.path), longest(({ amount }) => amount.split(' ')[0] ?? '')];
  const amount = count + 1 + longest((place) => place.amount.split(' ')[1] ?? '');
  return { path, count, amount, all: path + 2 + amount };
}

function sinkOf(stage: StagePlan): SinkSpec[] {
  return stage.nodes.flatMap(({ op }) => (op.kind === 'sink' ? [op.spec] : []));
}

function soFar({ eventsIn, eventsOut, outDir, progress }: FinalReport, { from }: SummaryContext): string {
  const input = progress === null ? counted(eventsIn, 'event') : `${readableShare(progress)} of the input`;
  return `  ${counted(eventsOut, 'result')} written so far, from ${input}, in ${shortPath(outDir, from.cwd)}`;
}

/** U2. */
function deadLetters(plan: PhysicalPlan, report: FinalReport, { columns, from }: SummaryContext, ink: Ink): string {
  if (report.deadLetters === 0) return '';
  const places = plan.stages
    .filter(({ id }) => id === DEAD_LETTERS || id === DEAD_LETTERS_SUBJECT)
    .flatMap(sinkOf)
    .map(({ file, nats }) =>
      file === undefined ? `subject ${nats?.subject ?? ''}` : shortPath(`${report.outDir}/${file.path}`, from.cwd),
    );
  const first = report.firstDeadLetter;
  const example =
    first === null ? [] : wrapped(inert(`first: ${first.code} ${first.message.replace(CODE_AND_NAME, '')}`), columns - 4).slice(0, 4);
  return [
    ink.bold(
      ink.red(
        `! ${counted(report.deadLetters, 'dead letter')}: ${report.deadLetters === 1 ? 'an event that was' : 'events that were'} not processed`,
      ),
    ),
    ...[...example, ...places].map((line) => `  ${line}`),
  ].join('\n');
}

// ---- what to type now

/** U1. */
function nextSteps(plan: PhysicalPlan, report: FinalReport, { from, file, again, speed, columns }: SummaryContext, ink: Ink): string {
  const isReplayable =
    speed === null &&
    plan.stages.some(({ kind, nodes }) => kind === 'source' && nodes.some(({ op }) => op.kind === 'eventTime') && sourceIsFile(nodes));
  const firstFile = plan.stages.flatMap(sinkOf).find((spec) => spec.file !== undefined && spec.name !== DEAD_LETTERS)?.file?.path;
  const run = (...args: string[]): string => runCommand(from, file, [...args, ...again]);
  const steps: [command: string, why: string][] = [
    ...(isReplayable ? [[run('--speed', '3600x'), 'watch an hour a second'] as [string, string]] : []),
    [`${programName(from)} plan ${quoted(file)}${parametersOf(again)}`, 'its stages, and why'],
    ...(report.workers === 1 ? [[run('--workers', '2'), 'the same by two workers'] as [string, string]] : []),
    ...(firstFile === undefined
      ? []
      : [[`head -n 3 ${quoted(shortPath(`${report.outDir}/${firstFile}`, from.cwd))}`, 'look at results'] as [string, string]]),
    [run('--report', 'json'), 'figures for programs'],
  ];
  return [ink.bold('Try next'), ...commandLines(steps.slice(0, 3), columns, ink)].join('\n');
}

function sourceIsFile(nodes: StagePlan['nodes']): boolean {
  return nodes.some(({ op }) => op.kind === 'source' && op.spec.file !== undefined);
}

/** `plan` takes the parameters of a run, and no other of its options. */
function parametersOf(again: readonly string[]): string {
  return again.flatMap((word, index) => (word === '--set' ? [` --set ${quoted(again[index + 1] ?? '')}`] : [])).join('');
}

function goOn({ from, file, again, speed, columns }: SummaryContext, ink: Ink, title: string): string {
  const args = [...(speed === null ? [] : ['--speed', `${speed}x`]), ...again];
  const steps = [
    [runCommand(from, file, args), 'where it stopped'],
    [runCommand(from, file, ['--fresh', ...args]), 'from the beginning'],
  ] as const;
  return [ink.bold(title), ...commandLines(steps, columns, ink)].join('\n');
}

/** The reason stands behind its command, or below it where the terminal is too narrow for one of them. */
function commandLines(steps: readonly (readonly [string, string])[], columns: number, ink: Ink): string[] {
  const width = Math.max(...steps.map(([command]) => command.length));
  const isWide = steps.every(([, why]) => 2 + width + 3 + why.length <= columns);
  return steps.map(([command, why]) => (isWide ? `  ${command.padEnd(width)}   ${ink.dim(why)}` : `  ${command}\n      ${ink.dim(why)}`));
}
