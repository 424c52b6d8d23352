// The one text of credentials that all jobs of an existing NATS have: of a mounted file, whose Secret is changed while the operator runs.
//
//   S1. New ones are tried before workers get them: workers that run keep those that let them in.
//   S2. A file that is gone or holds none says nothing.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AuthorizationError } from '@nats-io/transport-node';
import { credentialsIn } from '../../runtime/adapters/nats/signing-key.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import type { JobCredentials } from '../reconcile/nats-side.ts';

export type SharedCredentialsParts = {
  readonly path: string;
  /** Rejects when NATS does not take what the file holds. */
  readonly tries: () => Promise<void>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onTaken: () => void;
  /** A new reason why new ones are not used, for the log. */
  readonly onTrouble: (reason: string) => void;
};

const TRY_AGAIN_MS = 5_000;
export const CREDENTIALS_FIX = 'put ones that NATS takes into the Secret that the operator was given (nats.credentialsSecret of the chart)';

export class SharedCredentials {
  readonly #parts: SharedCredentialsParts;
  #known: JobCredentials;
  #trying: Promise<void> | null = null;
  #triedMs = -Infinity;
  #trouble: string | null = null;

  private constructor(parts: SharedCredentialsParts, known: JobCredentials) {
    this.#parts = parts;
    this.#known = known;
  }

  /** Rejects when the file cannot be read. */
  static async open(parts: SharedCredentialsParts): Promise<SharedCredentials> {
    return new SharedCredentials(parts, await contentOf(parts.path));
  }

  /** Why workers keep those of before, as the last `read` found it, with what to do; null: they have what the file holds. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Those that workers are to have. */
  async read(): Promise<JobCredentials> {
    const found = await contentOf(this.#parts.path).catch(() => null);
    if (found === null) return this.#known; // S2
    if (found.hash === this.#known.hash) {
      this.#trouble = null;
      return this.#known;
    }
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
      this.#trouble = null;
      this.#parts.onTaken();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const trouble = `new credentials are not used, workers keep those of before: ${reason}; ${CREDENTIALS_FIX}`;
      if (trouble !== this.#trouble) this.#parts.onTrouble(trouble);
      this.#trouble = trouble;
    }
  }
}

/** Of an attempt to connect: with what to do where the server refuses the credentials. */
export function advised(error: unknown): unknown {
  const isRefused = error instanceof MillraceError && error.cause instanceof AuthorizationError;
  return isRefused ? new Error(`${error.message}; ${CREDENTIALS_FIX}`, { cause: error }) : error;
}

async function contentOf(path: string): Promise<JobCredentials> {
  const text = await readFile(path, 'utf8');
  return { text, hash: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}
