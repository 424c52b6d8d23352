// What a running job looks like, as lines of text: a pure function of what is known of it and of the terminal's size.
//
//   L1. Never more lines than the terminal has, less one; never a longer line than it has columns, less one.
//   L2. Where rows are few, lines are merged before any is left out: sinks that are done, all sinks, stages that are done.

import { DEAD_LETTERS, DEAD_LETTERS_SUBJECT } from '../../runtime/plan/plan-names.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { clip, inkFor, shownLength } from './ink.ts';
import type { Ink, Paint } from './ink.ts';
import { stageState, tableLines } from './live-view-table.ts';
import type { TableRow } from './live-view-table.ts';
import type { Quantiles, RunProgress, StageProgress } from '../../runtime/telemetry/progress.ts';
import { counted, readableBytes, readableCount } from '../../runtime/base/quantity.ts';
import { readableClock, readableLatency, readableRest, readableShare } from './readable.ts';

export type TerminalShape = { readonly columns: number; readonly rows: number; readonly color: boolean };

const BAR_WIDTH_MAX = 48;

export function renderProgress(progress: RunProgress, plan: PhysicalPlan, terminal: TerminalShape): string[] {
  const ink = inkFor(terminal.color);
  const width = Math.max(1, terminal.columns - 2);
  const linesMax = Math.max(1, terminal.rows - 1);
  const head = headLine(progress, plan.job, width, ink);
  const foot = footItems(progress, ink)
    .flatMap((items) => flow(items, width))
    .slice(0, Math.max(1, Math.floor(linesMax / 5)));
  const body = tableLines(rowsThatFit(progress, plan, linesMax - 2 - foot.length), progress.workers, width, ink);
  const roomy = [head, '', ...body, '', ...foot];
  const lines = roomy.length <= linesMax ? roomy : [head, ...body, ...foot];
  return lines.slice(0, linesMax).map((line) => (line === '' ? '' : ` ${clip(line, width)}`));
}

// ---- the first line

function headLine(progress: RunProgress, job: string, width: number, ink: Ink): string {
  const clock = readableClock(progress.elapsedMs);
  const isStarted = progress.stages.some(({ partitions }) => partitions.some(({ state }) => state !== 'unknown'));
  if (!isStarted) return `${ink.bold(job)}  starting  ${ink.dim(clock)}`;
  const tail = `${shareText(progress)}  ${clock}${restText(progress, ink)}`;
  if (progress.progress === null) return `${ink.bold(job)}  ${tail}`;
  const room = Math.min(BAR_WIDTH_MAX, width - job.length - shownLength(tail) - 4);
  return `${ink.bold(job)}  ${room < 4 ? '' : `${bar(progress.progress, room, ink)}  `}${tail}`;
}

function shareText({ progress }: RunProgress): string {
  if (progress === null) return 'running';
  return readableShare(progress).padStart(5);
}

function restText({ progress, remainingMs, workers }: RunProgress, ink: Ink): string {
  if (workers.length === 0) return `  ${ink.yellow('no worker answers')}`;
  if (progress === 1) return '  input read, finishing';
  return remainingMs === null ? '' : `  about ${readableRest(remainingMs)} left`;
}

function bar(share: number, width: number, ink: Ink): string {
  const full = Math.round(share * width);
  return ink.green('━'.repeat(full)) + ink.dim('─'.repeat(width - full));
}

// ---- the last lines

/** Lines of items: first how fast it is, then how it goes. */
function footItems({ workers, peakMemoryBytes, commitMs, endToEndMs, late, deadLetters, recoveries }: RunProgress, ink: Ink): string[][] {
  const alarming = (count: number, text: string, paint: Paint): string => (count > 0 ? paint : ink.dim)(text);
  return [
    [`commit ${latency(commitMs)}`, `end to end ${latency(endToEndMs)}`],
    [
      counted(workers.length, 'worker'),
      readableBytes(peakMemoryBytes),
      alarming(deadLetters, counted(deadLetters, 'dead letter'), ink.red),
      alarming(late, `${readableCount(late)} late`, ink.yellow),
      alarming(recoveries, counted(recoveries, 'recovery', 'recoveries'), (text) => text),
    ],
  ];
}

function latency({ p50, p99 }: Quantiles): string {
  return p50 === null || p99 === null ? '–' : `${readableLatency(p50)} p50, ${readableLatency(p99)} p99`;
}

/** As many items on a line as fit. */
function flow(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && shownLength(last) + 3 + shownLength(item) <= width) lines[lines.length - 1] = `${last} · ${item}`;
    else lines.push(item);
  }
  return lines;
}

// ---- the rows

/** L2. */
function rowsThatFit(progress: RunProgress, plan: PhysicalPlan, rowsMax: number): TableRow[] {
  const stages = progress.stages.filter((stage) => !isIdleDeadLetters(stage));
  const isSink = ({ kind }: StageProgress): boolean => kind === 'sink';
  const isDone = (stage: StageProgress): boolean => stageState(stage) === 'done';
  const single = (stage: StageProgress): TableRow => ({ label: labelOf(stage.id, plan), stages: [stage] });
  const merged = (chosen: readonly StageProgress[], word: string): TableRow[] =>
    chosen.length < 2 ? chosen.map(single) : [{ label: `${chosen.length} ${word}`, stages: chosen }];
  const [sinks, others] = [stages.filter(isSink), stages.filter((stage) => !isSink(stage))];
  const layouts = [
    stages.map(single),
    [...others.map(single), ...sinks.filter((stage) => !isDone(stage)).map(single), ...merged(sinks.filter(isDone), 'sinks, done')],
    [...others.map(single), ...merged(sinks, 'sinks')],
    [...others.filter((stage) => !isDone(stage)).map(single), ...merged(others.filter(isDone), 'stages, done'), ...merged(sinks, 'sinks')],
  ];
  const found = layouts.find((rows) => rows.length <= rowsMax);
  return (
    found ?? [
      ...others.slice(0, Math.max(0, rowsMax - 1)).map(single),
      ...merged([...others.slice(Math.max(0, rowsMax - 1)), ...sinks], 'more stages'),
    ]
  );
}

/** Dead letters are told below; their sinks take a line only when there are some. */
function isIdleDeadLetters({ id, eventsIn, lagEvents }: StageProgress): boolean {
  return (id === DEAD_LETTERS || id === DEAD_LETTERS_SUBJECT) && eventsIn === 0 && (lagEvents ?? 0) === 0;
}

/** The stage's id, and how many other transforms of the user's were fused into it: `hourly +1`. */
function labelOf(id: string, plan: PhysicalPlan): string {
  const stage = plan.stages.find((found) => found.id === id);
  const fused = stage?.nodes.filter((node) => node.id !== id && !node.id.includes('/')).length ?? 0;
  return fused === 0 ? id : `${id} +${fused}`;
}
