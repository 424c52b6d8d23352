// What a person decides about dead letters in the console: asked for as text, checked, and done by the same desk as the command line's.
//
//   DE1. Bounded: one request is about at most LETTERS_MAX letters, the oldest; who asks again does what is left.
//   DE2. Only letters up to `through` are meant: nobody decides about what they did not see counted.

import type { DeadLetterDesk, FiledLetter, RedriveOutcome } from '../runtime/dead-letter-desk.ts';
import type { DecideRequest, Decided } from './api.ts';
import { causeId } from './dead-letter-groups.ts';

const LETTERS_MAX = 10_000;
const TAKEN_WAIT_MS = 3_000;
const REASONS_MAX = 10;
const TASKS_MAX = 50;
const REASON_CHARACTERS_MAX = 500;
const NAME_PATTERN = /^[0-9A-Za-z-]{1,64}$/;

/** What is wrong with it, as a sentence; or the request. */
export function decideRequestIn(body: unknown): DecideRequest | string {
  const { what, which, reason = '', dryRun, through = null } = (body ?? {}) as Partial<DecideRequest>;
  if (what !== 'redrive' && what !== 'drop') return 'what is to be done: "redrive" or "drop"';
  const { cause, id } = (which ?? {}) as { readonly cause?: unknown; readonly id?: unknown };
  const isName = (value: unknown): value is string => typeof value === 'string' && NAME_PATTERN.test(value);
  if (isName(cause) === isName(id)) return 'which letters: {"cause": …} or {"id": …}';
  if (typeof reason !== 'string' || reason.length > REASON_CHARACTERS_MAX)
    return `the reason is a text of at most ${REASON_CHARACTERS_MAX} characters`;
  if (typeof dryRun !== 'boolean') return 'dryRun is true or false';
  if (what === 'drop' && !dryRun && reason.trim() === '') return 'letters are dropped with a reason, for who looks later';
  if (through !== null && !Number.isSafeInteger(through)) return 'through is what the dry run gave';
  return { what, which: isName(cause) ? { cause } : { id: id as string }, reason: reason.trim(), dryRun, through };
}

export async function decideLetters(desk: DeadLetterDesk, request: DecideRequest): Promise<Decided> {
  const { letters, before, isMore, through } = await select(desk, request);
  const told = { isMore, through };
  if (request.what === 'redrive') {
    const outcome = await desk.redrive(letters, { dryRun: request.dryRun, waitMs: TAKEN_WAIT_MS });
    return { ...outcomeOf(outcome), before: before + outcome.before, ...told };
  }
  const count = request.dryRun ? letters.length : await desk.drop(letters, request.reason);
  return { count, taken: 0, before: before + (letters.length - count), refused: [], tasks: [], ...told };
}

type Selected = { readonly letters: readonly FiledLetter[]; readonly before: number; readonly isMore: boolean; readonly through: number };

async function select(desk: DeadLetterDesk, { which, through }: DecideRequest): Promise<Selected> {
  const decisions = await desk.decisions();
  const letters: FiledLetter[] = [];
  let [before, last] = [0, 0];
  for await (const filed of desk.letters()) {
    if (filed.streamSequence > (through ?? Infinity)) break; // DE2
    const isMeant = 'id' in which ? filed.id === which.id : causeId(filed.letter) === which.cause;
    if (!isMeant) continue;
    if (decisions.has(filed.id)) {
      if ('id' in which) before++;
      continue;
    }
    if (letters.length === LETTERS_MAX) return { letters, before, isMore: true, through: last }; // DE1
    letters.push(filed);
    last = filed.streamSequence;
  }
  return { letters, before, isMore: false, through: through ?? last };
}

function outcomeOf({ sent, refused, taken, before }: RedriveOutcome): Omit<Decided, 'isMore' | 'through'> {
  return {
    count: sent.length,
    taken,
    before,
    refused: [...Map.groupBy(refused, ({ reason }) => reason)]
      .slice(0, REASONS_MAX)
      .map(([reason, all]) => ({ reason, count: all.length, example: all[0]?.id ?? '' })),
    tasks: [...Map.groupBy(sent, ({ task }) => task)].slice(0, TASKS_MAX).map(([task, all]) => ({ task, count: all.length })),
  };
}
