// The one text of credentials that all jobs of an existing NATS have: of a mounted file, whose Secret is changed while the operator runs.
//
//   S1. New ones are tried before workers get them: workers that run keep those that let them in.
//   S2. A file that is gone or holds none says nothing.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { credentialsIn } from '../../runtime/adapters/nats/signing-key.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import type { JobCredentials } from '../reconcile/nats-side.ts';

export type SharedCredentialsParts = {
  readonly path: string;
  /** Rejects when NATS does not take what the file holds. */
  readonly tries: () => Promise<void>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onTaken: () => void;
  /** A new reason why new ones are not used. */
  readonly onTrouble: (reason: string) => void;
};

const TRY_AGAIN_MS = 5_000;

export class SharedCredentials {
  readonly #parts: SharedCredentialsParts;
  #known: JobCredentials;
  #trying: Promise<void> | null = null;
  #triedMs = -Infinity;
  #told = '';

  private constructor(parts: SharedCredentialsParts, known: JobCredentials) {
    this.#parts = parts;
    this.#known = known;
  }

  /** Rejects when the file cannot be read. */
  static async open(parts: SharedCredentialsParts): Promise<SharedCredentials> {
    return new SharedCredentials(parts, await contentOf(parts.path));
  }

  /** Those that workers are to have. */
  async read(): Promise<JobCredentials> {
    const found = await contentOf(this.#parts.path).catch(() => this.#known);
    if (found.hash === this.#known.hash) return this.#known;
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#trying === null && nowMs - this.#triedMs >= TRY_AGAIN_MS) {
      this.#triedMs = nowMs;
      this.#trying = this.#try(found).finally(() => (this.#trying = null));
    }
    await this.#trying;
    return this.#known;
  }

  /** S1. Never rejects. */
  async #try(found: JobCredentials): Promise<void> {
    try {
      credentialsIn(Buffer.from(found.text)); // S2
      await this.#parts.tries();
      // What was tried is what stands there still.
      if ((await contentOf(this.#parts.path)).hash !== found.hash) return;
      this.#known = found;
      this.#told = '';
      this.#parts.onTaken();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#told) this.#parts.onTrouble(`new credentials are not used, workers keep those of before: ${reason}`);
      this.#told = reason;
    }
  }
}

async function contentOf(path: string): Promise<JobCredentials> {
  const text = await readFile(path, 'utf8');
  return { text, hash: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}
