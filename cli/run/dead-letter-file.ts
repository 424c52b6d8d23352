// A run's file of dead letters, read on from where it was read before: grouped for who looks at them.

import { open } from 'node:fs/promises';
import type { DeadLetters } from '../../console/api.ts';
import { DeadLetterGroups } from '../../console/dead-letter-groups.ts';
import type { DeadLetter } from '../../runtime/event/batch.ts';

/** Read at one look: a file of any length is read over several. */
const READ_BYTES_MAX = 32 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

export class DeadLetterFile {
  readonly #path: string;
  #groups = new DeadLetterGroups();
  #readBytes = 0;
  #rest = Buffer.alloc(0);
  #reading: Promise<DeadLetters> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** One look at a time: who comes while it lasts gets its answer. */
  look(): Promise<DeadLetters> {
    this.#reading ??= this.#look().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #look(): Promise<DeadLetters> {
    const file = await open(this.#path).catch(() => null);
    if (file === null) return this.#groups.told(null);
    try {
      const { size } = await file.stat();
      if (size < this.#readBytes) this.#restart();
      const until = Math.min(size, this.#readBytes + READ_BYTES_MAX);
      while (this.#readBytes < until) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(CHUNK_BYTES, until - this.#readBytes)), {
          position: this.#readBytes,
        });
        if (bytesRead === 0) break;
        this.#readBytes += bytesRead;
        this.#take(buffer.subarray(0, bytesRead));
      }
      const behind = size - this.#readBytes;
      return this.#groups.told(behind > 0 ? `${behind} bytes of ${this.#path} are not read yet` : null);
    } finally {
      await file.close();
    }
  }

  /** A run that started over. */
  #restart(): void {
    this.#groups = new DeadLetterGroups();
    this.#readBytes = 0;
    this.#rest = Buffer.alloc(0);
  }

  #take(bytes: Buffer): void {
    const all = Buffer.concat([this.#rest, bytes]);
    const end = all.lastIndexOf(10) + 1;
    this.#rest = all.subarray(end);
    for (const line of all.subarray(0, end).toString('utf8').split('\n')) {
      if (line === '') continue;
      try {
        this.#groups.add(JSON.parse(line) as DeadLetter);
      } catch {
        // Somebody else's line: not ours to count.
      }
    }
  }
}
