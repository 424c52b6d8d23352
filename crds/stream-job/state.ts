// How long the state of one key is kept.

import { z } from 'zod';
import { durationSchema } from './names.ts';

export const stateSchema = z
  .strictObject({
    ttl: durationSchema.describe(
      'The state of a key that had no event and no timer for this long, in event time, is forgotten, its timers too.',
    ),
    onExpire: z
      .enum(['drop', 'emit'])
      .default('drop')
      .describe('emit: what is forgotten comes out once, on the output `expired`, at the time at which it expires.'),
  })
  .describe('Of reduce, machine and aggregate without a window. Absent: state is kept until its actor ends.');
