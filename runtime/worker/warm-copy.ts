// The state of a partition that another worker runs, followed by reading alone, so that who takes it over has not much left to read.
//
//   loading ─▶ behind ─▶ warm ─▶ taken
//      ▲          │        │
//      └──────────┴────────┘  records or the checkpoint were purged under us: begun anew, from the newer checkpoint
//
//   V1. It writes nothing and keeps nobody from purging.
//   V2. Once warm it is no more than NEAR_RECORDS behind what was the last record a moment ago, and goes on following.
//   V4. As a standby it stays when the partition was never run yet, waiting for its first record; and once warm it reads on with all
//       others of its stage (copy-feed.ts).
//   V3. What is taken is the copy as far as it has come, or null; recovery.ts (R4) checks it against the claim.

import { isError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { BackOff } from '../journal/back-off.ts';
import { readFence } from '../journal/fence.ts';
import type { BlobStore, Journal, StoredRecord } from '../journal/journal.ts';
import { decodeHeader, decodeRecord } from '../journal/record-codec.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
import type { CopyFeed } from './copy-feed.ts';
import type { ValueMemory } from '../state/value-memory.ts';
import { StateCopy } from './state-copy.ts';
import type { Turns } from './turns.ts';

/** Read in a few milliseconds, and no more than come in while the owner lets go. */
const NEAR_RECORDS = 32;
const READ_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 1_000;

export type WarmCopyParts = {
  readonly stage: StagePlan;
  readonly partition: number;
  readonly journal: Journal;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly memory: ValueMemory | null;
  /** Of a standby; absent: it is followed until it is handed over, which is soon. */
  readonly feed?: CopyFeed | undefined;
  /** It has become warm, or it begins anew. */
  readonly onChange: () => void;
  readonly onTrouble: (error: unknown) => void;
};

/** The last record of a partition. */
type Last = { readonly number: number; readonly sequence: number };

export class WarmCopy {
  readonly task: string;
  readonly stage: StagePlan;
  readonly #parts: WarmCopyParts;
  readonly #subject: string;
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;
  #copy: StateCopy | null = null;
  #isWarm = false;

  constructor(parts: WarmCopyParts) {
    this.#parts = parts;
    this.stage = parts.stage;
    this.task = taskName(parts.stage.id, parts.partition);
    this.#subject = `${parts.stage.subjectPrefix}.${parts.partition}`;
    this.#following = this.#run();
  }

  get isWarm(): boolean {
    return this.#isWarm;
  }

  get isStandby(): boolean {
    return this.#parts.feed !== undefined;
  }

  /** Number of the last record that it has; 0: none yet. */
  get number(): number {
    return this.#copy?.number ?? 0;
  }

  /** Bytes of state that it holds, estimated. */
  get bytes(): number {
    return this.#copy?.bytes ?? 0;
  }

  /** Ends following. The copy is the caller's: what is loading is waited for. Null when there is nothing to go on from. */
  async take(): Promise<StateCopy | null> {
    this.#stop.abort();
    await this.#following;
    const copy = this.#copy;
    this.#copy = null;
    return copy;
  }

  /** Ends following; what was read is thrown away. */
  close(): void {
    this.#stop.abort();
    void this.#following.then(() => {
      this.#copy?.state.close();
      this.#copy = null;
    });
  }

  async #run(): Promise<void> {
    const { clock, onTrouble } = this.#parts;
    const backOff = new BackOff({ clock, signal: this.#stop.signal });
    while (!this.#stop.signal.aborted) {
      try {
        const begun = await this.#begin();
        if (begun === 'nothing') return;
        if (begun === 'following') return await this.#follow();
      } catch (error) {
        this.#copy?.state.close();
        this.#copy = null;
        this.#setWarm(false);
        // Purged under us, most likely; if it is lost indeed, whoever claims next will say so.
        if (!isError(error, 'MR2105') && !isError(error, 'MR2106')) onTrouble(error);
      }
      await backOff.wait();
    }
  }

  /** nothing: the partition has ended, or was never run and is about to. later: it was never run, and others will (V4). */
  async #begin(): Promise<'following' | 'nothing' | 'later'> {
    const { journal, clock, stage } = this.#parts;
    const fence = await readFence(journal, { stream: stage.stream, subject: this.#subject }, { clock, signal: this.#stop.signal });
    if (fence === 'stopped') return 'nothing';
    const header = fence === null ? null : decodeHeader(fence.bytes, this.#subject);
    if (fence === null || header === null || header.done) {
      this.#setWarm(true);
      return fence === null && this.#parts.feed !== undefined ? 'later' : 'nothing';
    }
    const of = { subject: this.#subject, task: this.task, checkpoint: header.checkpoint, namedAt: fence.sequence };
    this.#copy = await StateCopy.begin(this.#parts, of);
    return 'following';
  }

  async #follow(): Promise<void> {
    const copy = this.#copy as StateCopy;
    const { feed } = this.#parts;
    const readFeed = await this.#catchUp(copy);
    if (feed !== undefined && !this.#stop.signal.aborted) await this.#readOn(feed, copy, readFeed);
  }

  /** Reads alone: a standby until it is warm. Sequence up to which it has all that is its own. */
  async #catchUp(copy: StateCopy): Promise<number> {
    const { journal, stage, turns, feed } = this.#parts;
    const signal = this.#stop.signal;
    const reader = journal.read(stage.stream, { fromSequence: copy.sequence + 1, subjects: [this.#subject] });
    const wake = (): void => reader.wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const placed = feed === undefined ? null : await this.#place(copy, feed);
        if (placed !== null) return placed;
        for (const stored of await reader.next({ bytesMax: READ_BYTES, waitMs: WAIT_MS })) {
          if (signal.aborted) return copy.sequence;
          copy.take(stored, decodeRecord(stored.bytes, this.#subject));
          await turns.give();
        }
        if (!this.#isWarm && feed === undefined) this.#setWarm(isNear(copy, await this.#last()));
      }
      return copy.sequence;
    } finally {
      signal.removeEventListener('abort', wake);
      reader.close().catch(this.#parts.onTrouble); // who takes the copy does not wait for goodbyes
    }
  }

  /** Null: it is far behind. Else up to where it has all that is its own: what the feed had read was stored before this looks at the
   *  last record, so when it has that one it lacks nothing of what the feed has read. */
  async #place(copy: StateCopy, feed: CopyFeed): Promise<number | null> {
    const read = feed.sequence;
    const last = await this.#last();
    if (last === null || !isNear(copy, last)) return null;
    this.#setWarm(true);
    return last.sequence > copy.sequence ? copy.sequence : Math.max(copy.sequence, read);
  }

  /** With all others of its stage. Resolves when it is to end; rejects when a record is missing. */
  #readOn(feed: CopyFeed, copy: StateCopy, afterSequence: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const take = (stored: StoredRecord): void => void copy.take(stored, decodeRecord(stored.bytes, this.#subject));
    const leave = feed.join({ subject: this.#subject, take, failed: reject }, afterSequence);
    const end = (): void => {
      leave();
      resolve();
    };
    this.#stop.signal.addEventListener('abort', end, { once: true });
    return promise.finally(() => this.#stop.signal.removeEventListener('abort', end));
  }

  /** Of the partition's last record; null: asked to end, or there is none. */
  async #last(): Promise<Last | null> {
    const { journal, clock, stage } = this.#parts;
    const fence = await readFence(journal, { stream: stage.stream, subject: this.#subject }, { clock, signal: this.#stop.signal });
    if (fence === 'stopped' || fence === null) return null;
    return { number: decodeHeader(fence.bytes, this.#subject).number, sequence: fence.sequence };
  }

  #setWarm(isWarm: boolean): void {
    if (isWarm === this.#isWarm) return;
    this.#isWarm = isWarm;
    this.#parts.onChange();
  }
}

function isNear(copy: StateCopy, last: Last | null): boolean {
  return last !== null && last.number - copy.number <= NEAR_RECORDS;
}
