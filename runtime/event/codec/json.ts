// Bytes of JSON to a value, exactly, or the reason why not.
//
//   N1. Whole numbers beyond 2^53 become bigint; no digit is lost silently.
//   N2. Bytes that are not UTF-8 are refused: a value with replacement characters is not what was sent.
//   N3. Never throws, whatever the bytes; nesting is bounded, so nothing that walks the value later can run out of stack.

import { isUtf8, type Buffer } from 'node:buffer';

export type Decoded = { readonly value: unknown } | { readonly issue: string };

/** Deeper nesting is refused: walkers of values (state, journal, sinks) recurse. */
export const DEPTH_MAX = 256;

/** Longer whole numbers are refused: arithmetic on them costs time that grows faster than they do. */
const DIGITS_MAX = 1024;
/** Fewer digits are exact in a double. */
const EXACT_DIGITS = 15;
const REPLACEMENT = '\uFFFD';

/** The text of `bytes[from, to)`, or null when it is not UTF-8. */
export function utf8Text(bytes: Buffer, from: number, to: number): string | null {
  const text = bytes.toString('utf8', from, to);
  // The decoder puts U+FFFD for what is malformed. Where none is, all was well; where one is, it may be a real one.
  if (!text.includes(REPLACEMENT)) return text;
  return isUtf8(bytes.subarray(from, to)) ? text : null;
}

/** `isExact`: the text is known to have no long number (see mayHaveLongNumber). */
export function decodeJsonText(text: string, isExact: boolean = !mayHaveLongNumber(text)): Decoded {
  if (text.length > 2 * DEPTH_MAX && mayBeDeep(text) && depthOf(text) > DEPTH_MAX)
    return { issue: `nested deeper than ${DEPTH_MAX} levels` };
  try {
    const value: unknown = isExact ? JSON.parse(text) : JSON.parse(text, keepWholeNumbers);
    return { value };
  } catch (error) {
    return { issue: `not JSON: ${(error as Error).message}` };
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

/** A run of 16 digits that does not stand behind a decimal point: perhaps a whole number beyond 2^53. Such a run covers
 *  one of every 16 characters, so only these are looked at (a regular expression took a fifth of the decoding). Of many lines
 *  at once: whether any of them has one, for less than asking each. */
export function mayHaveLongNumber(text: string): boolean {
  for (let at = EXACT_DIGITS; at < text.length; at += EXACT_DIGITS + 1) {
    if (!isDigit(text, at)) continue;
    let [from, to] = [at, at];
    while (from > 0 && isDigit(text, from - 1)) from--;
    while (isDigit(text, to + 1)) to++; // NaN behind the end is no digit
    if (to - from >= EXACT_DIGITS && text.charCodeAt(from - 1) !== 0x2e) return true;
    at = to; // each run is walked once
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0x30 && unit <= 0x39;
}

function keepWholeNumbers(this: unknown, _name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
  if (!/^-?\d+$/.test(context.source)) return value;
  if (context.source.length > DIGITS_MAX) throw new RangeError(`a number of ${context.source.length} digits`);
  return BigInt(context.source);
}

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
