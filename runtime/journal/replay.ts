// Reading a partition's records back, the chain checked (J2), up to one's own claim (J3).

import { assert } from '../base/assert.ts';
import { MillraceError, isError } from '../base/errors.ts';
import type { Journal, LaneReader } from './journal.ts';
import { decodeRecord } from './record-codec.ts';
import type { Record_ } from './record.ts';

export type ReplayedRecord = { readonly sequence: number; readonly storedMs: number; readonly record: Record_ };

export type ReplayRequest = {
  readonly stream: string;
  readonly subject: string;
  /** First sequence wanted; older records of the partition may be purged. */
  readonly fromSequence: number;
  /** Sequence of one's own claim: the replay ends with it, and only with it. */
  readonly untilSequence: number;
  /** Record before the first one wanted, when known: the first must be its successor. */
  readonly after?: ChainEnd;
  readonly bytesMax?: number;
  /** Aborted: the iteration ends early. */
  readonly signal?: AbortSignal;
};

export type ChainEnd = { readonly number: number; readonly hash: string };

const READ_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 1000;
/** Times that the claim must be missing, a wait apart, before it is believed: a replica may lag. */
const LOST_LOOKS = 5;

/** The records of a partition in order. Throws MR2105 when the chain breaks or the claim is not there. */
export async function* replay(journal: Journal, request: ReplayRequest): AsyncGenerator<ReplayedRecord, void, undefined> {
  const { stream, subject, untilSequence, signal } = request;
  assert(request.fromSequence <= untilSequence, () => `replay of ${subject} from ${request.fromSequence} until ${untilSequence}`);
  const reader = journal.read(stream, { fromSequence: request.fromSequence, subjects: [subject] });
  const wake = (): void => reader.wake();
  signal?.addEventListener('abort', wake);
  let end = request.after ?? null;
  let lostLooks = 0;
  try {
    while (signal?.aborted !== true) {
      const records = await readSome(reader, request);
      if (records.length > 0) lostLooks = 0;
      else if ((await isLost(journal, request)) && ++lostLooks === LOST_LOOKS) {
        throw new MillraceError('MR2105', { task: subject, problem: `sequence ${untilSequence}, its own claim, is gone` });
      }
      for (const { sequence, storedMs, bytes } of records) {
        if (sequence > untilSequence)
          throw new MillraceError('MR2105', {
            task: subject,
            problem: `sequence ${untilSequence}, its own claim, is gone; the next record is at ${sequence}`,
          });
        const record = decodeRecord(bytes, subject);
        end = follow(end, record, subject);
        yield { sequence, storedMs, record };
        if (sequence === untilSequence) return;
      }
    }
  } finally {
    signal?.removeEventListener('abort', wake);
    await reader.close();
  }
}

/** The chain's new end when `record` is the successor of `end` (null: unknown). Throws MR2105 when it is not. Pure. */
export function follow(end: ChainEnd | null, { header, hash }: Record_, place: string): ChainEnd {
  const broken = (problem: string): MillraceError<'MR2105'> => new MillraceError('MR2105', { task: place, problem });
  if (end !== null && header.number !== end.number + 1) throw broken(`record ${header.number} follows record ${end.number}`);
  if (end !== null && header.previousHash !== end.hash)
    throw broken(`record ${header.number} names ${header.previousHash} as the one before it, which is ${end.hash}`);
  return { number: header.number, hash };
}

/** True when the journal answers and does not have the claim. */
async function isLost(journal: Journal, { stream, subject, untilSequence }: ReplayRequest): Promise<boolean> {
  try {
    const last = await journal.last(stream, subject);
    return last === null || last.sequence < untilSequence;
  } catch (error) {
    if (isError(error, 'MR2102')) return false;
    throw error;
  }
}

function readSome(reader: LaneReader, request: ReplayRequest): ReturnType<LaneReader['next']> {
  return reader.next({ bytesMax: request.bytesMax ?? READ_BYTES, waitMs: WAIT_MS });
}
