import { expect, test } from 'vitest';
import type { TraceMark } from '../event/trace-marks.ts';
import { LiveCells } from '../state/live-cells.ts';
import { TraceCells } from '../state/trace-cells.ts';
import { Contributors, LINKS_MAX } from './contributors.ts';

const context = (n: number): TraceMark['context'] => ({
  traceId: 'a'.repeat(32),
  spanId: ((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(16, '0'),
});
function note(contributors: Contributors, events: readonly (readonly [key: string, timeMs: number])[], from = 0): void {
  contributors.add({
    values: events,
    times: events.map(([, timeMs]) => timeMs),
    keys: events.map(([key]) => key),
    ingestMs: 0,
    traces: events.map((_, at) => ({ at, context: context(from + at) })),
  });
}

test('a result has the events of its key and its time', () => {
  const contributors = new Contributors(new TraceCells(null, () => new LiveCells()));
  note(contributors, [
    ['a', 1],
    ['a', 9],
    ['a', 10],
    ['b', 5],
  ]);
  expect(contributors.of('a', 0, 10)).toEqual([context(0), context(1)]);
  contributors.forget(10);
  expect(contributors.of('a', 0, 100)).toEqual([context(2)]);
  expect(contributors.of('b', 0, 100)).toEqual([]);
  expect(contributors.isEmpty).toBe(false);
});

test('of many a bounded number stays, the same however batches are cut, from early and late ones', () => {
  const events = Array.from({ length: 1_000 }, (_, i) => ['k', i] as const);
  const whole = new Contributors(new TraceCells(null, () => new LiveCells()));
  note(whole, events);
  const cut = new Contributors(new TraceCells(null, () => new LiveCells()));
  for (let from = 0; from < events.length; from += 7) note(cut, events.slice(from, from + 7), from);
  const kept = whole.of('k', 0, 1_000);
  expect(kept).toHaveLength(LINKS_MAX);
  expect(cut.of('k', 0, 1_000)).toEqual(kept);
  const early = kept.filter(({ spanId }) => events.slice(0, 500).some((_, i) => context(i).spanId === spanId)).length;
  expect(early).toBeGreaterThan(5);
  expect(early).toBeLessThan(27);
});
