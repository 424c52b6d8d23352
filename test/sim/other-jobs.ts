// Jobs that are simulated beside that of sim-job.ts, under the same faults: `npm run sim -- --of NAME`.

import { ALIGNED } from './sim-alignment.ts';
import { BOOTSTRAP_JOB, slowBootstrap } from './sim-bootstrap.ts';
import { CLOCKS_JOB, slowClocks } from './sim-clocks.ts';
import { FEEDBACK_JOB, slowFeedback } from './sim-feedback.ts';
import { LOOKUPS_JOB, slowLookups } from './sim-lookups.ts';
import { ROWS } from './sim-rows.ts';
import { SIDES_JOB, slowSides, WAITING_JOB } from './sim-sides.ts';
import { slowWindows, WINDOWS_JOB } from './sim-windows.ts';
import type { OtherJob } from './simulate.ts';

export const OTHER_JOBS = {
  aligned: ALIGNED,
  bootstrap: { text: BOOTSTRAP_JOB, slow: slowBootstrap },
  clocks: { text: CLOCKS_JOB, slow: slowClocks },
  feedback: { text: FEEDBACK_JOB, slow: slowFeedback },
  lookups: { text: LOOKUPS_JOB, slow: slowLookups },
  rows: ROWS,
  sides: { text: SIDES_JOB, slow: slowSides },
  waiting: { text: WAITING_JOB, slow: slowSides },
  windows: { text: WINDOWS_JOB, slow: slowWindows },
} satisfies Readonly<Record<string, OtherJob>>;
