// How long the state of one key is kept.

import { z } from 'zod';
import { codeSchema } from './code.ts';
import { durationSchema } from './names.ts';

export const migrationSchema = z.strictObject({
  from: z.int().min(1).max(1_000_000),
  to: z.int().min(2).max(1_000_000),
  state: codeSchema.describe(
    'The state from then on, over `state` and `key`; of a machine its context, over `context`, `key` and `state`.',
  ),
});
export type MigrationSpec = z.output<typeof migrationSchema>;

/** A cell of a reducer beside its state. Functions are of reducing (reduce) and aggregating (init, add, result) only. */
export const reduceCellSchema = z.strictObject({
  kind: z.enum(['value', 'list', 'map', 'reducing', 'aggregating']),
  reduce: codeSchema.optional(),
  init: codeSchema.optional(),
  add: codeSchema.optional(),
  result: codeSchema.optional(),
});
export const reduceCellsSchema = z.record(
  z
    .string()
    .max(64)
    .regex(/^[A-Za-z_]\w*$/, 'must be letters, digits and _, and start with no digit'),
  reduceCellSchema,
);
export type ReduceCellSpec = z.output<typeof reduceCellSchema>;

export const stateSchema = z
  .strictObject({
    ttl: durationSchema.describe(
      'The state of a key that had no event and no timer for this long, in event time, is forgotten, its timers too. Of windows: its window ' +
        'ends, as at the end of the input.',
    ),
    onExpire: z
      .enum(['drop', 'emit'])
      .default('drop')
      .describe(
        'emit: what is forgotten comes out once, on the output `expired`, at the time at which it expires; of windows by count as a result of ' +
          'fewer events.',
      ),
  })
  .describe('Of reduce, machine, aggregate without a window, and windows by count and global. Absent: state is kept until its actor ends.');
