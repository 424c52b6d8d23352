// A job whose state expires, of machines, aggregates and windows by count, and what must come of it.
//
// Events of a key are taken in by their time, so what expires when is one thing: a key begins anew where it was quiet for the ttl.

import { jobText } from '../support/job-run.ts';
import { line, NO_RESULTS, type OtherJob, type SimEvent, type SimResults } from './sim-job.ts';

const TTL_MS = 900;
const WINDOW_EVENTS = 3;
const STATE = `state: { ttl: ${TTL_MS}ms, onExpire: emit }`;

const EXPIRING_JOB = jobText(
  'expiring',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2000ms }
  stages:
    - name: totals
      from: rows
      keyBy: event.id
      ${STATE}
      machine:
        order: eventTime
        eventType: "'add'"
        context: { total: 0, last: 0 }
        initial: adding
        states:
          adding:
            on:
              add:
                actions:
                  - assign: { total: context.total + event.n, last: event.at }
                  - emit: { output: total, value: { id: key, at: event.at, total: context.total, n: event.n } }
    - name: gone
      from: totals.expired
      map: { id: event.key, last: event.context.last, total: event.context.total }
    - name: sums
      from: totals.total
      keyBy: { id: event.id }
      ${STATE}
      aggregate: { times: { count: {} }, sum: { sum: event.n } }
    - name: counts
      from: rows
      keyBy: event.id
      ${STATE}
      window: { count: { size: ${WINDOW_EVENTS}, order: eventTime } }
      aggregate: { sum: { sum: event.n } }
  sinks:
    - { name: totals-file, from: totals.total, file: { path: totals.ndjson } }
    - { name: rated-file, from: gone, file: { path: gone.ndjson } }
    - { name: windows-file, from: sums.expired, file: { path: sums.ndjson } }
    - { name: counts-file, from: counts, file: { path: counts.ndjson } }
`,
);

export const EXPIRING: OtherJob = { text: EXPIRING_JOB, slow: slowExpiring };

function slowExpiring(splits: readonly (readonly SimEvent[])[]): SimResults {
  const keys = Map.groupBy(
    splits.flat().toSorted((a, b) => a.at - b.at),
    ({ id }) => id,
  );
  const lives = [...keys.values()].flatMap(livesOf);
  const sum = (events: readonly SimEvent[]): number => events.reduce((all, { n }) => all + n, 0);
  return {
    ...NO_RESULTS,
    totals: lives.flatMap((life) => life.map(({ id, at, n }, i) => line({ id, at, n, total: sum(life.slice(0, i + 1)) }))).sort(),
    rated: lives.map((life) => line({ id: life[0]!.id, last: life.at(-1)!.at, total: sum(life) })).sort(),
    windows: lives.map((life) => line({ id: life[0]!.id, times: life.length, sum: sum(life) })).sort(),
    counts: lives.flatMap((life) => windowsOf(life).map((events, windowNumber) => windowOf(events, windowNumber, sum(events)))).sort(),
  };
}

/** A key's events, parted where it was quiet for the ttl. */
function livesOf(events: readonly SimEvent[]): readonly (readonly SimEvent[])[] {
  const lives: SimEvent[][] = [];
  for (const event of events) {
    const life = lives.at(-1);
    if (life === undefined || event.at - life.at(-1)!.at >= TTL_MS) lives.push([event]);
    else life.push(event);
  }
  return lives;
}

function windowsOf(life: readonly SimEvent[]): readonly (readonly SimEvent[])[] {
  return Array.from({ length: Math.ceil(life.length / WINDOW_EVENTS) }, (_, i) => life.slice(i * WINDOW_EVENTS, (i + 1) * WINDOW_EVENTS));
}

function windowOf(events: readonly SimEvent[], windowNumber: number, sum: number): string {
  return line({ id: events[0]!.id, windowStartMs: events[0]!.at, windowEndMs: events.at(-1)!.at + 1, windowNumber, sum });
}
