// The job of sim-job.ts with splits that go on in step, and what must come of it: the same.

import { SIM, SIM_JOB, type OtherJob } from './sim-job.ts';

/** Splits are read at paces that are drawn, so each is ahead again and again. */
const EVENT_TIME = 'eventTime: {';

export const ALIGNED: OtherJob = {
  ...SIM,
  text: SIM_JOB.replace(EVENT_TIME, `alignment: { maxDrift: 300ms }\n      ${EVENT_TIME}`),
};
