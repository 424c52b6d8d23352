// A job of windows that the other jobs do not have, and what must come of it: in two phases, each by an exchange of its own, and by the
// watermark of their key.
//
// What is late by the watermark of its key depends on the order of that key's events. So a key lies in one split: times of a split have
// its number as their last digit.

import { jobText } from '../support/job-run.ts';
import { line, type SimEvent, type SimResults } from './sim-job.ts';

const WINDOW_MS = 3_000;
const EVERY_MS = 1_000;
const KEY_WINDOW_MS = 700;
/** Less than events are out of order, so that some are late. */
const KEY_OUT_OF_ORDER_MS = 900;

export const WINDOWS_JOB = jobText(
  'windows',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2000ms }
  stages:
    - name: summed
      from: rows
      keyBy: { rest: event.n % 5 }
      window: { tumbling: { size: ${WINDOW_MS}ms } }
      aggregate: { count: { count: {} }, sum: { sum: event.n }, least: { min: event.n } }
    - name: sliding
      from: rows
      keyBy: event.id
      window: { sliding: { size: ${WINDOW_MS}ms, every: ${EVERY_MS}ms } }
      aggregate: { mean: { mean: event.n }, most: { max: event.n } }
    - name: corrected # by an exchange of its own, as two windows that read one have it whole
      from: rows
      keyBy: { id: event.id + '' }
      window: { sliding: { size: ${WINDOW_MS}ms, every: ${EVERY_MS}ms }, allowedLateness: 2s }
      aggregate: { mean: { mean: event.n }, most: { max: event.n } }
    - name: own-time
      from: rows
      keyBy: { id: event.id, split: 'event.at.getMilliseconds() % 2' }
      window: { tumbling: { size: ${KEY_WINDOW_MS}ms }, keyWatermark: { maxOutOfOrder: ${KEY_OUT_OF_ORDER_MS}ms, closeAfter: 1h } }
      aggregate: { sum: { sum: event.n } }
    - name: late
      from: own-time.late
      map: { id: event.id, at: event.at, n: event.n }
  sinks:
    - { name: windows-file, from: summed, file: { path: windows.ndjson } }
    - { name: rated-file, from: sliding, file: { path: rated.ndjson } }
    - { name: panes-file, from: corrected, file: { path: corrected.ndjson } }
    - { name: totals-file, from: own-time, file: { path: totals.ndjson } }
    - { name: counts-file, from: late, file: { path: counts.ndjson } }
`,
);

export function slowWindows(splits: readonly (readonly SimEvent[])[]): SimResults {
  const events = splits.flat();
  const windows = grouped(events, ({ at, n }) => [`${n % 5} ${Math.floor(at / WINDOW_MS) * WINDOW_MS}`]).map(([name, of]) => {
    const [rest, windowStartMs] = name.split(' ').map(Number) as [number, number];
    const numbers = of.map(({ n }) => n);
    const figures = { count: of.length, sum: sum(numbers), least: Math.min(...numbers) };
    return line({ rest, windowStartMs, windowEndMs: windowStartMs + WINDOW_MS, ...figures });
  });
  const rated = grouped(events, ({ id, at }) => startsOf(at).map((start) => `${id} ${start}`)).map(([name, of]) => {
    const [id, start] = name.split(' ') as [string, string];
    const numbers = of.map(({ n }) => n);
    const bounds = { windowStartMs: Number(start), windowEndMs: Number(start) + WINDOW_MS };
    return line({ id, ...bounds, mean: sum(numbers) / numbers.length, most: Math.max(...numbers) });
  });
  const panes = rated.map((text) => line({ ...(JSON.parse(text) as object), pane: 'onTime' })); // nothing is late by the watermark of the stage
  return { windows: windows.sort(), rated: rated.sort(), ...byTheirKey(splits), panes: panes.sort() };
}

/** Each key's events as they come: one that was closed before is late. */
function byTheirKey(splits: readonly (readonly SimEvent[])[]): Pick<SimResults, 'totals' | 'counts'> {
  const open = new Map<string, { readonly id: string; readonly split: number; readonly start: number; sum: number }>();
  const latest = new Map<string, number>();
  const late: string[] = [];
  for (const [split, events] of splits.entries()) {
    for (const { id, at, n } of events) {
      const start = Math.floor(at / KEY_WINDOW_MS) * KEY_WINDOW_MS;
      const before = latest.get(`${id} ${split}`) ?? -Infinity;
      if (start + KEY_WINDOW_MS - 1 <= before - KEY_OUT_OF_ORDER_MS - 1) {
        late.push(line({ id, at, n }));
        continue;
      }
      latest.set(`${id} ${split}`, Math.max(before, at));
      const window = open.get(`${id} ${split} ${start}`) ?? { id, split, start, sum: 0 };
      window.sum += n;
      open.set(`${id} ${split} ${start}`, window);
    }
  }
  const totals = [...open.values()].map((one) =>
    line({ id: one.id, split: one.split, windowStartMs: one.start, windowEndMs: one.start + KEY_WINDOW_MS, sum: one.sum }),
  );
  return { totals: totals.sort(), counts: late.sort() };
}

function startsOf(at: number): readonly number[] {
  const newest = Math.floor(at / EVERY_MS) * EVERY_MS;
  return Array.from({ length: WINDOW_MS / EVERY_MS }, (_, i) => newest - i * EVERY_MS);
}

function grouped(events: readonly SimEvent[], namesOf: (event: SimEvent) => readonly string[]): readonly [string, readonly SimEvent[]][] {
  const groups = new Map<string, SimEvent[]>();
  for (const event of events) for (const name of namesOf(event)) groups.set(name, [...(groups.get(name) ?? []), event]);
  return [...groups];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
