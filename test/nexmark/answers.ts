// Beam's answers to the Nexmark queries, as what a run is held against.
//
//   A1. Results are compared as a multiset of `value`, and of `window` where the answer has one.
//   A2. Of query 6 the last result of each seller counts; of query 12 the sum of each bidder's counts.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

export const QUERIES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12] as const;
export type Query = (typeof QUERIES)[number];

type Value = Readonly<Record<string, unknown>>;
type Result = { readonly value: Value; readonly window?: readonly [number, number] };
type WinningBid = {
  readonly auction: { readonly seller: number };
  readonly bid: { readonly price: number; readonly dateTime: number };
};

export const EVENTS = fileURLToPath(new URL('../../examples/nexmark/data/events.ndjson.gz', import.meta.url));

/** Null when a run's results are those of Beam; else a text with the first differences. */
export function differenceFromBeam(query: Query, ndjson: string): string | null {
  const results = parseResults(ndjson);
  const expected = answersOf(query);
  const hasWindow = expected.some(({ window }) => window !== undefined);
  const wanted = countTexts(expected, hasWindow);
  const found = countTexts(settled(query, results), hasWindow);
  const [missing, surplus] = [lacking(wanted, found), lacking(found, wanted)];
  if (missing.length === 0 && surplus.length === 0) return null;
  return [
    `q${query}: ${expected.length} results expected, ${results.length} found; ${missing.length} missing, ${surplus.length} too many`,
    ...missing.slice(0, 3).map((text) => `  - ${text}`),
    ...surplus.slice(0, 3).map((text) => `  + ${text}`),
  ].join('\n');
}

/** What Beam gives; for query 6 what follows from Beam's winning bids. */
export function answersOf(query: Query): readonly Result[] {
  if (query === 0) return read(EVENTS);
  return query === 6 ? lastPrices(answersOf(9)) : readAnswers(`q${query}.pipeline`);
}

export function readAnswers(name: string): readonly Result[] {
  return read(fileURLToPath(new URL(`answers/${name}.ndjson.gz`, import.meta.url)));
}

/** By seller: the mean price of the 10 winning bids with the latest time, then the higher price. */
function lastPrices(winning: readonly Result[]): readonly Result[] {
  const bySeller = Map.groupBy(winning, ({ value }) => (value as WinningBid).auction.seller);
  return [...bySeller].map(([seller, results]) => {
    const bids = results.map(({ value }) => (value as WinningBid).bid).sort((a, b) => b.dateTime - a.dateTime || b.price - a.price);
    const prices = bids.slice(0, 10).map(({ price }) => price);
    return { value: { seller, price: Math.round(prices.reduce((sum, price) => sum + price, 0) / prices.length) } };
  });
}

/** What the results of a run come to (A2). */
function settled(query: Query, results: readonly Result[]): readonly Result[] {
  if (query === 6) return [...new Map(results.map((result) => [result.value['seller'], result])).values()];
  if (query !== 12) return results;
  const counts = new Map<unknown, number>();
  for (const { value } of results) {
    counts.set(value['personId'], (counts.get(value['personId']) ?? 0) + (value['bidsPerSession'] as number));
  }
  return [...counts].map(([personId, bidsPerSession]) => ({ value: { personId, bidsPerSession } }));
}

/** Result as text → how often it occurs. */
function countTexts(results: readonly Result[], hasWindow: boolean): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { value, window } of results) {
    const text = canonical(hasWindow ? { window, value } : value);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** Texts that `a` has more often than `b`, each as often as it is too many. */
function lacking(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): string[] {
  return [...a].flatMap(([text, count]) => Array<string>(Math.max(0, count - (b.get(text) ?? 0))).fill(text));
}

/** JSON with the fields of every object in the order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function read(path: string): readonly Result[] {
  return parseResults(gunzipSync(readFileSync(path)).toString('utf8'));
}

function parseResults(ndjson: string): readonly Result[] {
  return ndjson
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result);
}
