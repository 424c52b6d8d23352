// A job whose events go round, on the simulation's events, and what must come of it, whatever the order.
//
// Each event is halved until nothing is left of it, and goes to another key each time. What is seen of it is told, and counted once more
// in windows behind: each in that of its event, so none may come late there.

import { jobText } from '../support/job-run.ts';
import { line, NO_RESULTS, type SimEvent, type SimResults } from './sim-job.ts';

const KEYS = 5;
const WINDOW_MS = 2_000;

export const FEEDBACK_JOB = jobText(
  'feedback',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2000ms }
  stages:
    - name: steps
      from: rows
      keyBy: event.id
      feedback: { from: again, maxRounds: 7 }
      machine:
        eventType: "'step'"
        initial: open
        states:
          open: { on: { step: { actions: [{ emit: { output: seen, value: { id: key, at: event.at, n: event.n } } }] } } }
    - name: again
      from: steps.seen
      filter: event.n > 0
      map: { id: "'k' + string(event.n % ${KEYS})", at: event.at, n: (event.n - event.n % 2) / 2 }
    - name: counts
      from: steps.seen
      keyBy: event.id
      window: { tumbling: { size: ${WINDOW_MS}ms } }
      aggregate: { count: { count: {} }, sum: { sum: event.n } }
  sinks:
    - { name: totals-file, from: steps.seen, file: { path: seen.ndjson } }
    - { name: windows-file, from: counts, file: { path: counts.ndjson } }
`,
);

const SEEN = 'value: { id: key, at: event.at, n: event.n }';
const PASS = `{ key: "'k' + string(event.n % ${KEYS})", type: step, data: { at: event.at, n: "(event.n - event.n % 2) / 2" } }`;

/** The same, but two of three numbers are sent on by the actors themselves. Of time that says: they may be behind the watermark. */
export const SENDING_FEEDBACK_JOB = FEEDBACK_JOB.replace(
  /step: \{ actions: .*/,
  `step: [{ guard: event.n % 3 == 1, actions: [{ emit: { output: seen, ${SEEN} } }] },
              { guard: event.n > 0, actions: [{ emit: { output: told, ${SEEN} } }, { sendTo: ${PASS} }] },
              { actions: [{ emit: { output: told, ${SEEN} } }] }] } }`,
)
  .replace('from: steps.seen\n      keyBy', 'from: [steps.seen, steps.told]\n      keyBy')
  .replace('from: steps.seen, file', 'from: [steps.seen, steps.told], file');

export function slowFeedback(splits: readonly (readonly SimEvent[])[]): SimResults {
  const seen: SimEvent[] = [];
  for (const { at, ...event } of splits.flat()) {
    let { id, n } = event;
    for (; n > 0; [id, n] = [`k${n % KEYS}`, Math.floor(n / 2)]) seen.push({ id, at, n });
    seen.push({ id, at, n });
  }
  const windows = Map.groupBy(seen, ({ id, at }) => `${id} ${Math.floor(at / WINDOW_MS)}`);
  const counts = [...windows.values()].map((events) => {
    const [{ id, at }] = events as [SimEvent];
    const windowStartMs = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    const sum = events.reduce((all, { n }) => all + n, 0);
    return line({ id, windowStartMs, windowEndMs: windowStartMs + WINDOW_MS, count: events.length, sum });
  });
  return { ...NO_RESULTS, totals: seen.map(line).sort(), windows: counts.sort() };
}
