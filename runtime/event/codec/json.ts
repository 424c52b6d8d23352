// Bytes of JSON to a value, exactly, or the reason why not.
//
//   N1. Whole numbers beyond 2^53 become bigint, and a number beyond what a double holds (1e400) is refused: nothing is lost silently.
//   N2. Bytes that are not UTF-8 are refused: a value with replacement characters is not what was sent.
//   N3. Never throws, whatever the bytes; nesting is bounded, so nothing that walks the value later can run out of stack.

import { isUtf8, type Buffer } from 'node:buffer';

export type Decoded = { readonly value: unknown } | { readonly issue: string };

/** Deeper nesting is refused: walkers of values (state, journal, sinks) recurse. */
export const DEPTH_MAX = 256;

/** Longer whole numbers are refused: arithmetic on them costs time that grows faster than they do. */
const DIGITS_MAX = 1024;
/** Of a number in an issue. */
const SHOWN_CHARACTERS = 32;
const REPLACEMENT = '\uFFFD';

/** The text of `bytes[from, to)`, or null when it is not UTF-8. */
export function utf8Text(bytes: Buffer, from: number, to: number): string | null {
  const text = bytes.toString('utf8', from, to);
  // The decoder puts U+FFFD for what is malformed. Where none is, all was well; where one is, it may be a real one.
  if (!text.includes(REPLACEMENT)) return text;
  return isUtf8(bytes.subarray(from, to)) ? text : null;
}

export function decodeJsonText(text: string): Decoded {
  if (text.length > 2 * DEPTH_MAX && mayBeDeep(text) && depthOf(text) > DEPTH_MAX)
    return { issue: `nested deeper than ${DEPTH_MAX} levels` };
  try {
    const value: unknown = JSON.parse(text);
    return { value: isExact(value) ? value : JSON.parse(text, keepNumbers) };
  } catch (error) {
    return { issue: error instanceof NumberRefused ? error.message : `not JSON: ${(error as Error).message}` };
  }
}

/** Where the first malformed byte stands, for people. */
export function invalidUtf8(bytes: Buffer, from: number, to: number): string {
  let [good, bad] = [from, to];
  // The longest prefix that is well-formed, but for a character cut at its end (at most 3 bytes).
  while (good < bad) {
    const middle = (good + bad + 1) >> 1;
    if (prefixIsUtf8(bytes, from, middle)) good = middle;
    else bad = middle - 1;
  }
  while (good > from && !isUtf8(bytes.subarray(from, good))) good--;
  const hex = bytes.toString('hex', good, Math.min(good + 4, to));
  return `invalid UTF-8 at byte ${good - from}: ${hex.replace(/../g, '$& ').trim()}`;
}

function prefixIsUtf8(bytes: Buffer, from: number, to: number): boolean {
  for (let cut = 0; cut <= 3 && to - cut >= from; cut++) if (isUtf8(bytes.subarray(from, to - cut))) return true;
  return false;
}

/** No number in it is so large that it may stand for another one: looking at values costs less than looking for digits in their text. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isExact);
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name];
    if (typeof part === 'number' ? Math.abs(part) > Number.MAX_SAFE_INTEGER : typeof part === 'object' && !isExact(part)) return false;
  }
  return true;
}

function keepNumbers(this: unknown, _name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
  const { source } = context;
  if (/^-?\d+$/.test(source)) {
    if (source.length > DIGITS_MAX) throw new NumberRefused(`a number of ${source.length} digits, at most ${DIGITS_MAX} are taken`);
    return BigInt(source);
  }
  if (!Number.isFinite(value)) throw new NumberRefused(`the number ${shown(source)} is beyond what a number can be (about 1.8e308)`);
  return value;
}

function shown(source: string): string {
  return source.length <= SHOWN_CHARACTERS ? source : `${source.slice(0, SHOWN_CHARACTERS)}…`;
}

/** JSON, but no number that can be kept. */
class NumberRefused extends Error {}

/** So many brackets are opened, be it inside texts: finding those few costs less than looking at each character. */
function mayBeDeep(text: string): boolean {
  return opened(text, '{') + opened(text, '[') > DEPTH_MAX;
}

/** Counts up to DEPTH_MAX + 1. */
function opened(text: string, bracket: '{' | '['): number {
  let count = 0;
  for (let at = text.indexOf(bracket); at >= 0 && count <= DEPTH_MAX; at = text.indexOf(bracket, at + 1)) count++;
  return count;
}

/** Nesting of a text that may be no JSON at all. */
function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x5b || unit === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (unit === 0x5d || unit === 0x7d) depth--;
    else if (unit === 0x22) i = endOfText(text, i);
  }
  return deepest;
}

function endOfText(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x5c) i++;
    else if (unit === 0x22) return i;
  }
  return text.length;
}
