// A job whose state and table are filled from a source that ends, before anything of the live one: on the simulation's events, and what
// must come of it. The live one is paced, so that much of it is left when the history has been taken in. The history is the first split of the live source, so nobody could tell by times which came first.

import { jobText } from '../support/job-run.ts';
import { line, NO_RESULTS, type SimEvent, type SimResults } from './sim-job.ts';

const schema = `schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2000ms }`;

export const BOOTSTRAP_JOB = jobText(
  'bootstrap',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      ${schema}
    - name: history
      file: { path: history.ndjson }
      ${schema}
  tables:
    - { name: last, from: none, bootstrap: history, key: row.id, asOf: latest }
  stages:
    - { name: none, from: rows, filter: "event.n < 0" }
    - { name: old, from: history, map: { id: event.id, at: event.at, isOld: "true" } }
    - { name: paced, from: rows, rateLimit: { perSecond: 30, burst: 3 } }
    - { name: live, from: paced, map: { id: event.id, at: event.at, isOld: "false" } }
    - name: kept
      from: live
      bootstrap: [old]
      keyBy: event.id
      machine:
        eventType: "'add'"
        context: { old: 0 }
        initial: open
        states:
          open:
            on:
              add:
                - guard: event.isOld
                  actions: [{ assign: { old: context.old + 1 } }]
                - actions: [{ emit: { output: total, value: { id: key, at: event.at, old: context.old } } }]
    - name: beside
      from: live
      enrich: [{ table: last, key: event.id, as: row }]
    - name: rated
      from: beside
      map: { id: event.id, at: event.at, last: 'event.row == null ? -1 : event.row.at' }
  sinks:
    - { name: rated-file, from: rated, file: { path: rated.ndjson } }
    - { name: totals-file, from: kept.total, file: { path: totals.ndjson } }
`,
);

export function slowBootstrap(splits: readonly (readonly SimEvent[])[]): SimResults {
  const history = splits[0] ?? [];
  const [rated, totals]: [string[], string[]] = [[], []];
  for (const { id, at } of splits.flat()) {
    const own = history.filter((event) => event.id === id);
    totals.push(line({ id, at, old: own.length }));
    rated.push(line({ id, at, last: Math.max(-1, ...own.map((event) => event.at)) }));
  }
  return { ...NO_RESULTS, rated: rated.sort(), totals: totals.sort() };
}
