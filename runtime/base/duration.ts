// Durations as people write them (`1h30m`) and as the runtime counts them (ms).

import { assert } from './assert.ts';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];
const WHOLE = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** True when `parseDuration` takes `text`. */
export function isDuration(text: string): boolean {
  return WHOLE.test(text);
}

/** `1h30m` → 5 400 000. Whole ms: fractions of a ms are rounded. Only for texts of which `isDuration` holds. */
export function parseDuration(text: string): number {
  assert(isDuration(text), () => `${JSON.stringify(text)} is a duration such as 250ms, 10s, 1h30m or 3d`);
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * msOf(unit ?? '');
  return Math.round(ms);
}

/** 5 400 000 → `1h30m`: at most days, no unit twice, `0s` for none. `parseDuration` gives the same ms again. */
export function formatDuration(ms: number): string {
  assert(Number.isSafeInteger(ms) && ms >= 0, () => `${ms} is a whole, non-negative number of ms`);
  let rest = ms;
  let text = '';
  for (const [unit, unitMs] of UNITS) {
    const amount = Math.floor(rest / unitMs);
    rest -= amount * unitMs;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text === '' ? '0s' : text;
}

function msOf(unit: string): number {
  const found = UNITS.find(([name]) => name === unit);
  assert(found !== undefined, () => `${unit} is a unit`);
  return found[1];
}
