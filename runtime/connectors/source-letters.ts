// The dead letters of sources: what did not decode, and what was too large to be looked at.
//
//   L1. A letter fits a record whatever the input was: raw text, values and lists of issues are cut.

import { Buffer } from 'node:buffer';
import { catalogue } from '../base/error-catalogue.ts';
import { DEAD_LETTER_ISSUES_MAX, DEAD_LETTER_TEXT_BYTES_MAX } from '../base/limits.ts';
import type { Value } from '../event/batch.ts';
import type { SourceRead } from './source.ts';

export type SourceLetter = SourceRead['deadLetters'][number];

/** So much of an event that is too large is shown. */
export const LARGE_EVENT_HEAD_BYTES = 1024;
const UTF8_CHARACTER_BYTES_MAX = 4;

/** MR3001. `event`: as far as it was decoded. */
export function undecodableLetter(
  source: string,
  place: string,
  { issues, event }: { readonly issues: readonly string[]; readonly event: Value },
): SourceLetter {
  const more = issues.length - DEAD_LETTER_ISSUES_MAX;
  const shown = more <= 0 ? issues : [...issues.slice(0, DEAD_LETTER_ISSUES_MAX), `and ${more} more`];
  return {
    code: 'MR3001',
    message: catalogue.MR3001.message({ source, place, issues: shown }),
    issues: shown,
    event,
    place,
    timeMs: null,
    key: null,
    ...(isWhole(event) ? {} : { cut: true as const }),
  };
}

/** Text that was cut, or was no text, does not give the event back. */
function isWhole(event: Value): boolean {
  if (typeof event !== 'string') return true;
  return !event.includes('\uFFFD') && Buffer.byteLength(event) <= DEAD_LETTER_TEXT_BYTES_MAX - UTF8_CHARACTER_BYTES_MAX;
}

/** MR3004. `head`: the beginning of its text. */
export function tooLargeLetter(
  source: string,
  place: string,
  { bytes, bytesMax, head }: { readonly bytes: number; readonly bytesMax: number; readonly head: string },
): SourceLetter {
  const issues = [`${bytes} bytes, at most ${bytesMax} are allowed`];
  return {
    code: 'MR3004',
    message: catalogue.MR3004.message({ place: `${source} ${place}`, bytes, bytesMax }),
    issues,
    event: head,
    place,
    timeMs: null,
    key: null,
    cut: true,
  };
}

/** What a letter shows of the event in bytes[from, to): `decoded` when it is small enough to be kept, else its text, cut. */
export function shownEvent(bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }, decoded?: Value): Value {
  if (decoded !== undefined && to - from <= DEAD_LETTER_TEXT_BYTES_MAX) return decoded;
  return bytes.toString('utf8', from, Math.min(to, from + DEAD_LETTER_TEXT_BYTES_MAX));
}
