// Meaningless text for the fields that only fill events up to their size, already escaped for JSON.
//
// One long text is made once and slices of it are taken: the cost of an event is then a slice, not its characters. It is
// far longer than gzip's window, so events do not compress better than truly random ones.

import type { Draws } from './draws.ts';

const POOL_CHARACTERS = 1 << 20;
const RUN_MIN = 3;
const RUN_MAX = 20;
const LONGEST_SLICE = 1024;

/** Nexmark's alphabets: small letters, and H to a, with a backslash among them that JSON must escape. */
const SMALL = 'abcdefghijklmnopqrstuvwxyz';
const MIXED = 'HIJKLMNOPQRSTUVWXYZ[\\]^_`a';

export class Filler {
  readonly #text: string;
  /** Place in `#text` of the n-th character, which may be written as two. */
  readonly #places = new Uint32Array(POOL_CHARACTERS + 1);

  constructor(draws: Draws) {
    draws.begin(0);
    const parts: string[] = [];
    let at = 0;
    let [alphabet, other, left] = [SMALL, MIXED, 0];
    for (let i = 0; i < POOL_CHARACTERS; i++, left--) {
      if (left === 0) [alphabet, other, left] = [other, alphabet, RUN_MIN + draws.below(RUN_MAX - RUN_MIN)];
      const character = alphabet[draws.below(alphabet.length)] as string;
      this.#places[i] = at;
      parts.push(character === '\\' ? '\\\\' : character);
      at += character === '\\' ? 2 : 1;
    }
    this.#places[POOL_CHARACTERS] = at;
    this.#text = parts.join('');
  }

  /** `length` characters as they stand inside a JSON string. */
  take(draws: Draws, length: number): string {
    const characters = Math.min(length, LONGEST_SLICE);
    const from = draws.below(POOL_CHARACTERS - characters);
    return this.#text.slice(this.#places[from], this.#places[from + characters]);
  }
}
