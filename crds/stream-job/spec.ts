// What a user declares: the one schema of a StreamJob.
//
// Source of the TypeScript types, of offline validation and of the CRD's OpenAPI schema.
// The parsed value is also the graph that the TypeScript builder makes: where YAML has a CEL text, the
// builder may have a function (`Code`).
//
//   S1. Whatever a user may write is described here and nowhere else.
//   S2. Every list and text has a bound, so that the CRD stays structural and cheap.

import { z } from 'zod';
import { clusterFields } from './cluster.ts';
import { durationSchema, nameSchema } from './names.ts';

/** A CEL expression (YAML, builder) or a function (builder only). A function gets what the expression's variables name. */
export type Code = string | ((...args: never[]) => unknown);

/** `name`, or `name.output` for a named output of a stage (`late`, or an emitted event of a machine). */
export const referenceSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}(\.[a-zA-Z][a-zA-Z0-9_-]{0,62})?$/, 'must be the name of a source or stage, or name.output')
  .max(127);

/** One input, or several that are merged. */
const referencesSchema = z.union([referenceSchema, z.array(referenceSchema).min(1).max(64)], {
  error: 'must be the name of a source or stage (or name.output), or a list of them',
});

export const codeSchema = z
  .custom<Code>((value) => (typeof value === 'string' && value.length > 0 && value.length <= 4096) || typeof value === 'function', {
    message: 'must be a CEL expression (a text of at most 4096 characters)',
  })
  .meta({ id: 'Code', description: 'CEL expression' });

/** Field name → CEL expression. Order is kept. */
export const fieldsSchema = z.record(z.string().min(1).max(128), codeSchema);

const CODE_OR_FIELDS = 'must be a CEL expression, or a mapping of field to CEL expression';
const TRANSITIONS = 'must be the name of a target state, a transition, or a list of transitions';
const codeOrFieldsSchema = z.union([codeSchema, fieldsSchema], { error: CODE_OR_FIELDS });

const fieldTypeName = z.enum(['string', 'int', 'double', 'bool', 'timestamp', 'any']);
/** A field's type. `nullable`: may be null or missing. */
export const fieldSchema = z.union(
  [
    fieldTypeName,
    z.strictObject({ type: fieldTypeName, nullable: z.boolean().default(false), description: z.string().max(1024).optional() }),
  ],
  { error: 'must be a field type, or a mapping with type and nullable' },
);
/** Field name → type. Fields that are not named stay in the event as they are, but expressions over a source's events may
 *  name only declared ones (type `any` for what has no fixed type). Expressions over a table's rows may name others too. */
export const eventSchemaSchema = z.record(z.string().min(1).max(128), fieldSchema);

/** When an event happened, and how far out of order events come. */
export const eventTimeSchema = z.strictObject({
  /** Timestamp, or milliseconds since the epoch. */
  at: codeSchema,
  /** The watermark stays this far behind the highest time seen. */
  maxOutOfOrder: durationSchema.default('0s'),
});

const fileFormat = z.enum(['csv', 'ndjson']);
export const fileSourceSchema = z.strictObject({
  path: z.string().min(1).max(4096),
  format: fileFormat.default('ndjson'),
  compression: z.enum(['auto', 'none', 'gzip']).default('auto'),
  /** Texts that mean null in CSV. */
  nulls: z.array(z.string().max(64)).max(16).default([]),
});

export const natsSourceSchema = z.strictObject({
  /** The JetStream stream to read; found by the subjects when absent. */
  stream: z.string().max(255).optional(),
  /** Each subject (wildcards allowed) is one split, read by one partition of the source. */
  subjects: z.array(z.string().min(1).max(255)).min(1).max(1024),
  startFrom: z.enum(['earliest', 'latest']).default('earliest'),
  /** true: ends at the message that was last when the run began. */
  bounded: z.boolean().default(false),
  /** json: one event a message. ndjson: one event a line of a message. */
  format: z.enum(['json', 'ndjson']).default('json'),
});

export const sourceSchema = z.strictObject({
  name: nameSchema,
  file: fileSourceSchema.optional(),
  nats: natsSourceSchema.optional(),
  schema: eventSchemaSchema.optional(),
  eventTime: eventTimeSchema.optional(),
  maxEventBytes: z.int().min(1).max(8_388_608).default(524_288),
});

/** A bounded side input, loaded whole by every worker, the same version for the whole run. */
export const tableSchema = z.strictObject({
  name: nameSchema,
  file: fileSourceSchema,
  schema: eventSchemaSchema.optional(),
  /** The row's key, over `row`. */
  key: codeSchema,
  /** A row's version time, over `row`; makes the table temporal: a lookup finds the newest row at or before its time. */
  at: codeSchema.optional(),
  /** How long a row of a temporal table is valid. Without it: until the next row of its key. */
  validFor: durationSchema.optional(),
});

export const enrichSchema = z.strictObject({
  table: nameSchema,
  key: codeSchema,
  /** Temporal tables: the time to look up; the event's time when absent. */
  at: codeSchema.optional(),
  /** Field of the event that gets the row, or null when there is none. */
  as: z.string().min(1).max(128),
  /** Only events for which this holds; others pass unchanged. */
  when: codeSchema.optional(),
});

export const windowSchema = z.strictObject({
  tumbling: z.strictObject({ size: durationSchema, offset: durationSchema.optional() }).optional(),
  sliding: z.strictObject({ size: durationSchema, every: durationSchema, offset: durationSchema.optional() }).optional(),
  session: z.strictObject({ gap: durationSchema }).optional(),
});

const valueAggregate = codeSchema.optional();
export const topSchema = z.strictObject({
  /** How many: the highest ones, the highest first; of equal ranks the earlier. */
  limit: z.int().min(1).max(1_000),
  /** The rank: a number, text or boolean, or a list of them, of which the first that differ decide. */
  by: codeSchema,
  /** What is kept of each. */
  value: codeSchema,
  /** true: all that rank as high as the last one, too. */
  ties: z.boolean().default(false),
});
/** One aggregate: exactly one function; `where` counts in only the events for which it holds. */
export const aggregateSchema = z.strictObject({
  count: z.strictObject({}).optional(),
  sum: valueAggregate,
  min: valueAggregate,
  max: valueAggregate,
  mean: valueAggregate,
  first: valueAggregate,
  last: valueAggregate,
  collect: valueAggregate,
  distinct: valueAggregate,
  /** A list of values. */
  top: topSchema.optional(),
  where: codeSchema.optional(),
});

export const joinSchema = z.strictObject({
  /** The other input. */
  with: referenceSchema,
  /** Its key; the same as keyBy when absent. A `filter` of the stage is for `from` only. */
  key: codeSchema.optional(),
  type: z.enum(['inner', 'left', 'right', 'full']).default('inner'),
  /** Events match when their times differ by at most this. */
  within: durationSchema,
  /** The joined event, over `left` and `right` (either may be null in outer joins). */
  select: codeOrFieldsSchema.optional(),
});

// ---- machines: an XState configuration whose guards, assigns and emitted events are CEL ----

const actionSchema = z.strictObject({
  /** Context field → CEL over `context`, `event`, `key`. */
  assign: fieldsSchema.optional(),
  /** An event out of the stage, on the named output. */
  emit: z
    .strictObject({
      output: z
        .string()
        .max(63)
        .regex(/^[a-zA-Z][a-zA-Z0-9_-]*$/, 'must be letters, digits, - and _, and start with a letter'),
      value: codeOrFieldsSchema,
    })
    .optional(),
  /** An event to this machine itself: at once, or by a durable timer after `delay` (a duration, or CEL giving ms). */
  raise: z
    .strictObject({
      type: z.string().min(1).max(128),
      data: fieldsSchema.optional(),
      delay: codeSchema.optional(),
      id: codeSchema.optional(),
    })
    .optional(),
  /** Cancels the durable timer of that id. */
  cancel: codeSchema.optional(),
});
export type MachineAction = z.infer<typeof actionSchema>;

const transitionSchema = z.strictObject({
  target: z
    .union([z.string().max(255), z.array(z.string().max(255)).max(16)], { error: 'must be the name of a target state, or a list of them' })
    .optional(),
  guard: codeSchema.optional(),
  actions: z.array(actionSchema).max(64).optional(),
  reenter: z.boolean().optional(),
});
export type MachineTransition = z.infer<typeof transitionSchema>;
const transitionsSchema = z.union([z.string().max(255), transitionSchema, z.array(transitionSchema).max(64)], { error: TRANSITIONS });

export type MachineState = {
  type?: 'atomic' | 'compound' | 'parallel' | 'final' | 'history' | undefined;
  history?: 'shallow' | 'deep' | undefined;
  initial?: string | undefined;
  target?: string | undefined;
  states?: Record<string, MachineState> | undefined;
  on?: Record<string, z.infer<typeof transitionsSchema>> | undefined;
  always?: z.infer<typeof transitionsSchema> | undefined;
  /** Duration → transition, by a durable timer. */
  after?: Record<string, z.infer<typeof transitionsSchema>> | undefined;
  entry?: MachineAction[] | undefined;
  exit?: MachineAction[] | undefined;
  onDone?: z.infer<typeof transitionsSchema> | undefined;
};
const stateFields = {
  type: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']).optional(),
  history: z.enum(['shallow', 'deep']).optional(),
  initial: z.string().max(255).optional(),
  target: z.string().max(255).optional(),
  on: z.record(z.string().min(1).max(255), transitionsSchema).optional(),
  always: transitionsSchema.optional(),
  after: z.record(durationSchema, transitionsSchema).optional(),
  entry: z.array(actionSchema).max(64).optional(),
  exit: z.array(actionSchema).max(64).optional(),
  onDone: transitionsSchema.optional(),
};
const stateSchema: z.ZodType<MachineState> = z.lazy(() =>
  z.strictObject({ ...stateFields, states: z.record(z.string().min(1).max(128), stateSchema).optional() }),
);

const actorOrder = z.enum(['eventTime', 'arrival']);
const actorUnhandled = z.enum(['deadLetter', 'ignore']);
export const machineSchema = z.strictObject({
  /** eventTime: events of a key are taken in event-time order (held until the watermark passes them); arrival: as they come. */
  order: actorOrder.default('arrival'),
  /** What becomes of an event that the current state does not handle. */
  unhandled: actorUnhandled.default('deadLetter'),
  /** The event's type, over `event`; its field `type` when absent. */
  eventType: codeSchema.optional(),
  /** Initial context: plain values. */
  context: z.record(z.string().min(1).max(128), z.json()).default({}),
  ...stateFields,
  states: z.record(z.string().min(1).max(128), stateSchema),
});
export type MachineSpec = z.infer<typeof machineSchema>;

/** Fields of a stage that only the TypeScript builder can fill: never suggested to who writes YAML, not in the CRD. */
export const BUILDER_FIELDS: readonly string[] = ['reduce', 'xstate'];

export const stageSchema = z.strictObject({
  name: nameSchema,
  /** One input, or several that are merged. */
  from: referencesSchema,
  /** Alone, or before any of the verbs below: only events for which it holds go on. */
  filter: codeSchema.optional(),

  // exactly one verb (filter alone counts as one)
  map: codeOrFieldsSchema.optional(),
  /** A CEL list, or a list of events of which those whose `when` holds are emitted, in order. */
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
    .optional(),
  eventTime: eventTimeSchema.optional(),
  enrich: z.array(enrichSchema).min(1).max(16).optional(),
  sample: z.strictObject({ ratio: z.number().min(0).max(1), by: codeSchema.optional() }).optional(),

  /** The key: an expression (a plain field `event.x` names the key x in results), or named parts. Goes with the keyed verbs below. */
  keyBy: codeOrFieldsSchema.optional(),
  window: windowSchema.optional(),
  /** With `window`: a result a key and window. Without: a result a key whenever it changes. */
  aggregate: z.record(z.string().min(1).max(128), aggregateSchema).optional(),
  /** Only the first event of a key within `ttl` of event time goes on. */
  dedupe: z.strictObject({ ttl: durationSchema }).optional(),
  join: joinSchema.optional(),
  machine: machineSchema.optional(),
  /** Builder only: a plain-function actor `(state, event, context) => state`. */
  reduce: z.strictObject({ init: codeSchema, step: codeSchema }).optional(),
  /** Builder only: a machine made with xstate's own setup()/createMachine(). Its outputs are the types of what it emits. */
  xstate: z
    .strictObject({
      machine: z.custom<object>((value) => typeof value === 'object' && value !== null, {
        message: 'must be an XState machine (TypeScript jobs only)',
      }),
      order: actorOrder.default('arrival'),
      unhandled: actorUnhandled.default('deadLetter'),
    })
    .optional(),

  /** Partitions of the keyed stage that this begins; fixed for the life of its state. */
  partitions: z.int().min(1).max(1024).optional(),
});

export const sinkSchema = z.strictObject({
  name: nameSchema,
  from: referencesSchema,
  /** A file under the output folder, one JSON object a line. */
  file: z.strictObject({ path: z.string().min(1).max(4096), format: z.enum(['ndjson']).default('ndjson') }).optional(),
  /** A message a result on a subject that only this sink writes. `batch` lines a message when above 1. */
  nats: z
    .strictObject({
      subject: z.string().min(1).max(255),
      stream: z.string().max(255).optional(),
      batch: z.int().min(1).max(10_000).default(1),
    })
    .optional(),
  /** No second write: the results stay in the journal of the stage before, readable exactly once. */
  journal: z.strictObject({}).optional(),
});

export const parameterSchema = z.strictObject({
  name: nameSchema,
  default: z.string().max(4096).optional(),
  description: z.string().max(1024).optional(),
});

export const streamJobSpecSchema = z.strictObject({
  description: z.string().max(4096).optional(),
  /** `${name}` in any text of the spec is replaced by the value of `--set name=value`, or the default. */
  parameters: z.array(parameterSchema).max(64).default([]),
  /** Partitions of a keyed stage that does not say. */
  partitions: z.int().min(1).max(1024).default(8),
  sources: z.array(sourceSchema).min(1).max(64),
  tables: z.array(tableSchema).max(64).default([]),
  stages: z.array(stageSchema).max(512).default([]),
  sinks: z.array(sinkSchema).max(256).default([]),
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
export type SourceSpec = StreamJobSpec['sources'][number];
export type TableSpec = StreamJobSpec['tables'][number];
export type StageSpec = StreamJobSpec['stages'][number];
export type SinkSpec = StreamJobSpec['sinks'][number];
export type EventTimeSpec = z.output<typeof eventTimeSchema>;
export type EnrichSpec = z.output<typeof enrichSchema>;
export type WindowSpec = z.output<typeof windowSchema>;
export type AggregateSpec = z.output<typeof aggregateSchema>;
export type TopSpec = z.output<typeof topSchema>;
export type JoinSpec = z.output<typeof joinSchema>;
export type FileSourceSpec = z.output<typeof fileSourceSchema>;
export type NatsSourceSpec = z.output<typeof natsSourceSchema>;
export type EventSchemaSpec = z.output<typeof eventSchemaSchema>;
export type WorkersSpec = StreamJobSpec['workers'];
export type Fields = z.output<typeof fieldsSchema>;
