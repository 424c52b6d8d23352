// Verbs that leave events as they are: by which output they go on, and when.

import { z } from 'zod';
import { codeSchema } from './code.ts';
import { nameSchema } from './names.ts';
import { referenceSchema } from './references.ts';

export const branchSchema = z
  .strictObject({
    outputs: z
      .array(
        z.strictObject({
          name: nameSchema.describe('The output: read as `stage.name`.'),
          when: codeSchema.optional().describe('Which events go there; absent: all.'),
        }),
      )
      .min(1)
      .max(64)
      .describe('In their order.'),
    match: z
      .enum(['first', 'all'])
      .default('first')
      .describe('first: each event goes to the first output that takes it. all: to each that does.'),
  })
  .describe(
    'Events by kind, each on an output of its own. What no output takes goes to the output `other`; filtered when nothing reads it.',
  );

export const rateLimitSchema = z
  .strictObject({
    perSecond: z.number().min(0.001).max(1_000_000_000).describe('Events that go on in a second of the clock.'),
    burst: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe("Events that may go on at once after a quiet time; a second's worth when absent."),
    per: z.enum(['stage', 'partition']).default('stage').describe('stage: its partitions share the rate evenly. partition: each has it.'),
  })
  .describe('No more events than this go on: the others wait, and while they do nothing more is taken in. None is dropped.');

export const feedbackSchema = z
  .strictObject({
    from: referenceSchema.describe('An output of this stage, or of a stage without a key behind it.'),
    maxRounds: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('How often an event, and what comes of it, goes round; once more, and it is a dead letter.'),
  })
  .describe('What this stage reads besides: events that come back from behind it, exactly once.');

export type BranchSpec = z.output<typeof branchSchema>;
