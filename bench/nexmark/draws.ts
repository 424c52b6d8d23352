// Pseudo-random numbers of one event: they depend on the seed and the event's number only, so events can be made in any
// order and in parts. A counter through a 32-bit mixer (multiply and xor-shift, as in MurmurHash3's finaliser, public domain).

const STEP = 0x9e3779b9;
const TWO_32 = 4_294_967_296;

export class Draws {
  readonly #seed: number;
  #state = 0;

  constructor(seed: number) {
    this.#seed = mix(seed ^ STEP);
  }

  /** Begins the numbers of event `n` (0 … 2^53). */
  begin(n: number): void {
    this.#state = mix(this.#seed ^ mix(n >>> 0) ^ Math.imul(Math.floor(n / TWO_32), STEP));
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }

  /** A number from 0 up to, not including, 1. */
  share(): number {
    this.#state = (this.#state + STEP) | 0;
    return mix(this.#state) / TWO_32;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
