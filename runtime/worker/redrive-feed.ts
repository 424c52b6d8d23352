// What was decided about dead letters, read once for all tasks of this worker.
//
//   E1. Every task is offered each letter that is put in again for it, behind its own position, once, in the order of the stream.
//   E2. Reading is for who has work: a look at the stream's end every LOOK_MS costs one small request, and only what is new is read.
//   E3. Nothing here ends a job: what cannot be read now is read later.
//   E4. What is read and not taken in yet is bounded: while a task has no room, nobody is given more.

import type { Clock } from '../base/clock.ts';
import { isError } from '../base/errors.ts';
import { decodeRedriveEntry } from '../journal/redrive-entry.ts';
import type { Redriven } from '../journal/redrive-entry.ts';
import type { Journal } from '../journal/journal.ts';

export type RedrivenLetter = { readonly sequence: number; readonly entry: Redriven; readonly bytes: number };

export interface RedriveSubscriber {
  readonly stage: string;
  readonly partition: number;
  offer(letter: RedrivenLetter): void;
  hasRoom(): boolean;
}

export type RedriveFeedParts = {
  readonly journal: Journal;
  readonly stream: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
};

const LOOK_MS = 1_000;
const READ_BYTES_MAX = 1024 * 1024;
/** A task without room is asked again after this. */
const ROOM_MS = 50;

type Member = { readonly subscriber: RedriveSubscriber; seen: number };

export class RedriveFeed {
  readonly #parts: RedriveFeedParts;
  readonly #members = new Set<Member>();

  /** null: the worker takes nothing in again. */
  static of(
    { journal, clock, redriveStream: stream }: Pick<RedriveFeedParts, 'journal' | 'clock'> & { readonly redriveStream?: string },
    signal: AbortSignal,
    onTrouble: (error: unknown) => void,
  ): RedriveFeed | null {
    return stream === undefined ? null : new RedriveFeed({ journal, clock, stream, signal, onTrouble });
  }

  constructor(parts: RedriveFeedParts) {
    this.#parts = parts;
  }

  /** Offers what lies behind `afterSequence` until the returned function is called. */
  subscribe(subscriber: RedriveSubscriber, afterSequence: number): () => void {
    const member = { subscriber, seen: afterSequence };
    this.#members.add(member);
    return () => void this.#members.delete(member);
  }

  /** Until the signal. */
  async run(): Promise<void> {
    const { journal, stream, clock, signal, onTrouble } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      if (signal.aborted || this.#members.size === 0) continue;
      try {
        const { lastSequence } = await journal.figures(stream);
        if (this.#lowest() < lastSequence) await this.#readUntil(lastSequence);
      } catch (error) {
        if (!isError(error, 'MR1012')) onTrouble(error); // a run of an older version has no such stream until somebody needs it
      }
    }
  }

  #lowest(): number {
    return Math.min(...[...this.#members].map(({ seen }) => seen));
  }

  /** Who joins meanwhile is served by the next look. */
  async #readUntil(lastSequence: number): Promise<void> {
    const { journal, stream, clock, signal } = this.#parts;
    const members = [...this.#members];
    let sequence = this.#lowest();
    const reader = journal.read(stream, { fromSequence: sequence + 1 });
    try {
      while (sequence < lastSequence && !signal.aborted) {
        for (const stored of await reader.next({ bytesMax: READ_BYTES_MAX, waitMs: LOOK_MS })) {
          sequence = stored.sequence;
          this.#give(members, sequence, stored.bytes);
        }
        while (!signal.aborted && members.some((member) => this.#members.has(member) && !member.subscriber.hasRoom()))
          await clock.sleep(ROOM_MS, signal);
      }
    } finally {
      await reader.close();
    }
  }

  #give(members: readonly Member[], sequence: number, bytes: Uint8Array): void {
    const entry = decodeRedriveEntry(bytes);
    for (const member of members) {
      if (sequence <= member.seen) continue;
      member.seen = sequence;
      const { subscriber } = member;
      if (entry?.kind !== 'redrive' || entry.stage !== subscriber.stage || entry.partition !== subscriber.partition) continue;
      if (this.#members.has(member)) subscriber.offer({ sequence, entry, bytes: bytes.byteLength });
    }
  }
}
