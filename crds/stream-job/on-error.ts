// What becomes of an event for which the code of a stage fails.

import { z } from 'zod';
import { durationSchema } from './names.ts';

export const onErrorSchema = z
  .strictObject({
    retries: z
      .int()
      .min(0)
      .max(1_000)
      .default(0)
      .describe('How often a function that threw is called again for the event. What comes behind it with its key waits meanwhile.'),
    backoff: durationSchema.default('1s').describe('Wait before the first retry; twice as long before each further one.'),
    backoffMax: durationSchema.default('1m').describe('No wait is longer.'),
    then: z
      .enum(['deadLetter', 'stopPartition', 'stopJob'])
      .default('deadLetter')
      .describe(
        'After the last try. deadLetter: the event goes to the dead letters, others go on. stopPartition: its partition stands still before ' +
          'it, until the job is upgraded. stopJob: the job fails.',
      ),
  })
  .describe('What becomes of an event for which an expression or function of the stage fails; a dead letter at once when absent.');
