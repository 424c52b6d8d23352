// Is a stream gone, or is the server only starting? It is gone when it is missing for a while without a pause.

import { MillraceError } from '../../base/errors.ts';

/** A server that recovers its streams, or a cluster that elects, may miss one for a moment. */
const GONE_AFTER_MS = 3_000;

export class Gone {
  readonly #stream: string;
  #sinceMs: number | null = null;

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** The stream was there, or nobody answered. */
  reset(): void {
    this.#sinceMs = null;
  }

  /** The server said that it has no such stream. Throws MR2105 when it has said so for long enough. */
  missed(): void {
    const nowMs = performance.now();
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs >= GONE_AFTER_MS)
      throw new MillraceError('MR2105', { task: this.#stream, problem: 'its stream does not exist (any more)' });
  }
}
