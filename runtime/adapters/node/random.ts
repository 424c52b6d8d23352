// The machine's chance.

import { randomBytes, randomFillSync } from 'node:crypto';
import type { Random } from '../../base/clock.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 22;

export const systemRandom: Random = { next, id };

/** Drawn ahead: asking the source costs the same for one number as for many. */
const drawn = new Uint32Array(512);
let taken = drawn.length;

/** 53 random bits: every double in [0, 1) that Math.random could give, from a better source. */
function next(): number {
  if (taken === drawn.length) {
    randomFillSync(drawn);
    taken = 0;
  }
  const [high, low] = [drawn[taken] as number, drawn[taken + 1] as number];
  taken += 2;
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

/** 22 characters of 62: 131 bits. Bytes of 248 and more are thrown away: 256 is no multiple of 62. */
function id(): string {
  let text = '';
  while (text.length < ID_LENGTH) {
    for (const byte of randomBytes(ID_LENGTH)) {
      if (byte < 248 && text.length < ID_LENGTH) text += ALPHABET[byte % 62] as string;
    }
  }
  return text;
}
