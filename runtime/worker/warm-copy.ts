// The state of a partition that another worker runs, followed by reading alone, so that who takes it over has not much left to read.
//
//   loading ─▶ behind ─▶ warm ─▶ taken
//      ▲          │        │
//      └──────────┴────────┘  records or the checkpoint were purged under us: begun anew, from the newer checkpoint
//
//   V1. It writes nothing and keeps nobody from purging.
//   V2. Once warm it is no more than NEAR_RECORDS behind what was the last record a moment ago, and goes on following.
//   V3. What is taken is the copy as far as it has come, or null; recovery.ts (R4) checks it against the claim.

import { isError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { BackOff } from '../journal/back-off.ts';
import { readFence } from '../journal/fence.ts';
import type { BlobStore, Journal } from '../journal/journal.ts';
import { decodeHeader, decodeRecord } from '../journal/record-codec.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
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
  /** It has become warm, or it begins anew. */
  readonly onChange: () => void;
  readonly onTrouble: (error: unknown) => void;
};

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
    void this.#following.then(() => (this.#copy = null));
  }

  async #run(): Promise<void> {
    const { clock, onTrouble } = this.#parts;
    const backOff = new BackOff({ clock, signal: this.#stop.signal });
    while (!this.#stop.signal.aborted) {
      try {
        if (!(await this.#begin())) return;
        backOff.reset();
        return await this.#follow();
      } catch (error) {
        this.#copy = null;
        this.#setWarm(false);
        // Purged under us, most likely; if it is lost indeed, whoever claims next will say so.
        if (!isError(error, 'MR2105') && !isError(error, 'MR2106')) onTrouble(error);
      }
      await backOff.wait();
    }
  }

  /** False: the partition has nothing to follow (never run, or ended). */
  async #begin(): Promise<boolean> {
    const { journal, blobs, clock, stage } = this.#parts;
    const fence = await readFence(journal, { stream: stage.stream, subject: this.#subject }, { clock, signal: this.#stop.signal });
    if (fence === 'stopped') return false;
    const header = fence === null ? null : decodeHeader(fence.bytes, this.#subject);
    if (fence === null || header === null || header.done) {
      this.#setWarm(true);
      return false;
    }
    this.#copy = await StateCopy.begin(blobs, {
      subject: this.#subject,
      task: this.task,
      checkpoint: header.checkpoint,
      namedAt: fence.sequence,
    });
    return true;
  }

  async #follow(): Promise<void> {
    const { journal, stage, turns } = this.#parts;
    const copy = this.#copy as StateCopy;
    const signal = this.#stop.signal;
    const reader = journal.read(stage.stream, { fromSequence: copy.sequence + 1, subjects: [this.#subject] });
    const wake = (): void => reader.wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        for (const { sequence, bytes } of await reader.next({ bytesMax: READ_BYTES, waitMs: WAIT_MS })) {
          if (signal.aborted) return;
          copy.take(sequence, decodeRecord(bytes, this.#subject));
          await turns.give();
        }
        if (!this.#isWarm) this.#setWarm(await this.#isNear(copy));
      }
    } finally {
      signal.removeEventListener('abort', wake);
      reader.close().catch(this.#parts.onTrouble); // who takes the copy does not wait for goodbyes
    }
  }

  async #isNear(copy: StateCopy): Promise<boolean> {
    const { journal, clock, stage } = this.#parts;
    const fence = await readFence(journal, { stream: stage.stream, subject: this.#subject }, { clock, signal: this.#stop.signal });
    if (fence === 'stopped' || fence === null) return false;
    return decodeHeader(fence.bytes, this.#subject).number - copy.number <= NEAR_RECORDS;
  }

  #setWarm(isWarm: boolean): void {
    if (isWarm === this.#isWarm) return;
    this.#isWarm = isWarm;
    this.#parts.onChange();
  }
}
