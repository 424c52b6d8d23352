// Sends in order, a few under way at a time: the one that waits longest for its answer holds those behind it.

export class SendWindow {
  readonly #sizeMax: number;
  readonly #underWay: Promise<void>[] = [];

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** Resolves when it is sent; rejects when one before it has failed. */
  async send(work: () => Promise<void>): Promise<void> {
    if (this.#underWay.length === this.#sizeMax) await this.#underWay.shift();
    const sent = work();
    sent.catch(() => undefined); // told when it is its turn
    this.#underWay.push(sent);
  }

  /** Resolves when all was answered. */
  async emptied(): Promise<void> {
    await Promise.all(this.#underWay.splice(0));
  }
}
