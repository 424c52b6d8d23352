// The job that is simulated, its input from a seed, and its results computed slowly and obviously.
//
// Two splits of events out of order; windows, windows that give and retract early results, windows by count in the order of time, an
// event-ordered machine per key, and each event with the window before it. Every time is there once, so that the order of a key's events is
// one, whichever split comes first.

import type { Random } from '../../runtime/base/clock.ts';
import { jobText } from '../support/job-run.ts';

export type SimEvent = { readonly id: string; readonly at: number; readonly n: number };
export const RESULTS = ['windows', 'panes', 'counts', 'totals', 'rated'] as const;
export type SimResults = Readonly<Record<(typeof RESULTS)[number], readonly string[]>>;

/** A job on the simulation's events. `slow`: what its sinks are to hold. */
export type OtherJob = {
  readonly text: string;
  readonly slow: (splits: readonly (readonly SimEvent[])[]) => SimResults;
  /** Of a sink that gets changes: what they come to. Absent: each line is a result. */
  readonly held?: Partial<Readonly<Record<keyof SimResults, Held>>>;
};
/** Lines in the order in which they were written. */
export type Held = (lines: readonly string[]) => readonly string[];

/** Of a job whose sinks have other names. */
export const NO_RESULTS: SimResults = { windows: [], panes: [], counts: [], totals: [], rated: [] };

export const SPLITS = 2;
const EVENTS_PER_SPLIT = 150;
const KEYS = 12;
const OUT_OF_ORDER_MS = 2_000;
const STEP_MS = 100;
const WINDOW_MS = 5_000;
const WINDOW_EVENTS = 4;

export const SIM_JOB = jobText(
  'sim',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: ${OUT_OF_ORDER_MS}ms }
  stages:
    - name: windows
      from: rows
      keyBy: event.id
      window: { tumbling: { size: ${WINDOW_MS}ms } }
      aggregate: { count: { count: {} }, sum: { sum: event.n } }
    - name: panes
      from: rows
      keyBy: event.id
      window: { tumbling: { size: ${WINDOW_MS}ms }, early: [{ every: 700ms }, { count: 3 }], accumulation: retracting, allowedLateness: 2s }
      aggregate: { count: { count: {} }, sum: { sum: event.n } }
    - name: counts
      from: rows
      keyBy: event.id
      window: { count: { size: ${WINDOW_EVENTS}, every: 2, order: eventTime } }
      aggregate: { sum: { sum: event.n } }
    - name: totals
      from: rows
      keyBy: event.id
      machine:
        order: eventTime
        eventType: "'add'"
        context: { total: 0 }
        initial: adding
        states:
          adding:
            on:
              add:
                actions:
                  - assign: { total: context.total + event.n }
                  - emit: { output: total, value: { id: key, at: event.at, total: context.total } }
    - name: rated
      from: rows
      keyBy: event.id
      join:
        with: windows
        type: left
        temporal: { grace: 500ms, deleted: event.sum % 5 == 0 }
        select: { id: left.id, at: left.at, sum: 'right == null ? -1 : right.sum' }
  sinks:
    - { name: rated-file, from: rated, file: { path: rated.ndjson } }
    - { name: windows-file, from: windows, file: { path: windows.ndjson } }
    - { name: panes-file, from: panes, file: { path: panes.ndjson } }
    - { name: counts-file, from: counts, file: { path: counts.ndjson } }
    - { name: totals-file, from: totals.total, file: { path: totals.ndjson } }
`,
);

/** Events per split, in the order in which they are read. */
export function simEvents(random: Random): readonly (readonly SimEvent[])[] {
  return Array.from({ length: SPLITS }, (_, split) =>
    Array.from({ length: EVENTS_PER_SPLIT }, (_unused, index): SimEvent & { readonly readAt: number } => {
      const at = index * STEP_MS + split; // different in the splits
      return {
        id: `k${Math.floor(random.next() * KEYS)}`,
        at,
        n: Math.floor(random.next() * 100),
        readAt: at + random.next() * OUT_OF_ORDER_MS,
      };
    })
      .sort((a, b) => a.readAt - b.readAt)
      .map(({ id, at, n }) => ({ id, at, n })),
  );
}

export function slowResults(splits: readonly (readonly SimEvent[])[]): SimResults {
  const events = splits.flat().sort((a, b) => a.at - b.at);
  const windows = new Map<string, { id: string; windowStartMs: number; windowEndMs: number; count: number; sum: number }>();
  const seen = new Map<string, SimEvent[]>();
  const counts: string[] = [];
  const totals = new Map<string, number>();
  const totalLines: string[] = [];
  for (const { id, at, n } of events) {
    const windowStartMs = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    const name = `${id} ${windowStartMs}`;
    const window = windows.get(name) ?? { id, windowStartMs, windowEndMs: windowStartMs + WINDOW_MS, count: 0, sum: 0 };
    windows.set(name, { ...window, count: window.count + 1, sum: window.sum + n });
    const mine = [...(seen.get(id) ?? []), { id, at, n }];
    seen.set(id, mine);
    if (mine.length % 2 === 0) counts.push(line(countResult(id, mine)));
    totals.set(id, (totals.get(id) ?? 0) + n);
    totalLines.push(line({ id, at, total: totals.get(id) }));
  }
  const rated = ratedAsOf(events, ({ at }) => at);
  const closed = [...windows.values()].map(line).sort();
  return { windows: closed, panes: closed, counts: counts.sort(), totals: totalLines.sort(), rated };
}

/** Each event with the sum of its key's newest window as of a time. */
export function ratedAsOf(events: readonly SimEvent[], timeOf: (event: SimEvent) => number): readonly string[] {
  const sums = new Map<string, Map<number, number>>();
  for (const { id, at, n } of events) {
    const windowEndMs = (Math.floor(at / WINDOW_MS) + 1) * WINDOW_MS;
    const mine = sums.get(id) ?? new Map<number, number>();
    sums.set(id, mine.set(windowEndMs, (mine.get(windowEndMs) ?? 0) + n));
  }
  const rated = events.map((event) => {
    const over = [...sums.get(event.id)!].filter(([windowEndMs]) => windowEndMs - 1 <= timeOf(event)).sort(([x], [y]) => x - y);
    const sum = over.at(-1)?.[1];
    return line({ id: event.id, at: event.at, sum: sum === undefined || sum % 5 === 0 ? -1 : sum });
  });
  return rated.sort();
}

function countResult(id: string, events: readonly SimEvent[]): object {
  const last = events.slice(-WINDOW_EVENTS);
  const bounds = { windowStartMs: last[0]!.at, windowEndMs: last.at(-1)!.at + 1 };
  return { id, ...bounds, windowNumber: events.length / 2 - 1, sum: last.reduce((sum, { n }) => sum + n, 0) };
}

type Pane = {
  readonly id: string;
  readonly windowStartMs: number;
  readonly pane: string;
  readonly paneNumber: number;
  readonly isLast: boolean;
};

/** What is left of the results of windows for who removes those that are taken back. */
export function heldPanes(lines: readonly string[]): readonly string[] {
  const held = new Map<string, string>();
  for (const text of lines) {
    const { pane, paneNumber, isLast, ...result } = JSON.parse(text) as Pane;
    const name = `${result.id} ${result.windowStartMs} ${paneNumber}`;
    if (pane !== 'retracted') held.set(held.has(name) ? `${name} again` : name, line(result));
    else if (held.get(name) === line(result)) held.delete(name);
    else held.set(`${name} was never told, last ${isLast}`, text);
  }
  return [...held.values()].sort();
}

/** This job. */
export const SIM: OtherJob = { text: SIM_JOB, slow: slowResults, held: { panes: heldPanes } };

/** What a job's sinks hold, by the name of the sink: of `totals-file` the totals. */
export function foundIn(targets: ReadonlyMap<string, readonly (string | undefined)[]>, { held }: OtherJob): SimResults {
  const of = (name: keyof SimResults): readonly string[] => {
    const lines = Array.from(targets.get(`${name}-file`) ?? [], (text) => text ?? '{}');
    return held?.[name]?.(lines) ?? lines.map((text) => line(JSON.parse(text) as object)).sort();
  };
  return { windows: of('windows'), panes: of('panes'), counts: of('counts'), totals: of('totals'), rated: of('rated') };
}

/** Equal for equal results, whatever the order of their fields. */
export function line(value: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}
