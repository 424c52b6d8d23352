// Where users may write code.

import { z } from 'zod';

/** A CEL expression (YAML, builder) or a function (builder only). A function gets what the expression's variables name. */
export type Code = string | ((...args: never[]) => unknown);

export const codeSchema = z
  .custom<Code>((value) => (typeof value === 'string' && value.length > 0 && value.length <= 4096) || typeof value === 'function', {
    message: 'must be a CEL expression (a text of at most 4096 characters)',
  })
  .meta({ id: 'Code', description: 'CEL expression' });

/** Field name → CEL expression. Results have the fields in the order of their names: an API server keeps no other. */
export const fieldsSchema = z.record(z.string().min(1).max(128), codeSchema);

const CODE_OR_FIELDS = 'must be a CEL expression, or a mapping of field to CEL expression';
export const codeOrFieldsSchema = z.union([codeSchema, fieldsSchema], { error: CODE_OR_FIELDS });

export type Fields = z.output<typeof fieldsSchema>;
