// Checkpoints of one task: now and then the whole state goes to the blob store, so that older changes can be purged.
//
//   Z1. An image is begun between two steps, so it is the state after exactly one record, and made while later ones go on
//       (state/state-image.ts); it counts once that record is stored and the blob is, too.
//   Z2. One checkpoint at a time. When the last stored record names a new one, all that was stored before it goes, also what
//       owners left that died before a record named it. Not earlier: a record that was under way while the new one was stored
//       still names the one before, and whoever comes next reads that. Images of savepoints go with the savepoint.

import type { BlobStore } from '../journal/journal.ts';
import type { CheckpointRef } from '../journal/record.ts';
import { IMAGE_BLOCK_BYTES } from '../state/state-image.ts';
import type { StateImage } from '../state/state-image.ts';
import type { TaskCore } from '../task/step.ts';
import type { Step } from '../task/step-record.ts';
import type { Committer } from './committer.ts';
import type { Turns } from './turns.ts';

/** Records after which a checkpoint is made, however small they are: recovery reads no more than these. */
const CHECKPOINT_RECORDS = 128;

/** Also where checkpoints are small, so that steps find their turn between. */
const IMAGE_BLOCKS_MIN = 16;

export type CheckpointerParts = {
  readonly turns: Turns;
  readonly blobs: BlobStore;
  /** Bytes of records after which a checkpoint is made. */
  readonly checkpointBytes: number;
  readonly failpoint: (name: string) => void;
  readonly onTrouble: (error: unknown) => void;
};

export class Checkpointer {
  /** Sequence of the oldest record that no stored record says to be applied outside: whoever comes next applies it again, and a step
   *  of several records only as a whole. Infinity when there is none. */
  unappliedSequence = Infinity;
  readonly #parts: CheckpointerParts;
  readonly #committer: Committer;
  /** Of the names of its blobs: `<prefix>.<epoch>.<number>`. */
  readonly #prefix: string;
  #bytesSince = 0;
  #recordsSince = 0;
  #busy = false;
  /** What the last record named when it was last looked at. */
  #named: CheckpointRef | null;

  constructor(parts: CheckpointerParts, committer: Committer, task: string) {
    this.#parts = parts;
    this.#committer = committer;
    this.#prefix = task.replace('/', '-');
    this.#named = committer.named;
  }

  /** The image of the state that `step` leaves, when it is time for one; call before the next step is made. */
  imageIfDue(step: Step, core: TaskCore): StateImage | null {
    if (step.state?.kind === 'image') this.#begin();
    if (this.#busy || core.state.isImaged || !this.#isDue(core.state.bytesEstimate())) return null;
    this.#begin();
    return core.state.image();
  }

  /** Z3. Due after enough records or bytes, but never before as much was written as the image will cost. */
  #isDue(stateBytes: number): boolean {
    if (this.#bytesSince < stateBytes) return false;
    return this.#bytesSince >= this.#parts.checkpointBytes || this.#recordsSince >= CHECKPOINT_RECORDS;
  }

  #begin(): void {
    this.#bytesSince = 0;
    this.#recordsSince = 0;
  }

  /** The step's record is stored. Stores its image in the background. */
  noteCommit(place: { readonly number: number; readonly sequence: number; readonly bytes: number }, image: StateImage | null): void {
    this.#bytesSince += place.bytes;
    this.#recordsSince++;
    this.#deleteUnnamed();
    if (image === null) return;
    this.#busy = true;
    this.#store(place, image)
      .catch(this.#parts.onTrouble)
      .finally(() => {
        image.close();
        this.#busy = false;
      });
  }

  async #store({ number, sequence }: { readonly number: number; readonly sequence: number }, image: StateImage): Promise<void> {
    const name = `${this.#prefix}.${this.#committer.place.epoch}.${number}`;
    this.#parts.failpoint('checkpoint-store');
    const { sha256, bytes } = await this.#parts.blobs.put(name, this.#chunksOf(image));
    this.#parts.failpoint('checkpoint-stored');
    const before = this.#committer.checkpoint;
    if (before !== null && before.number >= number) return this.#parts.blobs.delete(name); // the state became small meanwhile: a record holds it whole
    this.#committer.checkpoint = { name, sha256, number, sequence, bytes };
  }

  async *#chunksOf(image: StateImage): AsyncGenerator<Uint8Array> {
    const { turns, checkpointBytes, failpoint } = this.#parts;
    for await (const chunk of turns.between(image.chunks(Math.min(IMAGE_BLOCK_BYTES, checkpointBytes / IMAGE_BLOCKS_MIN)))) {
      yield chunk;
      failpoint('checkpoint-block');
    }
  }

  /** A record was stored (Z2). */
  #deleteUnnamed(): void {
    const [before, now] = [this.#named, this.#committer.named];
    if (before?.name === now?.name) return;
    this.#named = now;
    const { blobs, onTrouble } = this.#parts;
    if (this.#isOwn(now)) blobs.deleteBefore(this.#prefix, now.name).catch(onTrouble);
    else if (this.#isOwn(before)) blobs.delete(before.name).catch(onTrouble);
  }

  /** A blob of this task: not a state that lies in its record, nor the image of a savepoint. */
  #isOwn(checkpoint: CheckpointRef | null): checkpoint is CheckpointRef {
    return checkpoint !== null && checkpoint.name.startsWith(`${this.#prefix}.`);
  }
}
