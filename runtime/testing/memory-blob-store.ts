// Blobs in memory. Damage on purpose: `damage(name)`.

import { createHash } from 'node:crypto';
import type { BlobStore } from '../journal/journal.ts';

export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<string, Uint8Array>();

  async put(name: string, bytes: Uint8Array): Promise<string> {
    await Promise.resolve();
    this.#blobs.set(name, bytes.slice());
    return sha256Of(bytes);
  }

  async get(name: string, sha256: string | null): Promise<Uint8Array | null> {
    await Promise.resolve();
    const bytes = this.#blobs.get(name);
    return bytes !== undefined && (sha256 === null || sha256Of(bytes) === sha256) ? bytes.slice() : null;
  }

  async delete(name: string): Promise<void> {
    await Promise.resolve();
    this.#blobs.delete(name);
  }

  get names(): readonly string[] {
    return [...this.#blobs.keys()];
  }

  /** Flips a bit of a stored blob. */
  damage(name: string): void {
    const bytes = this.#blobs.get(name);
    if (bytes !== undefined && bytes.length > 0) bytes[0] = (bytes[0] as number) ^ 1;
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
