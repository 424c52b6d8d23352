// The story of a key, as a person asks for it.
//
//   KS1. A person writes a key as text: it may be meant as that text, or as the number, list or record that it is in JSON. All are
//        asked for; the one that is known counts, else the text.

import { MillraceError } from '../runtime/base/errors.ts';
import { encodeKey } from '../runtime/event/key.ts';
import { matchCountsOf, statesOf } from '../runtime/client/active-states.ts';
import { askOwner, type AskParts, type OwnerAnswer } from '../runtime/client/ask-owner.ts';
import type { AtLeast } from '../runtime/worker/taken-in.ts';
import type { Story } from './api.ts';

/** No older than that message; `waitMs`: at most. */
export type Fresh = AtLeast & { readonly waitMs: number };

const ANSWER_MAX_MS = 1_500;

export async function keyStory(node: string, key: string, parts: AskParts, fresh: Fresh | null = null): Promise<Story> {
  const about = { node, atLeast: fresh, waitMs: fresh?.waitMs ?? 0, silentMs: ANSWER_MAX_MS };
  const asked = await Promise.allSettled(keysFor(key).map((one) => askOwner({ ...about, key: one }, parts)));
  const told = asked.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  const known = told.find(({ answer }) => answer.cells.length > 0 || answer.timers.length > 0 || answer.recent.length > 0);
  const refused = asked.find((one) => one.status === 'rejected');
  if (known === undefined && refused !== undefined) return { kind: 'nobody', message: problemOf(refused.reason) };
  const { stage, partition, answer } = known ?? (told[0] as OwnerAnswer);
  const counts = matchCountsOf(stage, node, answer);
  return {
    kind: 'told',
    partition,
    state: statesOf(stage, node, answer),
    ...(counts === null ? {} : { partialMatches: counts }),
    answer,
  };
}

function problemOf(error: unknown): string {
  if (error instanceof MillraceError) return error.message.slice(error.message.indexOf(': ') + 2);
  throw error;
}

/** KS1. */
function keysFor(text: string): readonly string[] {
  const keys = [encodeKey(text)];
  try {
    const value = JSON.parse(text) as unknown;
    keys.push(encodeKey(value));
  } catch {
    // It is only a text.
  }
  return [...new Set(keys)];
}
