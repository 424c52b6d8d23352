// One upstream lane, read once for all tasks of this worker that need it.
//
// Owns: the readers and who is where. Does not own: what tasks do with records (task/inbox.ts).
//   F1. Every subscriber is offered every record behind its position, once, in lane order.
//   F2. A subscriber that is behind (new, or too full to go on) reads by a reader of its own until it has caught up
//       with the shared one: nobody waits for it, nothing is kept for it.
//   F3. The shared reader takes no more than the subscribers have room for (credit).
//   F4. Records that are missing are told to the subscribers that were to get them, who are offered nothing more: whether
//       the journal is broken, or a worker that stood still woke up behind what was purged, only the fence can tell.
//   F5. A subscriber that is new to a lane (an upgrade) begins at its first record, and is told of no gap behind a record that
//       could hold nothing for it: until a partition's first record of a plan that knows the new reader, its owners purge as they
//       did before; from that record on they wait for it.

import { Signal } from './signal.ts';
import type { Journal, LaneReader, StoredRecord } from '../journal/journal.ts';
import { decodeRecord } from '../journal/record-codec.ts';
import type { Record_ } from '../journal/record.ts';
import { follow } from '../journal/replay.ts';
import type { ChainEnd } from '../journal/replay.ts';

const READ_BYTES_MAX = 4 * 1024 * 1024;
const WAIT_MS = 1_000;

/** A record of the lane, verified: its body's hash, and that it follows the one before it in its partition (J2). */
export type LaneRecord = { readonly sequence: number; readonly record: Record_ };

export interface LaneSubscriber {
  /** Takes one record in (keeps what it needs of it). */
  offer(record: LaneRecord): void;
  /** Records that it was to get are gone (MR2105); nothing more is offered. */
  missed(error: unknown): void;
  /** Whether a record that followed that one may have held something for it that it has not got (F5). */
  needsBehind(seen: Seen): boolean;
  /** False: no room for more bytes now. */
  hasRoom(): boolean;
  /** Resolves when there is room again. */
  room(): Promise<void>;
}

/** The last record of a partition that a reader has seen. `outputs`: how many exchanges its writer knew. */
export type Seen = ChainEnd & { readonly sequence: number; readonly stage: string; readonly outputs: number };

/** Ends of the chains that a reader has seen, by subject. */
type ChainEnds = Map<string, Seen>;

type Member = { readonly subscriber: LaneSubscriber; nextSequence: number; reader: LaneReader | null; left: boolean };

export class LaneFeed {
  readonly #journal: Journal;
  readonly #stream: string;
  readonly #attached = new Set<Member>();
  readonly #catchingUp = new Set<Member>();
  #reader: LaneReader | null = null;
  #lastSequence = 0;
  readonly #failed: (error: unknown) => void;
  readonly #joined = new Signal();

  constructor(journal: Journal, stream: string, onFailure: (error: unknown) => void) {
    this.#journal = journal;
    this.#stream = stream;
    this.#failed = onFailure;
  }

  /** Offers all records with a sequence above `afterSequence` until the returned function is called. */
  subscribe(subscriber: LaneSubscriber, afterSequence: number): () => void {
    const member: Member = { subscriber, nextSequence: afterSequence + 1, reader: null, left: false };
    if (this.#reader === null) this.#start(afterSequence);
    this.#join(member);
    return () => this.#leave(member);
  }

  async close(): Promise<void> {
    for (const member of [...this.#attached, ...this.#catchingUp]) this.#leave(member);
    const reader = this.#reader;
    this.#reader = null;
    await reader?.close();
  }

  #start(afterSequence: number): void {
    this.#lastSequence = afterSequence;
    const reader = this.#journal.read(this.#stream, { fromSequence: afterSequence + 1 });
    this.#reader = reader;
    this.#pump(reader).catch((error: unknown) => this.#failed(error));
  }

  #join(member: Member): void {
    if (member.nextSequence > this.#lastSequence) {
      this.#attach(member);
      return;
    }
    this.#catchingUp.add(member);
    this.#catchUp(member).catch((error: unknown) => this.#failed(error));
  }

  #attach(member: Member): void {
    this.#attached.add(member);
    this.#joined.notify();
  }

  #leave(member: Member): void {
    member.left = true;
    this.#attached.delete(member);
    this.#catchingUp.delete(member);
    member.reader?.wake();
    if (this.#attached.size + this.#catchingUp.size > 0) return;
    const reader = this.#reader;
    this.#reader = null;
    this.#joined.notify();
    reader?.close().catch((error: unknown) => this.#failed(error));
  }

  async #pump(reader: LaneReader): Promise<void> {
    const ends: ChainEnds = new Map();
    while (this.#reader === reader) {
      while (this.#attached.size === 0 && this.#reader === reader) await this.#joined.wait();
      const records = await reader.next({ bytesMax: READ_BYTES_MAX, waitMs: WAIT_MS });
      if (this.#reader !== reader) return;
      for (const record of records) {
        this.#lastSequence = record.sequence;
        this.#give(record, ends, [...this.#attached]);
      }
      await this.#roomForAll(reader);
    }
  }

  #give(stored: StoredRecord, ends: ChainEnds, members: readonly Member[]): void {
    const record = decodeRecord(stored.bytes, stored.subject);
    const { number, stage, watermarks } = record.header;
    const before = ends.get(stored.subject) ?? null;
    ends.set(stored.subject, { number, hash: record.hash, sequence: stored.sequence, stage, outputs: watermarks.length });
    try {
      follow(before, record, stored.subject);
    } catch (error) {
      for (const member of members)
        if (member.nextSequence <= stored.sequence && before !== null && member.subscriber.needsBehind(before)) this.#miss(member, error);
    }
    for (const member of members) offer(member, { sequence: stored.sequence, record });
  }

  /** F4. */
  #miss(member: Member, error: unknown): void {
    if (member.left) return;
    this.#leave(member);
    member.subscriber.missed(error);
  }

  /** Waits until somebody has room; who has none by then goes on alone (F2). */
  async #roomForAll(reader: LaneReader): Promise<void> {
    const full = [...this.#attached].filter(({ subscriber }) => !subscriber.hasRoom());
    if (full.length === 0) return;
    if (full.length === this.#attached.size) await Promise.race(full.map(({ subscriber }) => subscriber.room()));
    if (this.#reader !== reader) return;
    for (const member of full) {
      if (member.left || member.subscriber.hasRoom()) continue;
      this.#attached.delete(member);
      this.#catchingUp.add(member);
      this.#catchUp(member).catch((error: unknown) => this.#failed(error));
    }
  }

  async #catchUp(member: Member): Promise<void> {
    await member.subscriber.room();
    if (member.left) return;
    const reader = this.#journal.read(this.#stream, { fromSequence: member.nextSequence });
    member.reader = reader;
    const ends: ChainEnds = new Map();
    try {
      while (!member.left && member.nextSequence <= this.#lastSequence) {
        const records = await reader.next({ bytesMax: READ_BYTES_MAX / 4, waitMs: WAIT_MS });
        for (const record of records) this.#give(record, ends, [member]);
        if (!member.subscriber.hasRoom()) await member.subscriber.room();
      }
      // No await between the check above and here: the shared reader can't have moved on.
      this.#catchingUp.delete(member);
      if (!member.left) this.#attach(member);
    } finally {
      member.reader = null;
      await reader.close();
    }
  }
}

function offer(member: Member, record: LaneRecord): void {
  if (member.left || record.sequence < member.nextSequence) return;
  member.nextSequence = record.sequence + 1;
  member.subscriber.offer(record);
}
