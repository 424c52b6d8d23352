// Records of all partitions of a stage that are followed here, read once for all of them.
//
// Owns: the reader and who has come how far. Does not own: what a copy does with a record (warm-copy.ts).
//   E1. Each is given every record of its subject behind its place, once, in order.
//   E2. The reader reads these subjects only. It is made anew when somebody joins, from the first record that one of them lacks.
//   E3. Who fails with a record has left, alone. A reader that fails takes all with it: each begins anew by itself.

import type { Journal, LaneReader, StoredRecord } from '../journal/journal.ts';
import type { Turns } from './turns.ts';

const READ_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 1_000;

export type CopyFollower = {
  readonly subject: string;
  take(record: StoredRecord): void;
  /** It gets nothing more. */
  failed(error: unknown): void;
};

type Member = { readonly follower: CopyFollower; /** Up to here it has all that is its own. */ afterSequence: number };

export type CopyFeedParts = {
  readonly journal: Pick<Journal, 'read'>;
  readonly stream: string;
  readonly turns: Turns;
  readonly onTrouble: (error: unknown) => void;
};

export class CopyFeed {
  readonly #parts: CopyFeedParts;
  readonly #members = new Map<string, Member>();
  #reader: LaneReader | null = null;
  #sequence = 0;

  constructor(parts: CopyFeedParts) {
    this.#parts = parts;
  }

  /** Up to here the stream was read; 0: not at all. */
  get sequence(): number {
    return this.#reader === null ? 0 : this.#sequence;
  }

  /** Gives it what comes behind `afterSequence` until the returned function is called. */
  join(follower: CopyFollower, afterSequence: number): () => void {
    for (const member of this.#members.values()) member.afterSequence = Math.max(member.afterSequence, this.sequence);
    const member = { follower, afterSequence };
    this.#members.set(follower.subject, member);
    this.#open();
    return () => this.#leave(member);
  }

  #open(): void {
    this.#close();
    this.#sequence = Math.min(...[...this.#members.values()].map(({ afterSequence }) => afterSequence));
    const reader = this.#parts.journal.read(this.#parts.stream, {
      fromSequence: this.#sequence + 1,
      subjects: [...this.#members.keys()].sort(),
    });
    this.#reader = reader;
    this.#pump(reader).catch((error: unknown) => this.#fail(reader, error));
  }

  #close(): void {
    const reader = this.#reader;
    this.#reader = null;
    reader?.wake();
    reader?.close().catch(this.#parts.onTrouble);
  }

  #leave(member: Member): void {
    if (this.#members.get(member.follower.subject) !== member) return;
    this.#members.delete(member.follower.subject);
    if (this.#members.size === 0) this.#close();
  }

  async #pump(reader: LaneReader): Promise<void> {
    while (this.#reader === reader) {
      for (const record of await reader.next({ bytesMax: READ_BYTES, waitMs: WAIT_MS })) {
        if (this.#reader !== reader) return;
        this.#sequence = record.sequence;
        this.#give(record);
        await this.#parts.turns.give();
      }
    }
  }

  #give(record: StoredRecord): void {
    const member = this.#members.get(record.subject);
    if (member === undefined || record.sequence <= member.afterSequence) return;
    member.afterSequence = record.sequence;
    try {
      member.follower.take(record);
    } catch (error) {
      this.#leave(member);
      member.follower.failed(error);
    }
  }

  #fail(reader: LaneReader, error: unknown): void {
    if (this.#reader !== reader) return;
    const members = [...this.#members.values()];
    this.#members.clear();
    this.#close();
    for (const { follower } of members) follower.failed(error);
  }
}
