// Figures as people read them. Pure.

import { readableCount } from '../../runtime/base/quantity.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const UNITS = [
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
] as const;

/** `27,004`, or `12.3M` where that is longer than `width`. */
export function shortCount(count: number, width: number): string {
  const long = readableCount(count);
  if (long.length <= width) return long;
  for (const [unit, size] of UNITS) if (count < size * 999.5) return `${(count / size).toFixed(count < size * 99.95 ? 1 : 0)}${unit}`;
  return count.toExponential(1);
}

/** A latency: `0.4 ms`, `83 ms`, `1.5 s`. */
export function readableLatency(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** How long something took: `5.3 s`, `12 min 4 s`, `3 h 20 min`. */
export function readableDuration(ms: number): string {
  if (ms < MINUTE_MS - 50) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds * 1000 < HOUR_MS) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** A clock that runs: `0:07`, `1:02:03`. */
export function readableClock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours === 0 ? `${minutes}:${two(seconds % 60)}` : `${hours}:${two(minutes)}:${two(seconds % 60)}`;
}

/** What is left, as exact as a guess may look: `7 s`, `12 min`, `3 h`. */
export function readableRest(ms: number): string {
  if (ms < 100_000) return `${Math.max(1, Math.round(ms / 1000))} s`;
  return ms < 100 * MINUTE_MS ? `${Math.round(ms / MINUTE_MS)} min` : `${Math.round(ms / HOUR_MS)} h`;
}

/** A share from 0 to 1, never more than it is: `0.6 %`, `41 %`. */
export function readableShare(share: number): string {
  return `${share < 0.1 ? (Math.floor(share * 1000) / 10).toFixed(1) : Math.floor(share * 100)} %`;
}

/** Event time in UTC: `2013-01-23 04:59`, with seconds where `width` has room for 19; `end` when all is processed. */
export function readableTime(ms: number | null, width: number): string {
  if (ms === null) return '–';
  if (ms >= Number.MAX_SAFE_INTEGER) return 'end';
  const date = new Date(ms);
  return Number.isNaN(date.getTime())
    ? String(ms)
    : date
        .toISOString()
        .replace('T', ' ')
        .slice(0, width < 19 ? 16 : 19);
}

/** `dead-…subject`: what does not fit is left out in the middle, where names differ least. */
export function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width < 2) return '…'.slice(0, width);
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`;
}

/** Lines of at most `width` characters, broken between words where there is a place. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}
