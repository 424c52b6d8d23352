// The aggregates of a stage: what is kept of the events of a key, or of a key and window.

import { z } from 'zod';
import { codeSchema } from './code.ts';

const valueAggregate = codeSchema.optional();
export const topSchema = z.strictObject({
  limit: z.int().min(1).max(1_000).describe('How many: the highest ones, the highest first; of equal ranks the earlier.'),
  by: codeSchema.describe('The rank: a number, text or boolean, or a list of them, of which the first that differ decide.'),
  value: codeSchema.describe('What is kept of each.'),
  ties: z.boolean().default(false).describe('true: all that rank as high as the last one, too.'),
});
export const quantilesSchema = z.strictObject({
  of: codeSchema.describe('A finite number.'),
  at: z
    .array(z.number().min(0).max(1))
    .min(1)
    .max(32)
    .describe('Shares of all values in order: 0.5 is the median, 0.99 what 99 of 100 do not exceed.'),
});
export const heavyHittersSchema = z.strictObject({
  of: codeSchema,
  share: z.number().min(0.001).max(1).describe('0.01: values that are 1 % of all, or more.'),
});
export const reservoirSchema = z.strictObject({
  of: codeSchema,
  size: z.int().min(1).max(10_000).describe('How many.'),
});
const aggregateFunctions = {
  count: z.strictObject({}).optional(),
  sum: valueAggregate,
  min: valueAggregate,
  max: valueAggregate,
  mean: valueAggregate,
  variance: valueAggregate.describe('Of a sample, null below two values.'),
  stddev: valueAggregate.describe('The root of the variance.'),
  first: valueAggregate,
  last: valueAggregate,
  collect: valueAggregate,
  distinct: valueAggregate,
  approxDistinct: valueAggregate.describe('The number of different values, about: standard error 0.81 %, at most 16 kB a key.'),
  quantiles: quantilesSchema
    .optional()
    .describe('A list of the values at these shares; exact up to 512 values, beyond off by 1 % of the ranks at most.'),
  heavyHitters: heavyHittersSchema
    .optional()
    .describe('A list of { value, count, error }, the most frequent first: all values with this share, none with less than half of it.'),
  reservoir: reservoirSchema.optional().describe('A list of so many values, each as likely as any other, the same at a replay.'),
  top: topSchema.optional().describe('A list of the values that rank highest.'),
} as const;
export const AGGREGATE_FUNCTIONS = Object.keys(aggregateFunctions) as readonly (keyof typeof aggregateFunctions)[];
export const aggregateSchema = z
  .strictObject({
    ...aggregateFunctions,
    where: codeSchema.optional().describe('Only events for which this holds count.'),
  })
  .describe('One aggregate: exactly one function, and where.');

export type AggregateSpec = z.output<typeof aggregateSchema>;
export type TopSpec = z.output<typeof topSchema>;
export type HeavyHittersSpec = z.output<typeof heavyHittersSchema>;
export type ReservoirSpec = z.output<typeof reservoirSchema>;
export type QuantilesSpec = z.output<typeof quantilesSchema>;
