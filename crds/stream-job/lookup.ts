// Asking something outside of the job about each event.

import { z } from 'zod';
import { codeSchema, fieldsSchema } from './code.ts';
import { durationSchema } from './names.ts';

const secretHeaderSchema = z.strictObject({
  env: z
    .string()
    .max(128)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
    .describe('The variable: `workers.env` with a Secret.'),
  prefix: z.string().max(64).optional().describe('What stands before it: `Bearer `.'),
});

export const lookupSchema = z
  .strictObject({
    http: z
      .strictObject({
        url: codeSchema.describe('The address, http or https. What comes of events belongs into `query`, where it is encoded.'),
        query: fieldsSchema.optional().describe('Parameters of the query. One that is null is left out.'),
        method: z.enum(['GET', 'POST']).default('GET'),
        headers: fieldsSchema.optional().describe('Headers of the request.'),
        secretHeaders: z
          .record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header'), secretHeaderSchema)
          .optional()
          .describe("Headers whose values are variables of the worker's environment; they stand in no plan, state, log or dead letter."),
        body: codeSchema.optional().describe('What is sent, as JSON; POST only.'),
      })
      .optional()
      .describe(
        'A request for each question. JSON is decoded, other answers are texts, 404 is null. 408, 425, 429 and 5xx are asked again.',
      ),
    code: codeSchema.optional().describe('Jobs in TypeScript only: an async function (event, key, { signal }) => answer. Here: its mark.'),
    as: z.string().min(1).max(128).describe('Field of the event that gets the answer; null when there is none.'),
    ordered: z
      .boolean()
      .default(true)
      .describe('true: events of a key keep their order. false: each goes on as soon as its answer is there.'),
    maxInFlight: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Questions at the same time, of each partition. When so many wait, nothing more is taken in.'),
    timeout: durationSchema.default('10s').describe('Of one try.'),
    retries: z.int().min(0).max(1_000).default(3).describe('Further tries after one that failed or took too long.'),
    backoff: durationSchema.default('100ms').describe('Wait before the first retry; twice as long before each further one.'),
    backoffMax: durationSchema.default('10s').describe('No wait is longer.'),
    cache: z
      .strictObject({
        size: z
          .int()
          .min(1)
          .max(1_000_000)
          .default(10_000)
          .describe('Answers that are kept, of each worker; the longest unused goes first.'),
        ttl: durationSchema.describe('How long an answer counts.'),
      })
      .optional()
      .describe('Answers that were given to equal questions; questions that are equal and under way are asked once.'),
    breaker: z
      .strictObject({
        failures: z.int().min(1).max(10_000).default(10).describe('So many tries in a row that failed open it.'),
        openFor: durationSchema.default('10s').describe('So long nobody asks; then one question tries.'),
      })
      .optional()
      .describe('Circuit breaker, of each worker: spares a service that fails. Questions wait meanwhile, which is no try.'),
  })
  .describe(
    'An answer from outside for each event. It runs behind an exchange by keyBy; failures go to the output `failed`, or by onError.',
  );

export type LookupSpec = z.output<typeof lookupSchema>;
