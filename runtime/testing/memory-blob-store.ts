// Blobs in memory. Damage on purpose: `damage(name)`. With `travel`, requests and answers are under way for a while, so that what
// others do meanwhile is seen.

import { createHash } from 'node:crypto';
import type { Clock, Random } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import type { BlobContent, BlobStore, StoredBlob } from '../journal/journal.ts';

export type Travel = {
  readonly clock: Clock;
  readonly random: Random;
  /** Way of a request, and of its answer: uniform between these. */
  readonly latencyMs: readonly [min: number, max: number];
};

type Stored = { readonly bytes: Uint8Array; readonly sha256: string };

export class MemoryBlobStore implements BlobStore {
  readonly #travels: Travel | null;
  readonly #chunkBytes: number;
  readonly #blobs = new Map<string, Stored>();

  /** `chunkBytes`: of what `get` gives. */
  constructor(travel: Travel | null = null, { chunkBytes = 65_536 }: { readonly chunkBytes?: number } = {}) {
    this.#travels = travel;
    this.#chunkBytes = chunkBytes;
  }

  async put(name: string, content: BlobContent): Promise<StoredBlob> {
    await this.#travel();
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) {
      chunks.push(chunk.slice());
      await this.#travel();
    }
    const bytes = Buffer.concat(chunks);
    const sha256 = sha256Of(bytes);
    this.#blobs.set(name, { bytes, sha256 });
    await this.#travel();
    return { sha256, bytes: bytes.length };
  }

  async get(name: string, sha256: string | null): Promise<AsyncIterable<Uint8Array> | null> {
    await this.#travel();
    const blob = this.#blobs.get(name);
    return blob === undefined || (sha256 !== null && blob.sha256 !== sha256) ? null : this.#chunks(name, blob);
  }

  async has(name: string, sha256: string): Promise<boolean> {
    await this.#travel();
    return this.#blobs.get(name)?.sha256 === sha256;
  }

  async delete(name: string): Promise<void> {
    await this.#travel();
    this.#blobs.delete(name);
    await this.#travel();
  }

  async deleteBefore(prefix: string, name: string): Promise<void> {
    await this.#travel();
    const names = this.names; // in the order of storing
    for (const before of names.slice(0, Math.max(0, names.indexOf(name)))) if (before.startsWith(`${prefix}.`)) this.#blobs.delete(before);
    await this.#travel();
  }

  async *#chunks(name: string, { bytes, sha256 }: Stored): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += this.#chunkBytes) {
      await this.#travel();
      if (!this.#blobs.has(name)) break;
      yield bytes.slice(at, at + this.#chunkBytes);
    }
    if (this.#blobs.has(name) && sha256Of(bytes) === sha256) return;
    throw new MillraceError('MR2106', { task: name, problem: 'it was deleted meanwhile, or damaged' });
  }

  async #travel(): Promise<void> {
    if (this.#travels === null) return Promise.resolve();
    const { clock, random, latencyMs } = this.#travels;
    const [min, max] = latencyMs;
    await clock.sleep(min + (max - min) * random.next());
  }

  get names(): readonly string[] {
    return [...this.#blobs.keys()];
  }

  /** Flips a bit of a stored blob. */
  damage(name: string): void {
    const bytes = this.#blobs.get(name)?.bytes;
    if (bytes !== undefined && bytes.length > 0) bytes[0] = (bytes[0] as number) ^ 1;
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
