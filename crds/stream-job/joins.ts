// Verbs that bring two inputs together: rows of tables, and events of another stream.

import { z } from 'zod';
import { codeOrFieldsSchema, codeSchema } from './code.ts';
import { durationSchema, nameSchema } from './names.ts';
import { referenceSchema } from './references.ts';
import { windowSchema } from './window.ts';

export const enrichSchema = z.strictObject({
  table: nameSchema.describe('The table to look up.'),
  key: codeSchema.describe('The key to look up, over `event`.'),
  at: codeSchema.optional().describe("Temporal tables: the time to look up; the event's time when absent."),
  as: z.string().min(1).max(128).describe('Field of the event that gets the row, or null when there is none.'),
  when: codeSchema.optional().describe('Only events for which this holds; others pass unchanged.'),
});

export const temporalSchema = z.strictObject({
  grace: durationSchema
    .default('0s')
    .describe('How much later than the watermark a row may come and still be seen: each event waits that much longer.'),
  deleted: codeSchema
    .optional()
    .describe('Rows of `with` for which it holds, over `event`, say that their key is deleted from their time on.'),
  validFor: durationSchema
    .optional()
    .describe('A row that is older than this at the time of an event is as none. Absent: valid until the next one.'),
});

export const rowsSchema = z
  .strictObject({
    id: codeSchema.describe('Tells the rows of a key apart, over `event`.'),
    deleted: codeSchema.optional().describe('Changes for which it holds, over `event`, say that the row is deleted.'),
  })
  .describe('Of aggregate without window: events are changes of rows, and of each row only the newest counts.');
export const changelogSchema = z
  .strictObject({ deleted: codeSchema.optional().describe('Events for which it holds say that the row of their key is deleted.') })
  .describe(
    'What each change of a row, one a key, does: { change, row }, first `retract` with the old row, then `insert` with the new one.',
  );

const tableSideSchema = z.strictObject({
  id: codeSchema.optional().describe('Tells rows of one key apart, over `event`. Absent: a key has one row.'),
  deleted: codeSchema.optional().describe('Changes for which it holds, over `event`, say that the row is deleted.'),
});
export const tableJoinSchema = z.strictObject({
  left: tableSideSchema.optional().describe('Rows of `from`.'),
  right: tableSideSchema.optional().describe('Rows of `with`.'),
  emit: z
    .enum(['rows', 'changes'])
    .default('rows')
    .describe('rows: each row of the result that is new. changes: also each that no longer holds, before those that take its place.'),
});

export const joinSchema = z
  .strictObject({
    with: referenceSchema.describe('The other input.'),
    key: codeSchema.optional().describe('Its key; the same as keyBy when absent. A filter of the stage is for `from` only.'),
    type: z.enum(['inner', 'left', 'right', 'full']).default('inner').describe('Whose events come out without a match, too.'),
    within: durationSchema.optional().describe('Interval join: events match when their times differ by at most this.'),
    window: windowSchema
      .pick({ tumbling: true, sliding: true })
      .describe('Exactly one of tumbling, sliding.')
      .optional()
      .describe('Window join: events match when they lie in one window. Pairs come when it closes, one for each window that has both.'),
    temporal: temporalSchema
      .optional()
      .describe(
        'Temporal join: `with` is a changelog of rows by key, and each event gets the row that was valid at its time. inner or left.',
      ),
    table: tableJoinSchema
      .optional()
      .describe(
        'Table join: both sides are changelogs of rows by key; a change of either gives what changes of the join of the newest rows.',
      ),
    select: codeOrFieldsSchema
      .optional()
      .describe(
        'The joined event, over `left` and `right` (either may be null in outer joins); of a window join also windowStartMs, windowEndMs, of a table join also change (insert or retract).',
      ),
  })
  .describe('Exactly one of within, window, temporal, table says which events match.');

export type ChangelogSpec = z.output<typeof changelogSchema>;
export type RowsSpec = z.output<typeof rowsSchema>;
export type EnrichSpec = z.output<typeof enrichSchema>;
export type JoinSpec = z.output<typeof joinSchema>;
export type TableJoinSpec = z.output<typeof tableJoinSchema>;
export type TemporalSpec = z.output<typeof temporalSchema>;
