// Jobs that are simulated beside that of sim-job.ts, under the same faults: `npm run sim -- --of NAME`; and what each is declared as later,
// with the same results: `--on revisions`, `--on savepoint`.

import type { GoingJob } from './going-on.ts';
import { ALIGNED } from './sim-alignment.ts';
import { BOOTSTRAP_JOB, slowBootstrap } from './sim-bootstrap.ts';
import { CLOCKS_JOB, slowClocks } from './sim-clocks.ts';
import { EXPIRING } from './sim-expiring.ts';
import { FEEDBACK_JOB, slowFeedback } from './sim-feedback.ts';
import type { OtherJob } from './sim-job.ts';
import { LOOKUPS_JOB, slowLookups } from './sim-lookups.ts';
import { ROWS } from './sim-rows.ts';
import { SIDES_JOB, slowSides, WAITING_JOB } from './sim-sides.ts';
import { slowWindows, WINDOWS_JOB } from './sim-windows.ts';

type Change = readonly [from: string, to: string];

/** Each change on top of those before it. */
function declaredAs(job: OtherJob, changes: readonly (readonly Change[])[]): GoingJob {
  const declared: string[] = [];
  for (const some of changes) {
    let text = declared.at(-1) ?? job.text;
    for (const [from, to] of some) {
      if (!text.includes(from)) throw new Error(`the declaration has no ${from}`);
      text = text.replaceAll(from, to);
    }
    declared.push(text);
  }
  return { ...job, declared };
}

export const OTHER_JOBS = {
  aligned: declaredAs(ALIGNED, [
    [['maxDrift: 300ms', 'maxDrift: 700ms']],
    [
      ['maxDrift: 700ms', 'maxDrift: 200ms'],
      ['context.total + event.n', 'event.n + context.total'],
    ],
  ]),
  bootstrap: declaredAs({ text: BOOTSTRAP_JOB, slow: slowBootstrap }, [
    [['context.old + 1', '1 + context.old']],
    [['event.row == null ?', 'null == event.row ?']],
  ]),
  clocks: declaredAs({ text: CLOCKS_JOB, slow: slowClocks }, [
    [['map: { at: event.at }', 'map: { at: (event.at) }']],
    [['perSecond: 40', 'perSecond: 50']],
  ]),
  expiring: declaredAs(EXPIRING, [
    [['context.total + event.n', 'event.n + context.total']],
    [['last: event.context.last', 'last: (event.context.last)']],
  ]),
  feedback: declaredAs({ text: FEEDBACK_JOB, slow: slowFeedback }, [[['maxRounds: 7', 'maxRounds: 20']], [['again', 'once-more']]]),
  lookups: declaredAs({ text: LOOKUPS_JOB, slow: slowLookups }, [
    [
      ['retries: 1000', 'retries: 900'],
      ['maxInFlight: 5', 'maxInFlight: 3'],
    ],
    [
      ['maxInFlight: 8', 'maxInFlight: 12'],
      ['before: context.last', 'before: (context.last)'],
    ],
  ]),
  rows: declaredAs(ROWS, [
    [['right == null ? -1', 'null == right ? -1']],
    [['top: { limit: 3, by: event.n, value', 'top: { limit: 3, by: (event.n), value']],
  ]),
  sides: declaredAs({ text: SIDES_JOB, slow: slowSides }, [
    [['event.row == null ? -1', 'null == event.row ? -1']],
    [['guard: event.id in tables.sums', 'guard: (event.id) in tables.sums']],
  ]),
  waiting: declaredAs({ text: WAITING_JOB, slow: slowSides }, [
    [['maxWaiting: 3', 'maxWaiting: 9']],
    [
      ['maxWaiting: 9', 'maxWaiting: 2'],
      ['event.row == null ? -1', 'null == event.row ? -1'],
    ],
  ]),
  windows: declaredAs({ text: WINDOWS_JOB, slow: slowWindows }, [
    [['closeAfter: 1h', 'closeAfter: 2h']],
    [['map: { id: event.id, at: event.at, n: event.n }', 'map: { id: (event.id), at: event.at, n: event.n }']],
  ]),
} satisfies Readonly<Record<string, GoingJob>>;
