// What a stream processor's users ask for, row by row: each has a test whose name begins with the row's id.
import { expect, test } from 'vitest';
import { sourceFiles } from './source-files.ts';

const rows: Readonly<Record<string, string>> = {
  A2: 'what ends and what does not: the same answers',
  B1: 'map, filter, flatMap, branch, union',
  B2: 'keyed dedupe with a time to live, sampling, compression',
  B3: 'routing by what an event holds',
  C1: 'state of the kinds value, list, map, reducing and aggregating',
  C2: 'state that expires, with a function that is called then',
  C3: 'state larger than memory',
  C5: 'broadcast state and side inputs',
  C6: 'versioned state: as of a time',
  C7: 'state that is filled from what ends, before live events',
  D1: 'timers in event time',
  D2: 'durable timers in processing time',
  D3: 'timers are listed and cancelled; a million that are due at once',
  E1: 'bounded out-of-orderness, and watermarks that events say',
  E2: 'sources that are idle',
  E3: 'alignment of splits',
  E4: 'a watermark of each key',
  E5: 'allowed lateness with results that are corrected',
  E6: 'late events on an output of their own',
  F1: 'tumbling and sliding windows',
  F2: 'sessions that are merged',
  F3: 'windows by count',
  F4: 'the global window and composed triggers',
  F5: 'early results',
  F6: 'one result, when a window closes',
  F7: 'accumulating, discarding and retracting results',
  G1: 'joins of streams by an interval and by windows',
  G2: 'temporal joins with versioned tables',
  G3: 'lookups outside, cached',
  G4: 'joins of tables, by foreign keys too',
  H1: 'aggregates in two phases',
  H2: 'how many different values, about',
  H3: 'quantiles',
  H4: 'the top of a key, with rows that leave it',
  H5: 'reservoirs and heavy hitters',
  I1: 'patterns, as of Apache Flink CEP',
  I4: 'questions that are under way, ordered or not, across crashes',
  I5: 'feedback',
  J4: 'retries and dead letters of code that fails',
  J5: 'dead letters that are put in again',
  K1: 'state of an older version',
  M3: 'a hot key: summed before the exchange, and told where it can not be',
  N1: 'one job for what ends and for what does not',
  N3: 'a key is asked for its state as it is now',
};

test('each row of what users ask for has a test that names it', () => {
  const named = new Set(
    sourceFiles()
      .filter(({ path }) => path.endsWith('.test.ts'))
      .flatMap(({ text }) => [...text.matchAll(/\b(?:test|describe|fact)\b[^'"`\n]*\s*['"`]((?:[A-KMN]\d )+|[^'"`\n]*\([A-KMN]\d\))/g)])
      .flatMap(([, title = '']) => title.match(/[A-KMN]\d/g) ?? []),
  );
  expect(Object.entries(rows).flatMap(([id, says]) => (named.has(id) ? [] : [`${id}: ${says}`]))).toEqual([]);
});
