// A job whose stages go by the clock, wait for it, part ways, and have splits that fall silent, and what must come of it.
//
// When an event comes, and in which window it lies, differs from run to run. So each way is made to give every event once, whenever that is: what
// matches must be within more than what the clocks of two workers may be apart.

import { jobText } from '../support/job-run.ts';
import { line, type SimEvent, type SimResults } from './sim-job.ts';

export const CLOCKS_JOB = jobText(
  'clocks',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 300ms }
      idle: { after: 200ms }
  stages:
    - name: clocked
      from: rows
      keyBy: event.id
      processingTime: {}
      window: { tumbling: { size: 700ms } }
      aggregate: { all: { collect: event.at } }
    - name: windows
      from: clocked
      flatMap: event.all.map(at, {"at":at})
    - name: ways
      from: rows
      branch: { outputs: [{ name: even, when: event.n % 2 == 0 }] }
    - name: paced
      from: ways.even
      rateLimit: { perSecond: 40, burst: 5 }
    - name: found
      from: ways.other
      keyBy: event.id
      processingTime: {}
      pattern: { within: 1s, steps: [{ name: one }], select: { at: "matched.one[0].at" } }
    - name: counts
      from: [paced, found]
      map: { at: event.at }
    - name: timed
      from: rows
      keyBy: event.id
      window: { tumbling: { size: 2s } }
      aggregate: { all: { collect: event.at } }
    - name: in-time
      from: timed
      flatMap: event.all.map(at, {"at":at})
    - name: late
      from: timed.late
      map: { at: event.at }
    - name: rated
      from: rows
      keyBy: event.at
      processingTime: {}
      join: { with: ways.other, key: event.at, within: 20m, select: { at: left.at } }
  sinks:
    - { name: windows-file, from: windows, file: { path: windows.ndjson } }
    - { name: counts-file, from: counts, file: { path: counts.ndjson } }
    - { name: totals-file, from: [in-time, late], file: { path: totals.ndjson } }
    - { name: rated-file, from: rated, file: { path: rated.ndjson } }
`,
);

export function slowClocks(splits: readonly (readonly SimEvent[])[]): SimResults {
  const once = (events: readonly SimEvent[]): string[] => events.map(({ at }) => line({ at })).sort();
  const all = once(splits.flat());
  return { windows: all, counts: all, totals: all, rated: once(splits.flat().filter(({ n }) => n % 2 !== 0)), panes: [] };
}
