// What events look like, and when they happened.

import { z } from 'zod';
import { codeSchema } from './code.ts';
import { durationSchema } from './names.ts';

const fieldTypeName = z.enum(['string', 'int', 'double', 'bool', 'timestamp', 'any']);
export const fieldSchema = z
  .union(
    [
      fieldTypeName,
      z.strictObject({ type: fieldTypeName, nullable: z.boolean().default(false), description: z.string().max(1024).optional() }),
    ],
    { error: 'must be a field type, or a mapping with type and nullable' },
  )
  .describe('string, int, double, bool, timestamp or any; or { type, nullable, description }. nullable: may be null or missing.');
export const eventSchemaSchema = z
  .record(z.string().min(1).max(128), fieldSchema)
  .describe(
    "Field name → type. Fields that are not named stay in the event as they are, but expressions over a source's events may name only " +
      "declared ones (type any for what has no fixed type). Expressions over a table's rows may name others too.",
  );

export const eventTimeSchema = z
  .strictObject({
    at: codeSchema.describe('Timestamp, or milliseconds since the epoch.'),
    maxOutOfOrder: durationSchema.default('0s').describe('The watermark stays this far behind the highest time seen.'),
    watermark: codeSchema
      .optional()
      .describe(
        'What the event itself says of the watermark: no event at or before this time follows; null when it says nothing. Then the watermark ' +
          'follows only this, not the highest time. Not with maxOutOfOrder.',
      ),
    maxAhead: durationSchema
      .optional()
      .describe('An event that is further ahead of the clock is a dead letter: one wrong clock closes no windows. 366d when absent.'),
  })
  .describe('When an event happened, and how far out of order events come.');

export type EventTimeSpec = z.output<typeof eventTimeSchema>;
export type EventSchemaSpec = z.output<typeof eventSchemaSchema>;
