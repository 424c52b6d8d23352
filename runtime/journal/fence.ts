// A commit that ends certain: stored, or fenced, whatever the network answers. Rules J4, J5, J8.
//
//            ┌────────── busy: wait ──────────┐
//            ▼                                │
//   ┌──▶ append ── stored ──────────────────────────▶ committed
//   │        └─ refused · in-flight · unknown ─▶ read the fence
//   │                                             ├─ ours (same hash) ──▶ committed
//   │                                             ├─ another record ────▶ fenced
//   └──── wait ◀── still where we expected it ────┤
//                                                 └─ behind it, or none ▶ read again, then MR2105
//
//   F1. The bytes are sent again only while the fence is seen where it was expected, and then unchanged: the server
//       accepts them at most once, whichever of the copies comes first.
//   F2. A fence that disappeared or went back (J6) is told loudly. A replica that lags may answer an old fence, so it
//       must be seen several times.

import { MillraceError, isError } from '../base/errors.ts';
import { BackOff, type Waiting } from './back-off.ts';
import type { Journal, StoredRecord } from './journal.ts';
import { decodeHeader, recordHash } from './record-codec.ts';

export type Commit = {
  readonly stream: string;
  readonly subject: string;
  /** Sequence of the partition's record before this one; 0: none. */
  readonly expected: number;
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly epoch: number;
  readonly number: number;
  readonly owner: string;
};

export type CommitResult =
  | { readonly kind: 'committed'; readonly sequence: number }
  /** Another owner has claimed the partition: stop, it goes on from what is stored. */
  | { readonly kind: 'fenced'; readonly byEpoch: number }
  /** The signal was aborted; whether it was stored is not known. */
  | { readonly kind: 'stopped' };

/** A lane that is gone only looks busy (nobody answers): each so many refusals the fence is read, which tells. */
const BUSY_LOOK = 8;
/** Reads of a lost fence before it is believed: with the back-off between them, about three seconds. */
const LOST_READS = 12;

/** Stores a record behind `expected`, however long it takes. Throws MR2105 when the journal is not whole. */
export async function commitFenced(journal: Journal, commit: Commit, waiting: Waiting): Promise<CommitResult> {
  const backOff = new BackOff(waiting);
  let lostReads = 0;
  let busy = 0;
  while (!waiting.signal.aborted) {
    const result = await journal.append(commit.stream, commit.subject, commit.expected, commit.bytes);
    if (result.kind === 'stored') return { kind: 'committed', sequence: result.sequence };
    if (result.kind !== 'busy' || ++busy % BUSY_LOOK === 0) {
      const fence = await readFence(journal, commit, waiting);
      if (fence === 'stopped') break;
      const verdict = judge(commit, fence);
      if (verdict.kind !== 'unchanged' && verdict.kind !== 'lost') return verdict;
      if (verdict.kind === 'lost' && ++lostReads === LOST_READS)
        throw new MillraceError('MR2105', { task: commit.subject, problem: verdict.problem });
    }
    await backOff.wait();
  }
  return { kind: 'stopped' };
}

/** The partition's last record, as soon as the journal answers; or 'stopped'. */
export async function readFence(
  journal: Journal,
  place: { readonly stream: string; readonly subject: string },
  waiting: Waiting,
): Promise<StoredRecord | null | 'stopped'> {
  const backOff = new BackOff(waiting);
  while (!waiting.signal.aborted) {
    try {
      return await journal.last(place.stream, place.subject);
    } catch (error) {
      if (!isError(error, 'MR2102')) throw error;
    }
    await backOff.wait();
  }
  return 'stopped';
}

type Verdict =
  Exclude<CommitResult, { kind: 'stopped' }> | { readonly kind: 'unchanged' } | { readonly kind: 'lost'; readonly problem: string };

/** What a fence says about a commit that was not answered, or refused. Pure. */
export function judge(commit: Commit, fence: StoredRecord | null): Verdict {
  const sequence = fence === null ? 0 : fence.sequence;
  if (sequence === commit.expected) return { kind: 'unchanged' };
  if (fence === null)
    return { kind: 'lost', problem: `record ${commit.number - 1} at sequence ${commit.expected} is gone, and nothing is in its place` };
  if (sequence < commit.expected)
    return { kind: 'lost', problem: `its last record was at sequence ${commit.expected} and is now at ${sequence}` };
  if (recordHash(fence.bytes, commit.subject) === commit.hash) return { kind: 'committed', sequence };
  const { epoch, owner } = decodeHeader(fence.bytes, commit.subject);
  if (epoch <= commit.epoch) {
    // Epochs are given out by compare-and-set: nobody else can have written in ours, or in an older one after ours.
    throw new MillraceError('MR2105', {
      task: commit.subject,
      problem: `owner ${owner} wrote in epoch ${epoch} behind record ${commit.number - 1} of epoch ${commit.epoch} (owner ${commit.owner})`,
    });
  }
  return { kind: 'fenced', byEpoch: epoch };
}
