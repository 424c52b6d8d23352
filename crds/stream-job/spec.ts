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
import { codeSchema, fieldsSchema } from './code.ts';
import { durationSchema, nameSchema } from './names.ts';

export const referenceSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}(\.[a-zA-Z][a-zA-Z0-9_-]{0,62})?$/, 'must be the name of a source or stage, or name.output')
  .max(127)
  .describe('`name`, or `name.output` for a named output of a stage (`late`, or an emitted event of a machine).');

const referencesSchema = z
  .union([referenceSchema, z.array(referenceSchema).min(1).max(64)], {
    error: 'must be the name of a source or stage (or name.output), or a list of them',
  })
  .describe('One input, or a list of several that are merged: names of sources and stages, or `name.output`.');

const CODE_OR_FIELDS = 'must be a CEL expression, or a mapping of field to CEL expression';
const TRANSITIONS = 'must be the name of a target state, a transition, or a list of transitions';
const codeOrFieldsSchema = z.union([codeSchema, fieldsSchema], { error: CODE_OR_FIELDS });

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
  })
  .describe('When an event happened, and how far out of order events come.');

const fileFormat = z.enum(['csv', 'ndjson']);
export const fileSourceSchema = z.strictObject({
  path: z.string().min(1).max(4096).describe('A file; on a cluster below the files of `workers.files`.'),
  format: fileFormat.default('ndjson').describe('csv: the first line names the fields. ndjson: one JSON object a line.'),
  compression: z.enum(['auto', 'none', 'gzip']).default('auto').describe('auto: gzip when the path ends in .gz.'),
  nulls: z.array(z.string().max(64)).max(16).default([]).describe('Texts that mean null in CSV.'),
});

export const natsSourceSchema = z.strictObject({
  stream: z.string().max(255).optional().describe('The JetStream stream to read; found by the subjects when absent.'),
  subjects: z
    .array(z.string().min(1).max(255))
    .min(1)
    .max(1024)
    .describe('Each subject (wildcards allowed) is one split, read by one partition of the source.'),
  startFrom: z.enum(['earliest', 'latest']).default('earliest').describe('Where reading begins when there is no position yet.'),
  bounded: z.boolean().default(false).describe('true: ends at the message that was last when the run began.'),
  format: z.enum(['json', 'ndjson']).default('json').describe('json: one event a message. ndjson: one event a line of a message.'),
});

export const sourceSchema = z.strictObject({
  name: nameSchema,
  file: fileSourceSchema.optional().describe('Reads a file, from its beginning to its end.'),
  nats: natsSourceSchema.optional().describe('Reads a JetStream stream.'),
  schema: eventSchemaSchema.optional(),
  eventTime: eventTimeSchema.optional(),
  maxEventBytes: z.int().min(1).max(8_388_608).default(524_288).describe('A longer event becomes a dead letter.'),
});

/** A bounded side input, loaded whole by every worker, the same version for the whole run. */
export const tableSchema = z.strictObject({
  name: nameSchema,
  file: fileSourceSchema.describe('Where its rows are.'),
  schema: eventSchemaSchema.optional(),
  key: codeSchema.describe("The row's key, over `row`."),
  at: codeSchema
    .optional()
    .describe("A row's version time, over `row`; makes the table temporal: a lookup finds the newest row at or before its time."),
  validFor: durationSchema.optional().describe('How long a row of a temporal table is valid. Without it: until the next row of its key.'),
});

export const enrichSchema = z.strictObject({
  table: nameSchema.describe('The table to look up.'),
  key: codeSchema.describe('The key to look up, over `event`.'),
  at: codeSchema.optional().describe("Temporal tables: the time to look up; the event's time when absent."),
  as: z.string().min(1).max(128).describe('Field of the event that gets the row, or null when there is none.'),
  when: codeSchema.optional().describe('Only events for which this holds; others pass unchanged.'),
});

export const windowSchema = z
  .strictObject({
    tumbling: z
      .strictObject({ size: durationSchema, offset: durationSchema.optional().describe('Shifts where windows begin.') })
      .optional()
      .describe('Windows of one size, one after the other.'),
    sliding: z
      .strictObject({
        size: durationSchema,
        every: durationSchema.describe('A window begins this often.'),
        offset: durationSchema.optional().describe('Shifts where windows begin.'),
      })
      .optional()
      .describe('Windows of one size that overlap.'),
    session: z
      .strictObject({ gap: durationSchema.describe('This long without an event ends a session.') })
      .optional()
      .describe('Events of a key with no gap between them.'),
    allowedLateness: durationSchema
      .optional()
      .describe(
        'How long after its end a window is kept to be corrected: an event that comes by then gives a new result of it. Results then have ' +
          'a field `pane`: onTime for the first at the end, late for what replaces it. Absent: an event after the end is late.',
      ),
    accumulation: z
      .enum(['accumulating', 'retracting'])
      .optional()
      .describe('With allowedLateness. retracting: before a new result the one that it replaces comes once more, as pane `retracted`.'),
  })
  .describe('Exactly one of tumbling, sliding, session; and what of it may come later.');

export const joinSchema = z.strictObject({
  with: referenceSchema.describe('The other input.'),
  key: codeSchema.optional().describe('Its key; the same as keyBy when absent. A filter of the stage is for `from` only.'),
  type: z.enum(['inner', 'left', 'right', 'full']).default('inner').describe('Whose events come out without a match, too.'),
  within: durationSchema.describe('Events match when their times differ by at most this.'),
  select: codeOrFieldsSchema.optional().describe('The joined event, over `left` and `right` (either may be null in outer joins).'),
});

// ---- patterns: sequences of events of one key

const stepName = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z][a-zA-Z0-9_]*$/, 'must be letters, digits and _, and start with a letter');
const innerContiguity = z.enum(['next', 'followedBy', 'followedByAny']);
const stepFields = {
  name: stepName.describe('What matched events of it are called in conditions and results: `matched.NAME`.'),
  contiguity: z
    .enum(['next', 'followedBy', 'followedByAny', 'notNext', 'notFollowedBy'])
    .optional()
    .describe(
      'How it follows the step before. next: at once. followedBy (the default): by the next event that matches. followedByAny: by any that ' +
        'matches. notNext, notFollowedBy: no such event follows at once, or before the next step. The first step has none.',
    ),
  where: codeSchema
    .optional()
    .describe(
      'Which events it takes, over `event`, `matched` (step → its events of this match so far), `key`, `timeMs`. Absent: every event.',
    ),
  times: z
    .strictObject({
      min: z.int().min(1).max(256).default(1),
      max: z.int().min(1).max(256).optional().describe('No bound when absent.'),
    })
    .optional()
    .describe('How often it repeats; once when absent.'),
  optional: z.boolean().default(false).describe('true: matches come without it, too.'),
  greedy: z.boolean().default(false).describe('true: it takes all events that it can before the next step goes on.'),
  inner: innerContiguity.optional().describe('How its repetitions follow each other; followedBy when absent.'),
  until: codeSchema.optional().describe('Ends the repetition: from an event on for which it holds nothing more is taken.'),
  within: durationSchema
    .optional()
    .describe('Less than this after the event before it in the match. Of a last notFollowedBy: how long none may come.'),
};
const innerStepSchema = z.strictObject(stepFields);
/** One step of a pattern; with `steps` it is a group. */
export type PatternStep = z.output<typeof innerStepSchema> & { readonly steps?: PatternStep[] | undefined };
type PatternStepInput = z.input<typeof innerStepSchema> & { readonly steps?: PatternStepInput[] | undefined };
const patternStepSchema: z.ZodType<PatternStep, PatternStepInput> = z.lazy(() =>
  z.strictObject({ ...stepFields, steps: z.array(patternStepSchema).min(1).max(32).optional() }),
);
export const patternSchema = z.strictObject({
  steps: z
    .array(
      z.strictObject({
        ...stepFields,
        steps: z
          .array(patternStepSchema)
          .min(1)
          .max(32)
          .optional()
          .describe('A group: these steps in the place of one. Each may have what a step has, and steps itself.'),
      }),
    )
    .min(1)
    .max(32)
    .describe('The sequence, in order.'),
  within: durationSchema
    .optional()
    .describe('A match takes less than this from its first event to its last; older partial matches time out.'),
  afterMatch: z
    .enum(['noSkip', 'skipToNext', 'skipPastLastEvent', 'skipToFirst', 'skipToLast'])
    .default('noSkip')
    .describe(
      'What a match ends of the others. noSkip: nothing. skipToNext: those that began with the same event. skipPastLastEvent: those that began ' +
        'by its last event. skipToFirst, skipToLast: those that began before the first or last event of the step `skipTo`.',
    ),
  skipTo: stepName.optional().describe('The step of skipToFirst and skipToLast.'),
  select: codeOrFieldsSchema
    .optional()
    .describe("The result, over `matched`, `key`, `startMs`, `endMs`; the key's fields, startMs, endMs and matched when absent."),
  partialMatchesMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('Partial matches that a key may have at once. An event that would make more is a dead letter.'),
});
export type PatternSpec = z.output<typeof patternSchema>;
export type PatternInput = z.input<typeof patternSchema>;

// ---- machines: an XState configuration whose guards, assigns and emitted events are CEL ----

const actionSchema = z.strictObject({
  assign: fieldsSchema.optional().describe('Context field → CEL over `context`, `event`, `key`.'),
  emit: z
    .strictObject({
      output: z
        .string()
        .max(63)
        .regex(/^[a-zA-Z][a-zA-Z0-9_-]*$/, 'must be letters, digits, - and _, and start with a letter'),
      value: codeOrFieldsSchema,
    })
    .optional()
    .describe('An event out of the stage, on the named output.'),
  raise: z
    .strictObject({
      type: z.string().min(1).max(128),
      data: fieldsSchema.optional(),
      delay: codeSchema.optional(),
      id: codeSchema.optional(),
    })
    .optional()
    .describe('An event to this machine itself: at once, or by a durable timer after delay (a duration, or CEL giving ms).'),
  cancel: codeSchema.optional().describe('Cancels the durable timer of that id.'),
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
  initial: z.string().max(255).optional().describe('The state inside that is entered first.'),
  target: z.string().max(255).optional().describe('Of a history state: where it leads when there is no history yet.'),
  on: z
    .record(z.string().min(1).max(255), transitionsSchema)
    .optional()
    .describe('Type of event → target, transition { target, guard, actions, reenter }, or a list of transitions.'),
  always: transitionsSchema.optional().describe('Transitions that are taken at once when their guard holds.'),
  after: z.record(durationSchema, transitionsSchema).optional().describe('Duration → transitions, by a durable timer.'),
  entry: z.array(actionSchema).max(64).optional().describe('What is done when it is entered.'),
  exit: z.array(actionSchema).max(64).optional().describe('What is done when it is left.'),
  onDone: transitionsSchema.optional().describe('Transitions that are taken when its final state is reached.'),
};
const stateSchema: z.ZodType<MachineState> = z.lazy(() =>
  z.strictObject({ ...stateFields, states: z.record(z.string().min(1).max(128), stateSchema).optional() }),
);

const actorOrder = z.enum(['eventTime', 'arrival']);
const actorUnhandled = z.enum(['deadLetter', 'ignore']);
export const machineSchema = z.strictObject({
  order: actorOrder
    .default('arrival')
    .describe('eventTime: events of a key are taken in event-time order (held until the watermark passes them). arrival: as they come.'),
  unhandled: actorUnhandled.default('deadLetter').describe('What becomes of an event that the current state does not handle.'),
  eventType: codeSchema.optional().describe("The event's type, over `event`; its field `type` when absent."),
  context: z.record(z.string().min(1).max(128), z.json()).default({}).describe('Initial context: plain values.'),
  ...stateFields,
  states: z
    .record(z.string().min(1).max(128), stateSchema)
    .describe('States by name. Each may have what the machine has from type to onDone, and states itself.'),
});
export type MachineSpec = z.infer<typeof machineSchema>;

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

  keyBy: codeOrFieldsSchema
    .optional()
    .describe('The key: an expression (a plain field event.x names the key x in results), or named parts. Goes with the keyed verbs.'),
  window: windowSchema.optional(),
  aggregate: z
    .record(z.string().min(1).max(128), aggregateSchema)
    .optional()
    .describe('With window: a result a key and window. Without: a result a key whenever it changes.'),
  dedupe: z.strictObject({ ttl: durationSchema }).optional().describe('Only the first event of a key within ttl of event time goes on.'),
  join: joinSchema.optional().describe('Events of two inputs with one key and near times.'),
  machine: machineSchema.optional().describe('An actor a key: a state machine, its guards and assignments in CEL.'),
  pattern: patternSchema.optional().describe('Sequences of events of a key, found by event time (complex event processing).'),
  reduce: z
    .strictObject({ init: codeSchema, step: codeSchema })
    .optional()
    .describe('Jobs in TypeScript only: a plain-function actor (state, event, context) => state. Here: marks of its code.'),
  xstate: z
    .strictObject({
      machine: z.custom<object | string>((value) => (typeof value === 'object' && value !== null) || CODE_MARK.test(String(value)), {
        message: 'must be an XState machine (TypeScript jobs only)',
      }),
      order: actorOrder.default('arrival'),
      unhandled: actorUnhandled.default('deadLetter'),
      /** Beside a mark: the states that the machine has (`a.b` for b in a), for who judges an upgrade without its code. */
      states: z.array(z.string().max(1_024)).max(4_096).optional(),
    })
    .optional()
    .describe("Jobs in TypeScript only: a machine made with XState's own setup() or createMachine(). Here: the mark of its code."),

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
  sources: z.array(sourceSchema).min(1).max(64).describe('Where events come from.'),
  tables: z.array(tableSchema).max(64).default([]).describe('Bounded side inputs, loaded whole by every worker, for enrich.'),
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
export type SourceSpec = StreamJobSpec['sources'][number];
export type TableSpec = StreamJobSpec['tables'][number];
export type StageSpec = StreamJobSpec['stages'][number];
export type SinkSpec = StreamJobSpec['sinks'][number];
export type EventTimeSpec = z.output<typeof eventTimeSchema>;
export type EnrichSpec = z.output<typeof enrichSchema>;
export type WindowSpec = z.output<typeof windowSchema>;
export type JoinSpec = z.output<typeof joinSchema>;
export type FileSourceSpec = z.output<typeof fileSourceSchema>;
export type NatsSourceSpec = z.output<typeof natsSourceSchema>;
export type EventSchemaSpec = z.output<typeof eventSchemaSchema>;
export type WorkersSpec = StreamJobSpec['workers'];
export type Fields = z.output<typeof fieldsSchema>;
export type TracingSpec = z.output<typeof tracingSchema>;
