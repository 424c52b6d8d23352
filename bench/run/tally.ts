// A multiset of texts as a few numbers: how many, the sum of their checksums, and a sum of those mixed. Two tallies that are
// equal are those of the same texts, in whatever order.

import { crc32 } from 'node:zlib';

const SUM_LIMIT = 2 ** 50;

export class Tally {
  count = 0;
  #sum = 0;
  #mixed = 0;

  add(text: string): void {
    const sum = crc32(text);
    this.count++;
    this.#sum = (this.#sum + sum) % SUM_LIMIT;
    this.#mixed = (this.#mixed + (Math.imul(sum, sum ^ (sum >>> 7)) >>> 0)) % SUM_LIMIT;
  }

  equals(other: Tally): boolean {
    return this.count === other.count && this.#sum === other.#sum && this.#mixed === other.#mixed;
  }
}
