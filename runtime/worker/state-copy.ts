// A partition's state as its records tell it: a checkpoint, and the changes since, taken in one record after the other.
//
//   Y1. It is exactly its checkpoint and every record up to `number`: each taken in has to follow the one before (J2).
//   Y2. A step that another owner left unfinished (`more`, then a claim) counts for nothing.

import { MillraceError, isError } from '../base/errors.ts';
import type { BlobStore, StoredRecord } from '../journal/journal.ts';
import { segmentBytes } from '../journal/record-codec.ts';
import type { CheckpointRef, Record_ } from '../journal/record.ts';
import { follow } from '../journal/replay.ts';
import type { ChainEnd } from '../journal/replay.ts';
import { PartitionState } from '../state/partition-state.ts';
import type { ValueMemory } from '../state/value-memory.ts';
import type { Turns } from './turns.ts';

/** What a whole step has for a sink. */
export type Payload = { readonly bytes: Uint8Array; readonly count: number };

export type StateCopyParts = {
  readonly blobs: BlobStore;
  readonly turns: Turns;
  /** For values; null: all of them stay there. */
  readonly memory: ValueMemory | null;
};

export type CopyOf = {
  /** The partition's subject, and its task, for messages. */
  readonly subject: string;
  readonly task: string;
  readonly checkpoint: CheckpointRef | null;
  /** Sequence of the record that names the checkpoint. */
  readonly namedAt: number;
};

export class StateCopy {
  readonly #subject: string;
  readonly #memory: ValueMemory | null;
  #state: PartitionState;
  /** Number of the record that the checkpoint is the state of: changes up to it are in there. */
  readonly #loadedNumber: number;
  #next: number;
  #end: ChainEnd | null = null;
  #sequence: number;
  #storedMs = 0;
  #bytes: number;
  readonly #open = new OpenStep();

  private constructor({ subject, checkpoint, namedAt }: CopyOf, state: PartitionState, memory: ValueMemory | null) {
    this.#memory = memory;
    this.#subject = subject;
    this.#state = state;
    const { name, number, sequence } = placed(checkpoint, namedAt) ?? { name: '', number: 0, sequence: 0 };
    this.#loadedNumber = number;
    this.#next = number + 1;
    this.#sequence = name === ':inline' ? sequence - 1 : sequence;
    this.#bytes = checkpoint?.bytes ?? 0;
  }

  /** The state of the checkpoint; one that lies in a record comes with that record. Throws MR2106. */
  static async begin(parts: StateCopyParts, of: CopyOf): Promise<StateCopy> {
    return new StateCopy(of, await loadCheckpoint(parts, of), parts.memory);
  }

  get state(): PartitionState {
    return this.#state;
  }

  /** Number of the last record taken in; of the checkpoint when there was none. */
  get number(): number {
    return this.#next - 1;
  }

  /** Sequence behind which the records come that it needs. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The last record taken in; null: none was. */
  get end(): ChainEnd | null {
    return this.#end;
  }

  /** When that was stored, by the clock of the server. */
  get storedMs(): number {
    return this.#storedMs;
  }

  /** About what it takes, without walking over it. */
  get bytes(): number {
    return Math.max(this.#bytes, this.#state.bytesEstimate());
  }

  /** Takes the partition's next record in; a step's payload, when that was its last. Throws MR2105 when one is missing. */
  take({ sequence, storedMs }: Pick<StoredRecord, 'sequence' | 'storedMs'>, record: Record_): Payload | null {
    const { header } = record;
    this.#end = follow(this.#end, record, this.#subject);
    if (header.number > this.#next) {
      const problem = `record ${header.number} follows its checkpoint, which is that of record ${this.#next - 1}`;
      throw new MillraceError('MR2105', { task: this.#subject, problem });
    }
    this.#next = Math.max(this.#next, header.number + 1);
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#storedMs = storedMs;
    if (header.kind === 'claim') this.#open.clear(); // Y2
    for (const info of header.segments) this.#open.add(info.kind, segmentBytes(record, info), info.count);
    if (header.more) return null;
    const { image, delta, payload } = this.#open.take();
    if (image !== null) {
      this.#state.close();
      this.#state = PartitionState.restore(image, this.#memory);
    } else if (delta !== null && header.number > this.#loadedNumber) this.#state.applyDelta(delta);
    return payload;
  }
}

/** The checkpoint that the record at `namedAt` names, with the place of its own record. */
export function placed(checkpoint: CheckpointRef | null, namedAt: number): CheckpointRef | null {
  return checkpoint === null || checkpoint.sequence >= 0 ? checkpoint : { ...checkpoint, sequence: namedAt };
}

async function loadCheckpoint({ blobs, turns, memory }: StateCopyParts, { checkpoint, task }: CopyOf): Promise<PartitionState> {
  if (checkpoint === null || checkpoint.name.startsWith(':') || checkpoint.name === '') return new PartitionState(memory);
  const { name, sha256, bytes } = checkpoint;
  try {
    const chunks = await blobs.get(name, sha256);
    if (chunks === null) throw new MillraceError('MR2106', { task, problem: 'it is not there' });
    const reading = PartitionState.reading(memory);
    for await (const chunk of chunks) {
      reading.take(chunk);
      await turns.give();
    }
    return reading.end();
  } catch (error) {
    if (!isError(error, 'MR2106')) throw error;
    throw new MillraceError('MR2106', { task, problem: `${name} (${bytes} bytes) is missing or damaged: ${error.data.problem}` }, error);
  }
}

/** What the records of one step have brought so far, pieces put together. */
class OpenStep {
  readonly #pieces = new Map<string, Uint8Array[]>();
  #count = 0;

  add(kind: string, bytes: Uint8Array, count: number): void {
    if (kind === 'events') return;
    if (kind === 'payload') this.#count += count;
    this.#pieces.set(kind, [...(this.#pieces.get(kind) ?? []), bytes]);
  }

  clear(): void {
    this.#pieces.clear();
    this.#count = 0;
  }

  take(): { image: Uint8Array | null; delta: Uint8Array | null; payload: Payload | null } {
    const whole = (kind: string): Uint8Array | null => {
      const found = this.#pieces.get(kind);
      return found === undefined ? null : Buffer.concat(found); // a copy: the records need not be kept
    };
    const payload = whole('payload');
    const taken = {
      image: whole('image'),
      delta: whole('delta'),
      payload: payload === null ? null : { bytes: payload, count: this.#count },
    };
    this.clear();
    return taken;
  }
}
