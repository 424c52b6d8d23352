// Chance that a seed repeats. Algorithm: xoshiro128** (Blackman and Vigna, public domain), seeded by splitmix32.

import type { Random } from '../base/clock.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function seededRandom(seed: number): Random {
  let [a, b, c, d] = seedState(seed);
  const bits = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result >>> 0;
  };
  const next = (): number => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53;
  return { next, id: () => Array.from({ length: 22 }, () => ALPHABET[Math.floor(next() * ALPHABET.length)]).join('') };
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function seedState(seed: number): [number, number, number, number] {
  let state = seed | 0;
  const step = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  return [step(), step(), step(), step()];
}
