// A job that asks a service outside about each event, in order and not, and what must come of it, whoever has to ask again.
//
// Which event of a key comes first is fixed within a split only, so a key that is to keep its order lies in one: times of a split have its
// number as their last digit. Two ways behind the same answers are joined: both must have seen the same ones (ADR 33).

import { jobText } from '../support/job-run.ts';
import { isRefused } from './memory-service.ts';
import { line, NO_RESULTS, type SimEvent, type SimResults } from './sim-job.ts';

const WINDOW_MS = 5_000;
const OF_SPLIT = "{ id: event.id, split: 'event.at.getMilliseconds() % 2' }";
const ASK = `http: { url: "'http://answers.test/'", query: { id: event.id, n: event.n } }`;

export const LOOKUPS_JOB = jobText(
  'lookups',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2000ms }
  stages:
    - name: asked
      from: rows
      keyBy: ${OF_SPLIT}
      lookup:
        ${ASK}
        as: answer
        timeout: 400ms
        retries: 1000
        backoff: 20ms
        backoffMax: 300ms
        maxInFlight: 8
        breaker: { failures: 5, openFor: 300ms }
    - name: behind
      from: asked
      keyBy: ${OF_SPLIT}
      machine:
        eventType: "'add'"
        context: { last: -1 }
        initial: open
        states:
          open:
            on:
              add:
                actions:
                  - emit:
                      output: total
                      value: { id: event.id, at: event.at, of: event.answer.of, nonce: event.answer.nonce, before: context.last }
                  - assign: { last: event.at }
    - name: chain
      from: behind.total
      map: { id: event.id, at: event.at, of: event.of, before: event.before }
    - name: windows
      from: asked
      keyBy: event.id
      window: { tumbling: { size: ${WINDOW_MS}ms } }
      aggregate: { count: { count: {} }, sum: { sum: event.answer.of } }
    - name: refused
      from: asked.failed
      map: { id: event.event.id, at: event.event.at }
    - name: same
      from: asked
      keyBy: event.at
      join: { with: behind.total, key: event.at, within: 10ms, select: { at: left.at, isSame: left.answer.nonce == right.nonce } }
    - name: loose
      from: rows
      keyBy: event.id
      lookup:
        ${ASK}
        as: answer
        ordered: false
        timeout: 300ms
        retries: 1
        backoff: 30ms
        maxInFlight: 5
        cache: { size: 20, ttl: 2s }
    - name: either
      from: loose
      map: { id: event.id, at: event.at, n: event.n }
    - name: neither
      from: loose.failed
      map: { id: event.event.id, at: event.event.at, n: event.event.n }
  sinks:
    - { name: totals-file, from: chain, file: { path: totals.ndjson } }
    - { name: windows-file, from: windows, file: { path: windows.ndjson } }
    - { name: counts-file, from: [refused, same], file: { path: counts.ndjson } }
    - { name: rated-file, from: [either, neither], file: { path: rated.ndjson } }
`,
);

export function slowLookups(splits: readonly (readonly SimEvent[])[]): SimResults {
  const all = splits.flat();
  const answered = all.filter(({ n }) => !isRefused(n));
  const refused = all.filter(({ n }) => isRefused(n)).map(({ id, at }) => line({ id, at }));
  const windows = Map.groupBy(answered, ({ id, at }) => `${id} ${Math.floor(at / WINDOW_MS) * WINDOW_MS}`);
  const sums = [...windows].map(([name, events]) => {
    const [id, start] = name.split(' ') as [string, string];
    const bounds = { windowStartMs: Number(start), windowEndMs: Number(start) + WINDOW_MS };
    return line({ id, ...bounds, count: events.length, sum: events.reduce((sum, { n }) => sum + n * 10, 0) });
  });
  return {
    ...NO_RESULTS,
    totals: splits.flatMap(chainOf).sort(),
    windows: sums.sort(),
    counts: [...refused, ...answered.map(({ at }) => line({ at, isSame: true }))].sort(),
    rated: all.map(line).sort(),
  };
}

/** Each answered event of a split with the one before it of its key. */
function chainOf(events: readonly SimEvent[]): readonly string[] {
  const last = new Map<string, number>();
  return events
    .filter(({ n }) => !isRefused(n))
    .map(({ id, at, n }) => {
      const before = last.get(id) ?? -1;
      last.set(id, at);
      return line({ id, at, of: n * 10, before });
    });
}
