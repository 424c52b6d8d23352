// Windows over event time.

import { z } from 'zod';
import { durationSchema } from './names.ts';

export const windowSchema = z
  .strictObject({
    tumbling: z
      .strictObject({ size: durationSchema, offset: durationSchema.optional().describe('Shifts where windows begin.') })
      .optional()
      .describe('Windows of one size, one after the other.'),
    sliding: z
      .strictObject({
        size: durationSchema,
        every: durationSchema.describe('A window begins this often.'),
        offset: durationSchema.optional().describe('Shifts where windows begin.'),
      })
      .optional()
      .describe('Windows of one size that overlap.'),
    session: z
      .strictObject({ gap: durationSchema.describe('This long without an event ends a session.') })
      .optional()
      .describe('Events of a key with no gap between them.'),
    allowedLateness: durationSchema
      .optional()
      .describe(
        'How long after its end a window is kept to be corrected: an event that comes by then gives a new result of it. Results then have ' +
          'a field `pane`: onTime for the first at the end, late for what replaces it. Absent: an event after the end is late.',
      ),
    accumulation: z
      .enum(['accumulating', 'retracting'])
      .optional()
      .describe('With allowedLateness. retracting: before a new result the one that it replaces comes once more, as pane `retracted`.'),
  })
  .describe('Exactly one of tumbling, sliding, session; and what of it may come later.');

export type WindowSpec = z.output<typeof windowSchema>;
