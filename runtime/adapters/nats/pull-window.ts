// How much a reader may have pulled. Pure bookkeeping; see N3 in nats-reader.ts.
//
//   open bytes (asked of the server, not arrived) + held bytes (arrived, not taken) <= window = 2 * bytesMax of next
//
// The server counts down a pull's bytes by subject + ack subject + headers + payload of each delivery, and tells what
// is left when it ends a pull early. Pulls share the deliveries in turn, so only the sum is known, and needed.

const PULL_BYTES_MIN = 16 * 1024;
/** More waiting pulls save nothing; the server keeps at most 512. */
const PULLS_MAX = 8;

export class PullWindow {
  readonly #giantBytes: number;
  readonly #pulls = new Map<string, number>();
  #askedBytes = 0;
  #openBytes = 0;
  #heldBytes = 0;
  /** A record did not fit a whole pull. */
  #giant = false;

  /** `giantBytes`: a pull of this size takes any message. */
  constructor({ giantBytes }: { readonly giantBytes: number }) {
    this.#giantBytes = giantBytes;
  }

  get pulls(): number {
    return this.#pulls.size;
  }

  get openBytes(): number {
    return this.#openBytes;
  }

  /** The consumer is another: nothing is open any more. */
  reset(): void {
    this.#pulls.clear();
    this.#openBytes = 0;
  }

  /** Room of the latest `next`. */
  ask(bytesMax: number): void {
    this.#askedBytes = bytesMax;
  }

  took(payloadBytes: number): void {
    this.#heldBytes -= payloadBytes;
  }

  /** Bytes of the pull to make now; 0: none. */
  nextPull(): number {
    if (this.#askedBytes === 0) return 0;
    if (this.#openBytes <= 0) this.reset(); // used up to the last byte: the server says nothing then
    if (this.#giant) return this.#openBytes + this.#heldBytes === 0 ? this.#giantBytes : 0;
    const bytes = Math.max(PULL_BYTES_MIN, Math.ceil(this.#askedBytes / 2));
    if (this.#openBytes + this.#heldBytes === 0) return bytes;
    const fits = this.#openBytes + this.#heldBytes + bytes <= 2 * this.#askedBytes;
    return fits && this.#pulls.size < PULLS_MAX ? bytes : 0;
  }

  pulled(pull: string, bytes: number): void {
    this.#pulls.set(pull, bytes);
    this.#openBytes += bytes;
  }

  received({ wireBytes, payloadBytes }: { readonly wireBytes: number; readonly payloadBytes: number }): void {
    this.#openBytes -= wireBytes;
    this.#heldBytes += payloadBytes;
    this.#giant = false;
  }

  /** The server ended a pull with `leftBytes` of it unused (null: it did not say; all of it). */
  ended(pull: string, leftBytes: number | null): void {
    const bytes = this.#pulls.get(pull);
    if (bytes === undefined) return;
    this.#pulls.delete(pull);
    this.#openBytes = this.#pulls.size === 0 ? 0 : this.#openBytes - (leftBytes ?? bytes); // W1
    if (leftBytes === bytes && bytes < this.#giantBytes) this.#giant = true;
  }
}
