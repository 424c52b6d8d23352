// A job whose stages read tables that are streams, on the simulation's events, and what must come of it.
//
// The table is made of the windows of the events themselves, one row a key, in all partitions of its readers. What an event finds as of
// its time is what the temporal join of the other job finds, so the slow computation is the same; versions of rows are asked for as of
// earlier times.

import { jobText } from '../support/job-run.ts';
import { line, ratedAsOf, slowResults, type SimEvent, type SimResults } from './sim-job.ts';

/** For each unit of `n`, which is below 100. */
const EARLIER_MS = 70;

export const SIDES_JOB = jobText(
  'sides',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2000ms }
  tables:
    - { name: sums, from: windows, key: row.id, deleted: row.sum % 5 == 0 }
    - { name: newest, from: windows, key: row.id, asOf: latest }
    - { name: dated, from: windows, key: row.id, at: row.windowEndMs - 1, deleted: row.sum % 5 == 0, keepFor: 7500ms }
  stages:
    - name: windows
      from: rows
      keyBy: event.id
      window: { tumbling: { size: 5000ms } }
      aggregate: { count: { count: {} }, sum: { sum: event.n } }
    - name: beside
      from: rows
      enrich: [{ table: sums, key: event.id, as: row }]
    - name: rated
      from: beside
      map: { id: event.id, at: event.at, sum: 'event.row == null ? -1 : event.row.sum' }
    - name: asked
      from: rows
      enrich: [{ table: dated, key: event.id, at: event.at - event.n * ${EARLIER_MS}, as: row }]
    - name: past
      from: asked
      map: { id: event.id, at: event.at, sum: 'event.row != null ? event.row.sum : -1' }
    - name: machines
      from: rows
      keyBy: event.n
      tables: [sums, newest]
      machine:
        eventType: "'add'"
        initial: open
        states:
          open:
            on:
              add:
                - guard: event.id in tables.sums
                  actions: [{ emit: { output: total, value: { id: event.id, at: event.at, sum: "tables.sums[event.id].sum" } } }]
                - actions: [{ emit: { output: total, value: { id: event.id, at: event.at, sum: "-1" } } }]
    - name: at-once
      from: rows
      enrich: [{ table: newest, key: event.id, as: row }]
    - name: counted
      from: at-once
      map: { id: event.id, at: event.at, isKnown: 'event.row == null || event.row.id == event.id' }
  sinks:
    - { name: rated-file, from: rated, file: { path: rated.ndjson } }
    - { name: totals-file, from: machines.total, file: { path: totals.ndjson } }
    - { name: panes-file, from: past, file: { path: past.ndjson } }
    - { name: windows-file, from: windows, file: { path: windows.ndjson } }
    - { name: counts-file, from: counted, file: { path: counted.ndjson } }
`,
);

export function slowSides(splits: readonly (readonly SimEvent[])[]): SimResults {
  const { rated, windows } = slowResults(splits);
  const past = ratedAsOf(splits.flat(), ({ at, n }) => at - n * EARLIER_MS);
  const counts = splits.flat().map(({ id, at }) => line({ id, at, isKnown: true }));
  return { rated, totals: rated, windows, counts: counts.sort(), panes: past };
}

/** The same where next to nothing may wait for the rows. */
export const WAITING_JOB = SIDES_JOB.replaceAll('{ name: sums,', '{ name: sums, maxWaiting: 3,');
