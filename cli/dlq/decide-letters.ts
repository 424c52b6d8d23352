// `millrace dlq redrive | drop`: what is done about dead letters.

import { decodeJsonText } from '../../runtime/event/codec/json.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import type { FiledLetter, RedriveOutcome } from '../../runtime/dead-letter-desk.ts';
import type { Value } from '../../runtime/event/batch.ts';
import { exitCodes } from '../exit-codes.ts';
import { withDesk, type DeskOptions } from './open-desk.ts';
import { selectLetters, type Selection } from './select-letters.ts';

type Asked = DeskOptions & Selection & { readonly output: 'text' | 'json' };
export type RedriveRequest = Asked & {
  /** JSON that comes in the place of the event of the one letter that is named. */
  readonly event?: string;
  readonly dryRun: boolean;
  /** ms */
  readonly wait: number;
};

const REASONS_MAX = 10;

export async function redriveLetters(job: string, request: RedriveRequest): Promise<{ readonly text: string; readonly exitCode: number }> {
  const event = eventOf(request);
  return withDesk(job, request, async (desk) => {
    const letters: FiledLetter[] = [];
    for await (const letter of selectLetters(desk, { ...request, all: false })) letters.push(letter);
    const { dryRun, wait: waitMs } = request;
    const outcome = await desk.redrive(letters, { dryRun, waitMs, ...(event === null ? {} : { event }) });
    const text = request.output === 'json' ? `${JSON.stringify({ job, dryRun, ...outcome })}\n` : outcomeText(job, dryRun, outcome);
    return { text, exitCode: outcome.refused.length > 0 && outcome.sent.length === 0 ? exitCodes.failed : exitCodes.ok };
  });
}

export async function dropLetters(job: string, request: Asked & { readonly reason: string }): Promise<string> {
  return withDesk(job, request, async (desk) => {
    const letters: FiledLetter[] = [];
    for await (const letter of selectLetters(desk, { ...request, all: false })) letters.push(letter);
    const dropped = await desk.drop(letters, request.reason);
    if (request.output === 'json') return `${JSON.stringify({ job, dropped })}\n`;
    return `${dropped} dead letters of ${job} are marked as done: ${request.reason}; they stay on their subject\n`;
  });
}

function eventOf({ event, id }: RedriveRequest): { readonly value: Value } | null {
  if (event === undefined) return null;
  const refuse = (message: string, fix: string): never => {
    throw new BadDeclaration('millrace dlq', [{ path: '--event', message, fix }]);
  };
  if (id === undefined) return refuse('it would come in the place of every letter', 'name the one letter with --id');
  const decoded = decodeJsonText(event);
  return 'value' in decoded ? decoded : refuse(decoded.issue, 'give the event as JSON');
}

function outcomeText(job: string, dryRun: boolean, { sent, before, refused, taken }: RedriveOutcome): string {
  const tasks = [...Map.groupBy(sent, ({ task }) => task)].map(([task, letters]) => `  ${letters.length} to ${task}`);
  const reasons = [...Map.groupBy(refused, ({ reason }) => reason)];
  const waiting = sent.length - taken;
  return [
    dryRun
      ? `${sent.length} dead letters of ${job} would be put in again; nothing was done`
      : `${sent.length} dead letters of ${job} were put in again, ${taken} of them are taken in`,
    ...tasks,
    ...(before > 0 ? [`${before} were decided by somebody else meanwhile, and stay as they are`] : []),
    ...(!dryRun && taken > 0 ? [`those that fail again are new letters: millrace dlq list ${job}`] : []),
    ...(!dryRun && waiting > 0 ? [`${waiting} wait until the job takes them in: is it running, and not paused?`] : []),
    ...reasons
      .slice(0, REASONS_MAX)
      .map(([reason, letters]) => `${letters.length} cannot be put in again (such as ${letters[0]?.id}): ${reason}`),
    '',
  ].join('\n');
}
