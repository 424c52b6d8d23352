// The table of stages that a running job shows: its rows, and as many of its columns as the terminal has room for. Pure.
//
//   V1. A row takes one line. What does not fit loses columns, from the least telling one on; names are cut last.
//   V2. Each partition is one character: the digit of the worker that runs it, in that worker's colour.

import type { Ink } from './ink.ts';
import type { RunProgress, StageProgress } from '../../runtime/telemetry/progress.ts';
import { cutMiddle, readableTime, shortCount } from './readable.ts';

export type StageState = 'waiting' | 'claiming' | 'running' | 'done';

/** One stage, or several that share a line. */
export type TableRow = { readonly label: string; readonly stages: readonly StageProgress[] };

type Cell = { readonly text: string; readonly painted?: string };
type Column = { readonly title: string; readonly width: number; readonly isLeft?: boolean; readonly cell: (row: TableRow) => Cell };

const NAME_WIDTH_MIN = 12;
const GAP = 2;
const MARKS: Readonly<Record<StageState, string>> = { waiting: '◌', claiming: '◌', running: '●', done: '✓' };
/** Columns in the order in which they go when the terminal is narrow. */
const LESS_TELLING = ['state', 'owners', 'watermark', 'lag', 'per s'];

export function stageState({ done, partitions }: StageProgress): StageState {
  if (done) return 'done';
  if (partitions.some(({ state }) => state === 'running' || state === 'done')) return partitions.some(isClaimed) ? 'claiming' : 'running';
  return partitions.some(({ state }) => state === 'claiming') ? 'claiming' : 'waiting';
}

/** The title line, then a line per row. */
export function tableLines(rows: readonly TableRow[], workers: RunProgress['workers'], width: number, ink: Ink): string[] {
  const columns = fitting(columnsFor(rows, workers, width, ink), width);
  const nameWidth = width - columns.reduce((sum, column) => sum + column.width + GAP, 0) - 2;
  const name = Math.max(1, Math.min(nameWidth, longest(rows.map(({ label }) => label))));
  const line = (mark: string, label: string, cells: readonly Cell[]): string =>
    `${mark} ${label}${columns.map((column, index) => ' '.repeat(GAP) + placed(cells[index] ?? { text: '' }, column)).join('')}`.trimEnd();
  const title = line(
    ' ',
    'stage'.slice(0, name).padEnd(name),
    columns.map((column) => ({ text: column.title })),
  );
  return [
    ink.dim(title),
    ...rows.map((row) =>
      line(
        mark(row, ink),
        cutMiddle(row.label, name).padEnd(name),
        columns.map((column) => column.cell(row)),
      ),
    ),
  ];
}

function columnsFor(rows: readonly TableRow[], workers: RunProgress['workers'], width: number, ink: Ink): Column[] {
  const stripWidth = Math.max(9, Math.floor(width / 3));
  const strips = new Map(rows.map((row) => [row, owners(row, workers, stripWidth, ink)]));
  const timeWidth = width < 100 ? 16 : 19;
  const sum = (row: TableRow, of: (stage: StageProgress) => number): number => row.stages.reduce((total, stage) => total + of(stage), 0);
  return [
    {
      title: 'events in',
      width: 10,
      cell: (row) => ({
        text: shortCount(
          sum(row, ({ eventsIn }) => eventsIn),
          10,
        ),
      }),
    },
    {
      title: 'per s',
      width: 7,
      cell: (row) =>
        faintZero(
          sum(row, ({ eventsInPerS }) => eventsInPerS),
          ink,
        ),
    },
    {
      title: 'lag',
      width: 7,
      cell: (row) =>
        row.stages.every(({ lagEvents }) => lagEvents === null)
          ? faint('–', ink)
          : faintZero(
              sum(row, ({ lagEvents }) => lagEvents ?? 0),
              ink,
            ),
    },
    { title: 'watermark', width: timeWidth, isLeft: true, cell: (row) => time(row, timeWidth, ink) },
    {
      title: 'owners',
      width: longest([...strips.values()].map(({ text }) => text).concat('owners')),
      isLeft: true,
      cell: (row) => strips.get(row) ?? { text: '' },
    },
    ...(width < 100 ? [] : [{ title: 'state', width: 8, isLeft: true, cell: (row: TableRow) => ({ text: stateOf(row) }) }]),
  ];
}

/** V1. */
function fitting(all: readonly Column[], width: number): readonly Column[] {
  let columns = all;
  for (const title of LESS_TELLING) {
    if (width - 2 - columns.reduce((sum, column) => sum + column.width + GAP, 0) >= NAME_WIDTH_MIN) break;
    columns = columns.filter((column) => column.title !== title);
  }
  return columns;
}

function placed({ text, painted = text }: Cell, { width, isLeft = false }: Column): string {
  const space = ' '.repeat(Math.max(0, width - text.length));
  return isLeft ? painted + space : space + painted;
}

function mark(row: TableRow, ink: Ink): string {
  const state = stateOf(row);
  const sign = MARKS[state];
  if (state === 'running') return ink.green(sign);
  return state === 'claiming' ? ink.yellow(sign) : ink.dim(sign);
}

/** A line of several stages is as far as the one that is furthest behind. */
function stateOf({ stages }: TableRow): StageState {
  const states = stages.map(stageState);
  return (['claiming', 'running', 'waiting'] as const).find((state) => states.includes(state)) ?? 'done';
}

/** Of several stages the one that is furthest behind. */
function time({ stages }: TableRow, width: number, ink: Ink): Cell {
  const known = stages.map(({ watermarkMs }) => watermarkMs);
  const text = readableTime(known.includes(null) ? null : Math.min(...known.map((ms) => ms ?? 0)), width);
  return text.length < 5 ? faint(text, ink) : { text };
}

/** V2. `0000 1111`; without spaces, then as counts per worker, when there are more than fit. */
function owners({ stages }: TableRow, workers: RunProgress['workers'], width: number, ink: Ink): Cell {
  const partitions = stages.flatMap((stage) => stage.partitions);
  if (stages.length > 1) return { text: '' };
  const signs = partitions.map(({ owner, state }) => {
    if (owner === null) return { text: '·', painted: ink.dim('·') };
    const place = workerPlace(owner, workers);
    const digit = place.toString(36).slice(-1);
    return { text: digit, painted: state === 'running' ? ink.worker(place)(digit) : ink.dim(digit) };
  });
  const isRoomy = signs.length + Math.ceil(signs.length / 4) - 1 <= width;
  if (!isRoomy && signs.length > width) return ownerCounts(signs, width);
  const joined = (of: (sign: (typeof signs)[number]) => string): string =>
    signs.map((sign, index) => (isRoomy && index > 0 && index % 4 === 0 ? ' ' : '') + of(sign)).join('');
  return { text: joined(({ text }) => text), painted: joined(({ painted }) => painted) };
}

function ownerCounts(signs: readonly Cell[], width: number): Cell {
  const counts = new Map<string, number>();
  for (const { text } of signs) counts.set(text, (counts.get(text) ?? 0) + 1);
  const text = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sign, count]) => `${sign}×${count}`)
    .join(' ');
  return { text: text.length <= width ? text : `${text.slice(0, width - 1)}…` };
}

/** Local workers are called w<place>-…; others have the place of their name among all. */
export function workerPlace(worker: string, workers: RunProgress['workers']): number {
  const place = /^w(\d+)-/.exec(worker)?.[1];
  if (place !== undefined) return Number(place);
  return Math.max(
    0,
    workers
      .map(({ id }) => id)
      .sort()
      .indexOf(worker),
  );
}

function isClaimed({ state }: StageProgress['partitions'][number]): boolean {
  return state === 'claiming' || state === 'unknown';
}

function faintZero(count: number, ink: Ink): Cell {
  const text = shortCount(count, 7);
  return text === '0' ? faint(text, ink) : { text };
}

function faint(text: string, ink: Ink): Cell {
  return { text, painted: ink.dim(text) };
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
