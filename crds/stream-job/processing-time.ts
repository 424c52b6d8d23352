// Stages that work by the clock.

import { z } from 'zod';
import { durationSchema } from './names.ts';

export const processingTimeSchema = z
  .strictObject({
    missed: z
      .enum(['catchUp', 'fireOnce', 'skip'])
      .default('catchUp')
      .describe(
        'A timer that is late, because nobody ran meanwhile. catchUp: it fires with the time for which it was set, and so does what it sets ' +
          'anew, until now is reached. fireOnce: with the time of now. skip: not at all, its delay begins anew.',
      ),
    missedAfter: durationSchema.default('10s').describe('How late a timer is to count as missed.'),
  })
  .describe(
    'The stage works by the clock of its workers: an event happens when the stage takes it in. Windows close, timers fire without any ' +
      'event, and nothing is late. For window, dedupe, pattern, interval and window join, machine and actors.',
  );

export type ProcessingTimeSpec = z.output<typeof processingTimeSchema>;
