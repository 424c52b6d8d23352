// How many different texts were met, about: HyperLogLog.
// Algorithm: Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, AofA 2007. Estimate: Ertl: New cardinality estimation algorithms for
// HyperLogLog sketches, 2017 (algorithm 6), which needs no correction tables for small or large numbers.
//
//   H1. 2^14 registers: the standard error is 1.04 / 2^7 = 0.81 %, whatever the number.
//   H2. A sketch is plain data. Few registers are kept as a sorted list of `register * 64 + rank`, many as bytes: what the
//       result is does not depend on which.
//   H3. Adding and merging take the larger rank of a register, so neither order nor repetition matters.

import { spreadHash } from '../../event/key.ts';
import { firstAtLeast } from '../sorted.ts';

/** A list while there are at most SPARSE_MAX registers, then a byte for each register. Owned by its cell. */
export type HyperLogLog = number[] | Uint8Array;

const INDEX_BITS = 14;
const REGISTERS = 2 ** INDEX_BITS;
const RANK_MAX = 64 - INDEX_BITS + 1;
const SPARSE_MAX = 1_024;
const RANKS = 64;

/** The sketch with `text` in it; perhaps another object. */
export function addToSketch(sketch: HyperLogLog, text: string): HyperLogLog {
  const [low, high] = hashPair(text);
  const rank = Math.clz32(high) < 32 ? Math.clz32(high) + 1 : Math.min(RANK_MAX, 33 + Math.clz32(low >>> INDEX_BITS) - INDEX_BITS);
  return raise(sketch, low & (REGISTERS - 1), rank);
}

/** `from` stays as it is. */
export function mergeSketches(into: HyperLogLog, from: HyperLogLog): HyperLogLog {
  let merged = into;
  if (Array.isArray(from)) for (const entry of from) merged = raise(merged, Math.floor(entry / RANKS), entry % RANKS);
  else for (let register = 0; register < REGISTERS; register++) if (from[register]! > 0) merged = raise(merged, register, from[register]!);
  return merged;
}

/** The estimate, a whole number. */
export function countOf(sketch: HyperLogLog): number {
  const counts = new Array<number>(RANK_MAX + 1).fill(0);
  if (Array.isArray(sketch)) {
    counts[0] = REGISTERS - sketch.length;
    for (const entry of sketch) counts[entry % RANKS]!++;
  } else for (const rank of sketch) counts[rank]!++;
  let z = REGISTERS * tau(1 - counts[RANK_MAX]! / REGISTERS);
  for (let rank = RANK_MAX - 1; rank >= 1; rank--) z = 0.5 * (z + counts[rank]!);
  z += REGISTERS * sigma(counts[0]! / REGISTERS);
  return Math.round(REGISTERS ** 2 / (2 * Math.LN2 * z));
}

function raise(sketch: HyperLogLog, register: number, rank: number): HyperLogLog {
  if (!Array.isArray(sketch)) {
    if (sketch[register]! < rank) sketch[register] = rank;
    return sketch;
  }
  const place = firstAtLeast(sketch, register * RANKS);
  const found = sketch[place];
  if (found !== undefined && Math.floor(found / RANKS) === register) {
    if (found % RANKS < rank) sketch[place] = register * RANKS + rank;
    return sketch;
  }
  if (sketch.length === SPARSE_MAX) return raise(denseOf(sketch), register, rank);
  sketch.splice(place, 0, register * RANKS + rank);
  return sketch;
}

function denseOf(sketch: readonly number[]): Uint8Array {
  const dense = new Uint8Array(REGISTERS);
  for (const entry of sketch) dense[Math.floor(entry / RANKS)] = entry % RANKS;
  return dense;
}

/** x + Σ x^(2^k) · 2^(k-1) */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let [power, weight, sum, before] = [x, 1, x, -1];
  while (sum !== before) {
    before = sum;
    power *= power;
    sum += power * weight;
    weight += weight;
  }
  return sum;
}

/** (1 - x - Σ (1 - x^(2^-k))² · 2^-k) / 3 */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let [root, weight, sum, before] = [x, 1, 1 - x, -1];
  while (sum !== before) {
    before = sum;
    root = Math.sqrt(root);
    weight *= 0.5;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}

/** 64 bits in two lanes with multipliers of their own, each spread by the finalizer of murmur3. Fixed for ever: sketches are stored. */
function hashPair(text: string): readonly [low: number, high: number] {
  let [low, high] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    low ^= low >>> 15;
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high ^= high >>> 13;
  }
  return [spreadHash(low ^ Math.imul(high, 0x27d4eb2f)), spreadHash(high ^ Math.imul(low, 0x165667b1))];
}
