// Taking a partition over: a claim is a record of a higher epoch, written by the same compare-and-set (J3).
//
//   C1. From its claim on, no commit of an older epoch is accepted: their expectation names a record before it.
//   C2. Of claims that race exactly one is behind each record; who lost reads again and claims behind the winner.
//   C3. No record, or one older than the caller has seen, is never taken for a new partition (J6).

import { MillraceError } from '../base/errors.ts';
import { BackOff, type Waiting } from './back-off.ts';
import { commitFenced, readFence } from './fence.ts';
import type { Journal, StoredRecord } from './journal.ts';
import { NO_HASH, decodeRecord, type EncodedRecord } from './record-codec.ts';
import type { RecordHeader } from './record.ts';

/** The record that a claim stands behind. */
export type PreviousRecord = {
  readonly header: RecordHeader;
  readonly hash: string;
  readonly sequence: number;
  /** By the clock of the server. */ readonly storedMs: number;
};

/** What the claim's header must say. */
export type ClaimLink = { readonly epoch: number; readonly number: number; readonly previousHash: string };

export type ClaimRequest = {
  readonly stream: string;
  readonly subject: string;
  readonly owner: string;
  /** Last sequence of this partition that anything else remembers (a checkpoint, a reader): none is 0. */
  readonly seenSequence?: number;
  /** Encodes the claim: no content, but the positions of `previous` carried over. */
  readonly makeClaim: (previous: PreviousRecord | null, link: ClaimLink) => EncodedRecord | Promise<EncodedRecord>;
  /** True: whoever claims here must not stand behind that record; nothing is written. */
  readonly yields?: (previous: PreviousRecord) => boolean;
};

export type Claimed = {
  readonly kind: 'claimed';
  readonly epoch: number;
  readonly number: number;
  readonly sequence: number;
  readonly hash: string;
  readonly previous: PreviousRecord | null;
};

/** Claims the partition, however long it takes. Throws MR2105 when its journal is not whole. */
export async function claim(
  journal: Journal,
  request: ClaimRequest,
  waiting: Waiting,
): Promise<Claimed | { readonly kind: 'stopped' | 'yielded' }> {
  const { stream, subject, owner } = request;
  const backOff = new BackOff(waiting);
  while (!waiting.signal.aborted) {
    const fence = await readFence(journal, request, waiting);
    if (fence === 'stopped') break;
    const previous = previousOf(request, fence);
    if (previous !== null && request.yields?.(previous) === true) return { kind: 'yielded' };
    const link = linkBehind(previous);
    const { bytes, hash } = await request.makeClaim(previous, link);
    const expected = previous === null ? 0 : previous.sequence;
    // What may come between: another claim (this epoch), or a last commit of the owner before (the epoch before).
    const epoch = link.epoch - 2;
    const result = await commitFenced(journal, { stream, subject, expected, bytes, hash, epoch, number: link.number, owner }, waiting);
    if (result.kind === 'committed') return { kind: 'claimed', ...link, sequence: result.sequence, hash, previous };
    if (result.kind === 'stopped') break;
    await backOff.wait();
  }
  return { kind: 'stopped' };
}

/** Epoch, number and link of a claim behind `previous`. */
export function linkBehind(previous: PreviousRecord | null): ClaimLink {
  if (previous === null) return { epoch: 1, number: 1, previousHash: NO_HASH };
  return { epoch: previous.header.epoch + 1, number: previous.header.number + 1, previousHash: previous.hash };
}

function previousOf(request: ClaimRequest, fence: StoredRecord | null): PreviousRecord | null {
  const sequence = fence === null ? 0 : fence.sequence;
  const seen = request.seenSequence ?? 0;
  if (sequence < seen) {
    const found = fence === null ? 'there is none' : `its last is at ${sequence}`;
    throw new MillraceError('MR2105', { task: request.subject, problem: `it had a record at sequence ${seen}, now ${found}` });
  }
  if (fence === null) return null;
  const { header, hash } = decodeRecord(fence.bytes, request.subject);
  return { header, hash, sequence, storedMs: fence.storedMs };
}
