// Publishes to JetStream with one inbox for all acknowledgements and a bounded number of messages under way.
//
//   W1. Once full, it is waited until half of it is free: messages published in one turn of the event loop share a write to
//       the socket, and a write for each message costs more than all else together.
//   W2. A refusal or a broken connection ends it: what is loaded for a measurement is loaded whole or not at all.

import { createInbox } from '@nats-io/transport-node';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';

/** Beyond this the server answers no faster, and drops messages when its queue is full. */
const UNDER_WAY_MAX = 1_000;
const ANSWER_MS = 30_000;
const decoder = new TextDecoder();

export class AckWindow {
  readonly #nc: NatsConnection;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #waiting = new Map<number, () => void>();
  #sent = 0;
  #answered = 0;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#subscription = nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => this.#answer(error, message.data, message.subject),
    });
  }

  /** True when there is room for another message; otherwise wait for `room`. */
  get hasRoom(): boolean {
    return this.#sent - this.#answered < UNDER_WAY_MAX;
  }

  /** `onStored` is called when it is stored. */
  publish(subject: string, data: Uint8Array, onStored?: () => void): void {
    const number = this.#sent++;
    if (onStored !== undefined) this.#waiting.set(number, onStored);
    this.#nc.publish(subject, data, { reply: `${this.#inbox}.${number}` });
  }

  /** Resolves when half of the window is free (W1). Rejects with the first refusal. */
  async room(): Promise<void> {
    while (this.#sent - this.#answered > UNDER_WAY_MAX / 2 && this.#failure === null) await this.#answerComes();
    if (this.#failure !== null) throw this.#failure;
  }

  /** Resolves when every message is acknowledged. Rejects with the first refusal. */
  async close(): Promise<void> {
    try {
      while (this.#answered < this.#sent && this.#failure === null) await this.#answerComes();
      if (this.#failure !== null) throw this.#failure;
    } finally {
      this.#subscription.unsubscribe();
    }
  }

  #answer(error: Error | null, data: Uint8Array, subject: string): void {
    this.#answered++;
    const text = decoder.decode(data);
    if (error !== null) this.#failure ??= error;
    else if (text === '' || text.includes('"error"'))
      this.#failure ??= new Error(`JetStream did not store a message: ${text === '' ? 'no stream holds its subject' : text}`);
    else this.#stored(subject);
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #stored(subject: string): void {
    if (this.#waiting.size === 0) return;
    const number = Number(subject.slice(this.#inbox.length + 1));
    this.#waiting.get(number)?.();
    this.#waiting.delete(number);
  }

  async #answerComes(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, refuse) => {
      timer = setTimeout(
        () => refuse(new Error(`JetStream acknowledged ${this.#answered} of ${this.#sent} messages, then nothing for ${ANSWER_MS} ms`)),
        ANSWER_MS,
      );
    });
    try {
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
