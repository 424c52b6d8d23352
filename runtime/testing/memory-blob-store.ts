// Blobs in memory. Damage on purpose: `damage(name)`. With `travel`, requests and answers are under way for a while, so that what
// others do meanwhile is seen.

import { createHash } from 'node:crypto';
import type { Clock, Random } from '../base/clock.ts';
import type { BlobStore } from '../journal/journal.ts';

export type Travel = {
  readonly clock: Clock;
  readonly random: Random;
  /** Way of a request, and of its answer: uniform between these. */
  readonly latencyMs: readonly [min: number, max: number];
};

export class MemoryBlobStore implements BlobStore {
  readonly #travels: Travel | null;
  readonly #blobs = new Map<string, Uint8Array>();

  constructor(travel: Travel | null = null) {
    this.#travels = travel;
  }

  async put(name: string, bytes: Uint8Array): Promise<string> {
    await this.#travel();
    this.#blobs.set(name, bytes.slice());
    await this.#travel();
    return sha256Of(bytes);
  }

  async get(name: string, sha256: string | null): Promise<Uint8Array | null> {
    await this.#travel();
    const bytes = this.#blobs.get(name);
    return bytes !== undefined && (sha256 === null || sha256Of(bytes) === sha256) ? bytes.slice() : null;
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
    const bytes = this.#blobs.get(name);
    if (bytes !== undefined && bytes.length > 0) bytes[0] = (bytes[0] as number) ^ 1;
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
