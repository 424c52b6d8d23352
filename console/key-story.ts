// The story of a key, as a person asks for it.

import { MillraceError } from '../runtime/base/errors.ts';
import { encodeKey } from '../runtime/event/key.ts';
import { matchCountsOf, statesOf } from '../runtime/client/active-states.ts';
import { askOwner, type AskParts, type OwnerAnswer } from '../runtime/client/ask-owner.ts';
import { askAsTyped } from '../runtime/client/typed-key.ts';
import type { AtLeast } from '../runtime/worker/taken-in.ts';
import type { Story } from './api.ts';

/** No older than that message; `waitMs`: at most. */
export type Fresh = AtLeast & { readonly waitMs: number };

const ANSWER_MAX_MS = 1_500;

export async function keyStory(node: string, key: string, parts: AskParts, fresh: Fresh | null = null): Promise<Story> {
  const about = { node, atLeast: fresh, waitMs: fresh?.waitMs ?? 0, silentMs: ANSWER_MAX_MS };
  let told: OwnerAnswer;
  try {
    told = await askAsTyped(key, async (one) => askOwner({ ...about, key: encodeKey(one) }, parts), isKnown);
  } catch (error) {
    return { kind: 'nobody', message: problemOf(error) };
  }
  const { stage, partition, answer } = told;
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

function isKnown({ answer }: OwnerAnswer): boolean {
  return answer.cells.length > 0 || answer.timers.length > 0 || answer.recent.length > 0;
}
