// How a declaration names what it reads.

import { z } from 'zod';

export const referenceSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}(\.[a-zA-Z][a-zA-Z0-9_-]{0,62})?$/, 'must be the name of a source or stage, or name.output')
  .max(127)
  .describe('`name`, or `name.output` for a named output of a stage (`late`, or an emitted event of a machine).');

export const referencesSchema = z
  .union([referenceSchema, z.array(referenceSchema).min(1).max(64)], {
    error: 'must be the name of a source or stage (or name.output), or a list of them',
  })
  .describe('One input, or a list of several that are merged: names of sources and stages, or `name.output`.');
