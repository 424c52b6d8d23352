// Patterns: sequences of events of one key.

import { z } from 'zod';
import { codeOrFieldsSchema, codeSchema } from './code.ts';
import { durationSchema } from './names.ts';

const stepName = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z][a-zA-Z0-9_]*$/, 'must be letters, digits and _, and start with a letter');
const innerContiguity = z.enum(['next', 'followedBy', 'followedByAny']);
const stepFields = {
  name: stepName.describe('What matched events of it are called in conditions and results: `matched.NAME`.'),
  contiguity: z
    .enum(['next', 'followedBy', 'followedByAny', 'notNext', 'notFollowedBy'])
    .optional()
    .describe(
      'How it follows the step before. next: at once. followedBy (the default): by the next event that matches. followedByAny: by any that ' +
        'matches. notNext, notFollowedBy: no such event follows at once, or before the next step. The first step has none.',
    ),
  where: codeSchema
    .optional()
    .describe(
      'Which events it takes, over `event`, `matched` (step → its events of this match so far), `key`, `timeMs`. Absent: every event.',
    ),
  times: z
    .strictObject({
      min: z.int().min(1).max(256).default(1),
      max: z.int().min(1).max(256).optional().describe('No bound when absent.'),
    })
    .optional()
    .describe('How often it repeats; once when absent.'),
  optional: z.boolean().default(false).describe('true: matches come without it, too.'),
  greedy: z.boolean().default(false).describe('true: it takes all events that it can before the next step goes on.'),
  inner: innerContiguity.optional().describe('How its repetitions follow each other; followedBy when absent.'),
  until: codeSchema.optional().describe('Ends the repetition: from an event on for which it holds nothing more is taken.'),
  within: durationSchema
    .optional()
    .describe('Less than this after the event before it in the match. Of a last notFollowedBy: how long none may come.'),
};
const innerStepSchema = z.strictObject(stepFields);
/** One step of a pattern; with `steps` it is a group. */
export type PatternStep = z.output<typeof innerStepSchema> & { readonly steps?: PatternStep[] | undefined };
type PatternStepInput = z.input<typeof innerStepSchema> & { readonly steps?: PatternStepInput[] | undefined };
const patternStepSchema: z.ZodType<PatternStep, PatternStepInput> = z.lazy(() =>
  z.strictObject({ ...stepFields, steps: z.array(patternStepSchema).min(1).max(32).optional() }),
);
export const patternSchema = z.strictObject({
  steps: z
    .array(
      z.strictObject({
        ...stepFields,
        steps: z
          .array(patternStepSchema)
          .min(1)
          .max(32)
          .optional()
          .describe('A group: these steps in the place of one. Each may have what a step has, and steps itself.'),
      }),
    )
    .min(1)
    .max(32)
    .describe('The sequence, in order.'),
  within: durationSchema
    .optional()
    .describe('A match takes less than this from its first event to its last; older partial matches time out.'),
  afterMatch: z
    .enum(['noSkip', 'skipToNext', 'skipPastLastEvent', 'skipToFirst', 'skipToLast'])
    .default('noSkip')
    .describe(
      'What a match ends of the others. noSkip: nothing. skipToNext: those that began with the same event. skipPastLastEvent: those that began ' +
        'by its last event. skipToFirst, skipToLast: those that began before the first or last event of the step `skipTo`.',
    ),
  skipTo: stepName.optional().describe('The step of skipToFirst and skipToLast.'),
  select: codeOrFieldsSchema
    .optional()
    .describe("The result, over `matched`, `key`, `startMs`, `endMs`; the key's fields, startMs, endMs and matched when absent."),
  partialMatchesMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('Partial matches that a key may have at once. An event that would make more is a dead letter.'),
});
export type PatternSpec = z.output<typeof patternSchema>;
export type PatternInput = z.input<typeof patternSchema>;
