// Verbs about what is in an event: whether it is as it should be, and fields that are compressed.

import { z } from 'zod';
import { codeSchema } from './code.ts';
import { eventSchemaSchema } from './events.ts';

const codec = z.enum(['gzip', 'deflate', 'brotli', 'zstd']).default('gzip');

export const validateSchema = z
  .strictObject({
    schema: eventSchemaSchema.optional(),
    coerce: z
      .boolean()
      .default(false)
      .describe('A text that is a number, bool or time becomes one, a number or bool a text where that is declared; nothing is rounded.'),
    others: z.enum(['keep', 'remove', 'refuse']).default('keep').describe('Fields that the schema does not name.'),
    rules: z
      .array(
        z.strictObject({
          holds: codeSchema,
          message: z.string().min(1).max(256).optional().describe('What is said of an event for which it does not hold.'),
        }),
      )
      .max(64)
      .default([])
      .describe('What must hold of an event that is as the schema says.'),
  })
  .describe(
    'Events that are not so go to the output `invalid` as { event, problems }; dead letters with all problems when nothing reads it.',
  );

export const compressSchema = z
  .strictObject({
    field: z.string().min(1).max(128).describe('A text or bytes; anything else is written as JSON first.'),
    codec,
    to: z.enum(['base64', 'bytes']).default('base64'),
  })
  .describe('Compresses one field.');

export const decompressSchema = z
  .strictObject({
    field: z.string().min(1).max(128).describe('Bytes, or a text of base64.'),
    codec,
    to: z.enum(['text', 'json', 'bytes']).default('text'),
    bytesMax: z
      .int()
      .min(1)
      .max(67_108_864)
      .default(1_048_576)
      .describe('An event that holds more is a dead letter, and no more than this is unpacked of it.'),
  })
  .describe('Unpacks one field.');

export type ValidateSpec = z.output<typeof validateSchema>;
export type CompressSpec = z.output<typeof compressSchema>;
export type DecompressSpec = z.output<typeof decompressSchema>;
