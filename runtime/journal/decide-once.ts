// A decision about one dead letter, stored once for ever: the first message of its subject.
//
//   O1. What is stored is never replaced, whoever asks again and however often: only the first message of the subject is accepted.
//   O2. Without an answer the subject is looked at before anything is sent again (J4).

import type { Clock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import { encodeRedriveEntry } from './redrive-entry.ts';
import type { RedriveEntry } from './redrive-entry.ts';
import { BackOff } from './back-off.ts';
import type { Journal } from './journal.ts';

export type Place = { readonly stream: string; readonly subject: string };
/** `before`: somebody had decided already, and that stays. */
export type Decided = { readonly kind: 'stored'; readonly sequence: number } | { readonly kind: 'before' };

const TRIES_MAX = 12;

/** Throws MR2102 when nobody answers for long: then nothing is known, and the same may be asked again. */
export async function decideOnce(
  journal: Journal,
  { stream, subject }: Place,
  entry: RedriveEntry,
  waiting: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Decided> {
  const backOff = new BackOff(waiting);
  const bytes = encodeRedriveEntry(entry);
  let isSent = false;
  let reason = '';
  for (let tries = 0; tries < TRIES_MAX && !waiting.signal.aborted; tries++) {
    const result = await journal.append(stream, subject, 0, bytes);
    if (result.kind === 'stored') return result;
    if (result.kind === 'refused') return isSent ? await whose(journal, { stream, subject }, bytes) : { kind: 'before' };
    isSent ||= result.kind === 'unknown';
    reason = result.kind === 'in-flight' ? 'another writer is under way' : result.reason;
    await backOff.wait();
  }
  throw new MillraceError('MR2102', { stream, problem: reason });
}

/** One that was sent and not answered may be what stands there. */
async function whose(journal: Journal, { stream, subject }: Place, bytes: Uint8Array): Promise<Decided> {
  const stored = await journal.last(stream, subject);
  if (stored === null || Buffer.compare(stored.bytes, bytes) !== 0) return { kind: 'before' };
  return { kind: 'stored', sequence: stored.sequence };
}
