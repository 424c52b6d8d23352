// `millrace dlq list | show | export`: what failed, and why. Changes nothing. What events hold is shown as text, made visible.

import { causeId } from '../../console/dead-letter-groups.ts';
import { inertLine, inertLines } from '../../runtime/base/inert.ts';
import { withDesk, type DeskOptions } from './open-desk.ts';
import { selectLetters, type SelectedLetter, type Selection } from './select-letters.ts';

type Asked = DeskOptions & Selection & { readonly output: 'text' | 'json' };

export type CauseOfLetters = {
  /** For `--cause`. */
  readonly id: string;
  readonly stage: string;
  readonly at: string;
  readonly code: string;
  readonly message: string;
  /** Nothing was decided about them yet. */
  open: number;
  redriven: number;
  dropped: number;
  readonly firstMs: number;
  lastMs: number;
  readonly exampleId: string;
  readonly example: unknown;
};

const SHOWN_CHARACTERS_MAX = 300;
/** Of a row's second line and on: below what it says, not below its name. */
const MARGIN = ' '.repeat(13);

/** Letters by their cause, most frequent first. */
export async function listLetters(job: string, options: Asked): Promise<string> {
  return withDesk(job, options, async (desk) => {
    const causes = new Map<string, CauseOfLetters>();
    for await (const letter of selectLetters(desk, { ...options, all: true })) count(causes, letter);
    const groups = [...causes.values()].filter(({ open }) => options.all || open > 0).toSorted((a, b) => b.open - a.open);
    const waiting = await desk.waiting((await desk.decisions()).values());
    if (options.output === 'json') return `${JSON.stringify({ job, causes: groups, waiting })}\n`;
    return listText(job, groups, waiting);
  });
}

export async function showLetters(job: string, options: Asked): Promise<string> {
  return withDesk(job, options, async (desk) => {
    const letters: SelectedLetter[] = [];
    for await (const letter of selectLetters(desk, options)) letters.push(letter);
    if (options.output === 'json') return `${JSON.stringify(letters.map(lineOf))}\n`;
    return letters.length === 0 ? `job ${job} has no open dead letters\n` : letters.map(letterText).join('\n');
  });
}

/** One letter a line, for programs. */
export async function exportLetters(job: string, options: DeskOptions & Selection, write: (line: string) => void): Promise<void> {
  await withDesk(job, options, async (desk) => {
    for await (const letter of selectLetters(desk, options)) write(`${JSON.stringify(lineOf(letter))}\n`);
  });
}

function count(causes: Map<string, CauseOfLetters>, { id, atMs, letter, stage, decision }: SelectedLetter): void {
  const name = causeId(letter);
  const { at, code, message, event } = letter;
  const group =
    causes.get(name) ??
    ({
      id: name,
      stage,
      at,
      code,
      message,
      open: 0,
      redriven: 0,
      dropped: 0,
      firstMs: atMs,
      lastMs: atMs,
      exampleId: id,
      example: event,
    } satisfies CauseOfLetters);
  causes.set(name, group);
  group[stateOf(decision)]++;
  group.lastMs = atMs;
}

function stateOf(decision: SelectedLetter['decision']): 'open' | 'redriven' | 'dropped' {
  if (decision === null) return 'open';
  return decision.entry.kind === 'drop' ? 'dropped' : 'redriven';
}

function lineOf({ id, atMs, stage, letter, decision }: SelectedLetter): object {
  const reason = decision?.entry.kind === 'drop' ? { reason: decision.entry.reason } : {};
  return { id, state: stateOf(decision), ...reason, stage, atMs, letter };
}

function listText(job: string, groups: readonly CauseOfLetters[], waiting: number): string {
  const lines = groups.map(({ id, stage, at, code, message, open, redriven, dropped, firstMs, lastMs, exampleId, example }) => {
    const place = at === stage ? stage : `${stage} (${at})`;
    const done = [redriven > 0 ? `${redriven} put in again` : '', dropped > 0 ? `${dropped} dropped` : ''].filter((text) => text !== '');
    return [
      `${open}  ${code} at ${place}${done.length === 0 ? '' : `; ${done.join(', ')}`}`,
      `    ${shown(message)}`,
      `    first ${time(firstMs)}, last ${time(lastMs)}; cause ${id}, such as ${exampleId}: ${shown(JSON.stringify(example) ?? 'null')}`,
    ].join('\n');
  });
  const open = groups.reduce((sum, group) => sum + group.open, 0);
  const head = open === 0 ? `job ${job} has no open dead letters` : `job ${job} has ${open} open dead letters`;
  const tail = waiting === 0 ? [] : [`${waiting} that were put in again are not taken in yet: is the job running, and not paused?`];
  return `${[head, ...lines, ...tail].join('\n')}\n`;
}

function letterText({ id, atMs, stage, letter, decision }: SelectedLetter): string {
  const { code, at, message, issues, event, key, place, timeMs, attempts, traceId } = letter;
  const rows: readonly (readonly [string, string | null])[] = [
    ['cause', message],
    ...issues.map((issue) => ['', issue] as const),
    ['at', at === stage ? at : `${at} of stage ${stage}`],
    ['place', place],
    ['key', key],
    ['event time', timeMs === null ? null : time(timeMs)],
    ['refused', time(atMs)],
    ['attempts', attempts === undefined ? null : String(attempts)],
    ['trace', traceId ?? null],
    ['decided', decision === null ? null : stateOf(decision) + (decision.entry.kind === 'drop' ? `: ${decision.entry.reason}` : '')],
    ['event', JSON.stringify(event) ?? 'null'],
  ];
  const lines = rows.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(11)}${inertLines(value, MARGIN)}`]));
  return `${id}  ${code}\n${lines.join('\n')}\n`;
}

function shown(text: string): string {
  const visible = inertLine(text);
  return visible.length <= SHOWN_CHARACTERS_MAX ? visible : `${visible.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}

function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
