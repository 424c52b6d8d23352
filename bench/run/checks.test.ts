// The checks find each way in which results can be wrong.
import { expect, test } from 'vitest';
import { NEXMARK_START_MS, NexmarkGenerator } from '../nexmark/generator.ts';
import { makeCheck } from './checks.ts';
import type { CheckName } from './checks.ts';

const generator = new NexmarkGenerator({ seed: 3, eventsPerS: 10 });
const events = Array.from({ length: 300 }, (_, n) => generator.line(n));
const counts = [...countSlowly()].map(([place, bids]) => {
  const [auction = 0, windowStartMs = 0] = place.split(' ').map(Number);
  return { auction, windowStartMs, windowEndMs: windowStartMs + 10_000, bids };
});
const countLines = counts.map((count) => JSON.stringify(count));

function countSlowly(): Map<string, number> {
  const found = new Map<string, number>();
  for (let window = 0; window < 3; window++) {
    for (const line of events.slice(window * 100, window * 100 + 100)) {
      const { type, value } = JSON.parse(line) as { type: string; value: { auction: number } };
      const place = `${value.auction} ${NEXMARK_START_MS + window * 10_000}`;
      if (type === 'bid') found.set(place, (found.get(place) ?? 0) + 1);
    }
  }
  return found;
}

function problemOf(name: CheckName, results: readonly string[]): string | null {
  const check = makeCheck(name);
  events.forEach((line) => check.event(line));
  check.result('{}');
  check.again();
  results.forEach((line) => check.result(line));
  return check.problem();
}

const changed = (lines: readonly string[], at: number, line: string): string[] => lines.with(at, line);

test.each<{ fact: string; name: CheckName; results: readonly string[]; problem: string | null }>([
  { fact: 'the events in any order are right', name: 'passthrough', results: events.toReversed(), problem: null },
  { fact: 'a missing one is found', name: 'passthrough', results: events.slice(1), problem: '300 events gave 299 results' },
  { fact: 'one twice is found', name: 'passthrough', results: [...events, events[0] as string], problem: '300 events gave 301 results' },
  {
    fact: 'one twice in place of another is found',
    name: 'passthrough',
    results: changed(events, 5, events[6] as string),
    problem: 'are not those of the events',
  },
  {
    fact: 'a changed text is found',
    name: 'passthrough',
    results: changed(events, 5, (events[5] as string).replace('bid', 'bad')),
    problem: 'are not those of the events',
  },
  { fact: 'the counts in any order are right', name: 'count', results: countLines.toReversed(), problem: null },
  { fact: 'a missing count is found', name: 'count', results: countLines.slice(1), problem: `gave ${countLines.length - 1} results` },
  { fact: 'a count twice is found', name: 'count', results: changed(countLines, 1, countLines[0] as string), problem: 'came twice' },
  {
    fact: 'a wrong count is found',
    name: 'count',
    results: changed(countLines, 0, JSON.stringify({ ...counts[0], bids: 999 })),
    problem: 'is wrong',
  },
  {
    fact: 'a window with a wrong end is found',
    name: 'count',
    results: changed(countLines, 0, JSON.stringify({ ...counts[0], windowEndMs: 0 })),
    problem: 'is wrong',
  },
])('$name: $fact', ({ name, results, problem }) => {
  if (problem === null) expect(problemOf(name, results)).toBeNull();
  else expect(problemOf(name, results)).toContain(problem);
});
