// What a user declares: the one schema of a StreamJob.
//
// Source of the TypeScript types, of offline validation and of the CRD's OpenAPI schema.
// The parsed value is also the graph that the TypeScript builder makes: where YAML has a CEL text, the
// builder may have a function (`Code`).
//
//   S1. Whatever a user may write is described here and nowhere else.
//   S2. Every list and text has a bound, so that the CRD stays structural and cheap.

import { z } from 'zod';
import { aggregateSchema } from './aggregates.ts';
import { clusterFields } from './cluster.ts';
import { compressSchema, decompressSchema, validateSchema } from './contents.ts';
import { codeOrFieldsSchema, codeSchema } from './code.ts';
import { eventTimeSchema } from './events.ts';
import { changelogSchema, enrichSchema, joinSchema, rowsSchema } from './joins.ts';
import { lookupSchema } from './lookup.ts';
import { actorOrder, actorStateBytesMax, actorUnhandled, machineSchema } from './machine.ts';
import { durationSchema, nameSchema } from './names.ts';
import { onErrorSchema } from './on-error.ts';
import { patternSchema } from './pattern.ts';
import { processingTimeSchema } from './processing-time.ts';
import { referenceSchema, referencesSchema } from './references.ts';
import { branchSchema, feedbackSchema, rateLimitSchema } from './routing.ts';
import { sourceSchema, tableSchema } from './sources.ts';
import { diskStateSchema, migrationSchema, reduceCellsSchema, stateSchema } from './state.ts';
import { windowSchema } from './window.ts';

/** Stands for a function or an XState machine in a StreamJob on a cluster: first 32 hex digits of the sha256 of its source. */
export const CODE_MARK = /^@code:[0-9a-f]{32}$/;

/** Fields of a stage that only the TypeScript builder can fill, never suggested to who writes YAML. On a cluster: marks. */
export const BUILDER_FIELDS: readonly string[] = ['reduce', 'xstate'];

export const stageSchema = z.strictObject({
  name: nameSchema,
  from: referencesSchema,
  filter: codeSchema.optional().describe('Alone, or before any of the verbs below: only events for which it holds go on.'),

  // exactly one verb (filter alone counts as one)
  map: codeOrFieldsSchema.optional().describe('The event that comes out: a CEL expression, or field → CEL expression.'),
  flatMap: z
    .union(
      [
        codeSchema,
        z
          .array(z.strictObject({ when: codeSchema.optional(), emit: codeOrFieldsSchema }))
          .min(1)
          .max(64),
      ],
      {
        error: 'must be a CEL expression that gives a list, or a list of { when, emit }',
      },
    )
    .optional()
    .describe('A CEL list, or a list of { when, emit } of which those whose when holds are emitted, in order.'),
  eventTime: eventTimeSchema.optional(),
  enrich: z.array(enrichSchema).min(1).max(16).optional().describe('Rows of tables that are put into the event.'),
  sample: z
    .strictObject({
      ratio: z.number().min(0).max(1).describe('Share of the events that go on.'),
      by: codeSchema.optional().describe('Events with equal values of it go on together, or not at all.'),
    })
    .optional()
    .describe('A share of the events, always the same ones.'),
  branch: branchSchema.optional(),
  rateLimit: rateLimitSchema.optional(),
  validate: validateSchema.optional(),
  compress: compressSchema.optional(),
  decompress: decompressSchema.optional(),

  keyBy: codeOrFieldsSchema
    .optional()
    .describe('The key: an expression (a plain field event.x names the key x in results), or named parts. Goes with the keyed verbs.'),
  processingTime: processingTimeSchema.optional(),
  window: windowSchema.optional(),
  aggregate: z
    .record(z.string().min(1).max(128), aggregateSchema)
    .optional()
    .describe('With window: a result a key and window. Without: a result a key whenever it changes.'),
  rows: rowsSchema.optional(),
  changelog: changelogSchema.optional(),
  dedupe: z.strictObject({ ttl: durationSchema }).optional().describe('Only the first event of a key within ttl of event time goes on.'),
  join: joinSchema.optional().describe('Events of two inputs with one key and near times.'),
  lookup: lookupSchema.optional(),
  machine: machineSchema.optional().describe('An actor a key: a state machine, its guards and assignments in CEL.'),
  pattern: patternSchema.optional().describe('Sequences of events of a key, found by event time (complex event processing).'),
  reduce: z
    .strictObject({
      init: codeSchema,
      step: codeSchema,
      expire: codeSchema.optional(),
      cells: reduceCellsSchema.optional(),
      stateBytesMax: actorStateBytesMax,
    })
    .optional()
    .describe('Jobs in TypeScript only: a plain-function actor (state, event, context) => state. Here: marks of its code.'),
  xstate: z
    .strictObject({
      machine: z.custom<object | string>((value) => (typeof value === 'object' && value !== null) || CODE_MARK.test(String(value)), {
        message: 'must be an XState machine (TypeScript jobs only)',
      }),
      order: actorOrder.default('arrival'),
      unhandled: actorUnhandled.default('deadLetter'),
      stateBytesMax: actorStateBytesMax,
      /** Beside a mark: the states that the machine has (`a.b` for b in a), for who judges an upgrade without its code. */
      states: z.array(z.string().max(1_024)).max(4_096).optional(),
      /** Beside a mark: its actors send each other events. */
      sends: z.boolean().optional(),
    })
    .optional()
    .describe("Jobs in TypeScript only: a machine made with XState's own setup() or createMachine(). Here: the mark of its code."),

  onError: onErrorSchema.optional(),
  state: stateSchema.optional(),
  migrate: z
    .array(migrationSchema)
    .min(1)
    .max(64)
    .optional()
    .describe(
      'Of reduce and machine: how state of older versions becomes that of this one, one after the other. State without migrations has version 1.',
    ),

  bootstrap: z
    .array(referenceSchema)
    .min(1)
    .max(16)
    .optional()
    .describe('Of a stage with keyBy: inputs that end, taken in whole before anything of `from`.'),
  feedback: feedbackSchema.optional(),
  tables: z
    .array(nameSchema)
    .min(1)
    .max(16)
    .optional()
    .describe('Of machine and reduce: tables with `from` that its code reads, as `tables.name[key]`.'),

  partitions: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Partitions of the keyed stage that this begins; fixed for the life of its state.'),
});

export const sinkSchema = z.strictObject({
  name: nameSchema,
  from: referencesSchema,
  file: z
    .strictObject({ path: z.string().min(1).max(4096), format: z.enum(['ndjson']).default('ndjson') })
    .optional()
    .describe('A file under the output folder, one JSON object a line. Not on a cluster: pods have no lasting file system.'),
  nats: z
    .strictObject({
      subject: z.string().min(1).max(255).describe('A subject that only this sink writes.'),
      stream: z.string().max(255).optional().describe('The JetStream stream of that subject; made when absent.'),
      batch: z.int().min(1).max(10_000).default(1).describe('Results a message; as lines when above 1.'),
    })
    .optional()
    .describe('A message a result on a subject.'),
  journal: z
    .strictObject({})
    .optional()
    .describe('No second write: the results stay in the journal of the stage before, readable exactly once.'),
});

export const parameterSchema = z.strictObject({
  name: nameSchema,
  default: z.string().max(4096).optional().describe('Its value when none is given; without a default one must be given.'),
  description: z.string().max(1024).optional(),
});

export const tracingSchema = z.strictObject({
  endpoint: z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^\s/]+(\/\S*)?$/, 'must be the http(s) address of an OTLP collector')
    .optional()
    .describe("An OpenTelemetry collector (OTLP over HTTP), such as http://jaeger:4318. On a cluster the operator's when absent."),
  sampling: z.number().min(0).max(1).optional().describe('Share of events that are traced from their source on. 0.001 when nobody says.'),
});

export const streamJobSpecSchema = z.strictObject({
  description: z.string().max(4096).optional(),
  parameters: z
    .array(parameterSchema)
    .max(64)
    .default([])
    .describe('`${name}` in texts of the spec is replaced by the value of --set name=value or of `values`, or by the default.'),
  partitions: z.int().min(1).max(1024).default(8).describe('Partitions of a keyed stage that does not say.'),
  standbyReplicas: z
    .int()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      '1: the state of each partition is followed by a second worker, which takes over within a second when the first is killed. Costs ' +
        'the memory of one more copy of all state, and reading what keyed stages write once more.',
    ),
  state: diskStateSchema.optional(),
  sources: z.array(sourceSchema).min(1).max(64).describe('Where events come from.'),
  tables: z.array(tableSchema).max(64).default([]).describe('Side inputs that every partition sees whole.'),
  stages: z.array(stageSchema).max(512).default([]).describe('What happens to events: one verb a stage.'),
  sinks: z.array(sinkSchema).max(256).default([]).describe('Where results go.'),
  tracing: tracingSchema
    .optional()
    .describe('Where traces go, and how many. Counts for workers that start from then on; on a cluster they are replaced, one at a time.'),
  ...clusterFields,
});

export const streamJobSchema = z.strictObject({
  apiVersion: z.literal('millrace.dev/v1alpha1'),
  kind: z.literal('StreamJob'),
  metadata: z.looseObject({ name: nameSchema }),
  spec: streamJobSpecSchema,
});

/** A StreamJob with all defaults filled in: what the planner takes. */
export type StreamJob = z.output<typeof streamJobSchema>;
/** As a user may write it, defaults left out. */
export type StreamJobInput = z.input<typeof streamJobSchema>;
export type StreamJobSpec = StreamJob['spec'];
export type StageSpec = StreamJobSpec['stages'][number];
export type SinkSpec = StreamJobSpec['sinks'][number];
export type WorkersSpec = StreamJobSpec['workers'];
export type TracingSpec = z.output<typeof tracingSchema>;
