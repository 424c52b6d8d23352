// The pod's way to the streams that its job reads and writes for others. On the chart's own NATS they lie in another account than what
// the job lives of (docs/adr/0025); elsewhere it is the job's own connection.
//
//   S1. Which it is, the credentials say: of another account they lie beside the job's, and may come later, with a revision that
//       needs them.
//   S2. Nobody waits for it: who asks while it is being made is told when it is there.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { Link } from '../adapters/nats/link.ts';

/** Key in the Secret of a job (operator/resources/credentials-secret.ts). */
export const STREAMS_CREDENTIALS = 'streams.creds';

type Made = { readonly connection: NatsConnection; readonly unfollow: () => void };

export type StreamsConnectionParts = {
  /** Path of the job's own credentials; null: it has none, so there is one account. */
  readonly credentials: string | null;
  /** null: the pod was asked to end meanwhile. */
  readonly connect: (credentials: string) => Promise<Made | null>;
  readonly onMade: () => void;
  readonly onFailed: (error: unknown) => void;
};

export class StreamsConnection {
  readonly #own: NatsConnection;
  readonly #parts: StreamsConnectionParts;
  readonly #path: string | null;
  #made: Made | null = null;
  #isMaking = false;
  #isClosed = false;

  constructor(own: NatsConnection, parts: StreamsConnectionParts) {
    this.#own = own;
    this.#parts = parts;
    this.#path = parts.credentials === null ? null : join(dirname(parts.credentials), STREAMS_CREDENTIALS);
    this.get(); // most jobs need it: it is made while the job is looked for
  }

  /** It was there, and is lost. One whose credentials were taken away is not missed: no revision needs it any more. */
  get isDown(): boolean {
    return this.#made !== null && !this.#made.connection.isClosed() && !Link.of(this.#made.connection).up;
  }

  /** S2: null while it is being made. */
  get(): NatsConnection | null {
    if (this.#made !== null && !this.#made.connection.isClosed()) return this.#made.connection;
    if (this.#path === null || (!this.#isMaking && !existsSync(this.#path))) return this.#own; // S1
    if (!this.#isMaking) void this.#make(this.#path);
    return null;
  }

  /** What is being made then is closed when it is there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#made?.unfollow();
    await this.#made?.connection.close();
  }

  async #make(path: string): Promise<void> {
    this.#isMaking = true;
    try {
      this.#made?.unfollow();
      this.#made = await this.#parts.connect(path);
      if (this.#isClosed) await this.close();
      else if (this.#made !== null) this.#parts.onMade();
    } catch (error) {
      this.#parts.onFailed(error); // who asks again tries again
    } finally {
      this.#isMaking = false;
    }
  }
}
