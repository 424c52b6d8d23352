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

const bytesSchema = z
  .string()
  .max(32)
  .regex(/^[1-9]\d*(k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'must be a number of bytes, 1 or more, such as 256Mi or 10Gi');

/** Of a job: where state lies that does not fit memory. */
export const diskStateSchema = z
  .strictObject({
    memory: bytesSchema.describe(
      'How much of the values of state a worker keeps in memory, as they are stored; there they take two to three times that.',
    ),
    disk: bytesSchema.default('10Gi').describe('The most that the others may take on the disk of a worker; beyond it they stay in memory.'),
  })
  .describe(
    'State larger than memory: keys and timers stay there, values beyond `memory` lie on the disk of their worker. Absent: all is in memory.',
  );

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
