// Verbs that bring two inputs together: rows of tables, and events of another stream.

import { z } from 'zod';
import { codeOrFieldsSchema, codeSchema } from './code.ts';
import { durationSchema, nameSchema } from './names.ts';
import { referenceSchema } from './references.ts';

export const enrichSchema = z.strictObject({
  table: nameSchema.describe('The table to look up.'),
  key: codeSchema.describe('The key to look up, over `event`.'),
  at: codeSchema.optional().describe("Temporal tables: the time to look up; the event's time when absent."),
  as: z.string().min(1).max(128).describe('Field of the event that gets the row, or null when there is none.'),
  when: codeSchema.optional().describe('Only events for which this holds; others pass unchanged.'),
});

export const joinSchema = z.strictObject({
  with: referenceSchema.describe('The other input.'),
  key: codeSchema.optional().describe('Its key; the same as keyBy when absent. A filter of the stage is for `from` only.'),
  type: z.enum(['inner', 'left', 'right', 'full']).default('inner').describe('Whose events come out without a match, too.'),
  within: durationSchema.describe('Events match when their times differ by at most this.'),
  select: codeOrFieldsSchema.optional().describe('The joined event, over `left` and `right` (either may be null in outer joins).'),
});

export type EnrichSpec = z.output<typeof enrichSchema>;
export type JoinSpec = z.output<typeof joinSchema>;
