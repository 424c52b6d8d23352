// Windows over event time.

import { z } from 'zod';
import { codeSchema } from './code.ts';
import { durationSchema } from './names.ts';

export const triggerSchema = z
  .strictObject({
    every: durationSchema
      .optional()
      .describe('The watermark has passed a multiple of this time (counted from 1970, as windows are) since the first new event came.'),
    processingTime: durationSchema.optional().describe('So much time of the clock has gone by since the first new event came.'),
    count: z.int().min(1).max(1_000_000_000).optional().describe('So many new events have come.'),
    when: codeSchema.optional().describe('An event has come for which this holds, over `event`, `key`, `timeMs`, `nowMs`.'),
    once: z.boolean().default(false).describe('true: of each window only the first time.'),
  })
  .describe('Holds when all that it says is so.');

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
    count: z
      .strictObject({
        size: z.int().min(1).max(1_000_000_000).describe('So many events of the key.'),
        every: z
          .int()
          .min(1)
          .max(1_000_000_000)
          .optional()
          .describe('A result comes after so many events, over the last `size` (fewer at first); size when absent.'),
        orAfter: durationSchema
          .optional()
          .describe(
            'A result comes also of fewer events, when the watermark has passed the time of the first one by so much. Not with every.',
          ),
        order: z
          .enum(['arrival', 'eventTime'])
          .default('arrival')
          .describe('In which order events count. eventTime: they wait for the watermark, and the same input gives the same windows.'),
      })
      .optional()
      .describe('Windows of so many events of a key. Results have a field `windowNumber`, from 0.'),
    global: z.strictObject({}).optional().describe('One window for all time, which ends with the input. Its results come by `early`.'),
    early: z
      .array(triggerSchema)
      .min(1)
      .max(16)
      .optional()
      .describe(
        'Results before the end of the window: whenever one of these holds for what is new since the last. Results then have the fields ' +
          '`pane` (early, onTime, late, retracted), `paneNumber` (from 0, of each key and window) and `isLast` (true: no other will come).',
      ),
    allowedLateness: durationSchema
      .optional()
      .describe(
        'How long after its end a window is kept to be corrected: an event that comes by then gives a new result of it. Results then have ' +
          'a field `pane`: onTime for the first at the end, late for what replaces it. Absent: an event after the end is late.',
      ),
    keyWatermark: z
      .strictObject({
        maxOutOfOrder: durationSchema.default('0s').describe('It stays this far behind the highest time of the key.'),
        closeAfter: durationSchema.describe('The windows of a key that had no event for so long, by the clock, close.'),
      })
      .optional()
      .describe(
        'Each key has a watermark of its own, which closes its windows and says what is late: a key that is far ahead or behind harms no other. ' +
          'With tumbling, sliding, session; without early, allowedLateness.',
      ),
    preAggregate: z
      .boolean()
      .optional()
      .describe('false: events are not summed up by key before they go to the partition of their key, even where that is sound.'),
    accumulation: z
      .enum(['accumulating', 'discarding', 'retracting'])
      .optional()
      .describe(
        'What a further result of a window has; with early or allowedLateness. accumulating: all so far. discarding: what came since the ' +
          'last one. retracting: all so far, and before it the one that it replaces comes once more, as pane `retracted`.',
      ),
  })
  .describe('Exactly one of tumbling, sliding, session, count, global; and what of it comes earlier or later than its end.');

export type TriggerSpec = z.output<typeof triggerSchema>;
export type WindowSpec = z.output<typeof windowSchema>;
