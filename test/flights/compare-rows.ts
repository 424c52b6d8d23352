// Holds the rows of a result file against those of the slow computation.

import type { FlightResults } from './slow-flights.ts';

/** The fields that each file must have (more are welcome and not compared). */
export const RESULT_FIELDS = {
  hourly: ['origin', 'windowStartMs', 'windowEndMs', 'flights', 'cancelled', 'departed', 'meanDelayMin'],
  sliding: ['origin', 'windowStartMs', 'windowEndMs', 'flights', 'cancelled', 'departed', 'meanDelayMin'],
  'knock-on': ['tailnum', 'previousFlight', 'flight', 'atMs', 'arrivedLateMin', 'departedLateMin'],
  lost: ['tailnum', 'flight', 'departedAtMs'],
  sessions: ['tailnum', 'startMs', 'lastMs', 'legs', 'airMin', 'distance'],
} as const satisfies Record<keyof FlightResults, readonly string[]>;

export type ResultName = keyof FlightResults;
export const RESULT_NAMES = Object.keys(RESULT_FIELDS) as readonly ResultName[];

const SHOWN_MAX = 5;

/** Null when both hold the same rows equally often, in whatever order; else a text with the first differences. */
export function compareRows(name: ResultName, expected: readonly object[], actual: readonly object[]): string | null {
  const wanted = countRows(name, expected);
  const found = countRows(name, actual);
  const missing = difference(wanted, found);
  const surplus = difference(found, wanted);
  if (missing.length === 0 && surplus.length === 0) return null;
  return [
    `${name}: ${expected.length} rows expected, ${actual.length} found; ${missing.length} missing, ${surplus.length} too many`,
    ...missing.slice(0, SHOWN_MAX).map((row) => `  - ${row}`),
    ...surplus.slice(0, SHOWN_MAX).map((row) => `  + ${row}`),
  ].join('\n');
}

/** The rows of an ndjson text. */
export function parseRows(ndjson: string): object[] {
  return ndjson
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);
}

/** A row's fields as text → how often it occurs. A field that is absent differs from one that is null. */
function countRows(name: ResultName, rows: readonly object[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const text = RESULT_FIELDS[name].map((field) => `${field}=${JSON.stringify((row as Record<string, unknown>)[field])}`).join(' ');
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** Rows that `a` has more often than `b`, each as often as it is too many, sorted. */
function difference(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): string[] {
  return [...a].flatMap(([text, count]) => Array<string>(Math.max(0, count - (b.get(text) ?? 0))).fill(text)).sort();
}
