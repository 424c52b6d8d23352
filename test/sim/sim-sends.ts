// A job whose actors send each other events, on the simulation's events, and what must come of it, whatever the order.
//
// Each event goes from its actor to a hub, and from hub to hub until its number is used up; a second copy goes by a timer. What a
// hub gets is told, and counted once more in windows behind it: none may come late there.

import { jobText } from '../support/job-run.ts';
import { line, NO_RESULTS, type SimEvent, type SimResults } from './sim-job.ts';

const HUBS = 4;
const WINDOW_MS = 5_000;

export const SENDING_JOB = jobText(
  'sends',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2s }
  stages:
    - name: hubs
      from: rows
      keyBy: event.id
      machine:
        eventType: "'add'"
        initial: open
        states:
          open:
            on:
              add:
                actions:
                  - sendTo: { key: "'hub' + string(event.n % ${HUBS})", type: pass, data: { at: event.at, left: event.n % 7 } }
                  - sendTo: { key: "'hub0'", type: pass, delay: 3s, data: { at: event.at, left: "0" } }
              pass:
                - guard: event.left > 0
                  actions:
                    - emit: { output: got, value: { id: key, at: event.at, left: event.left } }
                    - sendTo: { key: "'hub' + string(event.left % ${HUBS})", type: pass, data: { at: event.at, left: event.left - 1 } }
                - actions:
                    - emit: { output: got, value: { id: key, at: event.at, left: event.left } }
    - name: counts
      from: hubs.got
      keyBy: "'all'"
      window: { tumbling: { size: ${WINDOW_MS}ms } }
      aggregate: { count: { count: {} } }
    - name: sums
      from: counts
      keyBy: "'all'"
      machine:
        eventType: "'add'"
        context: { sum: 0 }
        initial: adding
        states:
          adding:
            on: { add: { actions: [{ assign: { sum: context.sum + event.count } }] } }
            after: { 1d: { target: told, actions: [{ emit: { output: sum, value: { sum: context.sum } } }] } }
          told: { type: final }
  sinks:
    - { name: totals-file, from: hubs.got, file: { path: got.ndjson } }
    - { name: windows-file, from: sums.sum, file: { path: sums.ndjson } }
`,
);

/** Two actors wake each other by timers: only the end of the input ends it. */
export const CIRCLE_JOB = jobText(
  'circle',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2s }
  stages:
    - name: pairs
      from: rows
      keyBy: "event.n % 2 == 0 ? 'ping' : 'pong'"
      machine:
        eventType: "'begin'"
        initial: rests
        states:
          rests: { on: { begin: works, tick: works } }
          works:
            on: { begin: {}, tick: {} }
            after:
              1s: { target: rests, actions: [{ sendTo: { key: "key == 'ping' ? 'pong' : 'ping'", type: tick } }] }
  sinks:
    - { name: rows-file, from: rows, file: { path: rows.ndjson } }
`,
);

export function slowSends(splits: readonly (readonly SimEvent[])[]): SimResults {
  const got: string[] = [];
  for (const { at, n } of splits.flat()) {
    got.push(line({ id: 'hub0', at, left: 0 }));
    let hub = `hub${n % HUBS}`;
    for (let left = n % 7; left >= 0; left--) {
      got.push(line({ id: hub, at, left }));
      hub = `hub${left % HUBS}`;
    }
  }
  return { ...NO_RESULTS, totals: got.sort(), windows: [line({ sum: got.length })] };
}
