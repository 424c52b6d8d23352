// Where events come from: sources, and tables beside them.

import { z } from 'zod';
import { codeSchema } from './code.ts';
import { eventSchemaSchema, eventTimeSchema } from './events.ts';
import { durationSchema, nameSchema } from './names.ts';
import { referenceSchema } from './references.ts';

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

export const sourceIdleSchema = z
  .strictObject({
    after: durationSchema.describe(
      'A split that has had nothing for so long, by the clock, is idle: it holds the watermark of the others back no more, until it has ' +
        'something again. What it has then and is older than the watermark is late.',
    ),
    closeAfter: durationSchema
      .optional()
      .describe(
        'When nothing came for so long, event time of the split goes on as the clock does, so that its last windows close. At least `after`.',
      ),
  })
  .describe('What becomes of event time while a split has nothing.');

export const sourceAlignmentSchema = z
  .strictObject({
    maxDrift: durationSchema.describe(
      'How far, in event time, a split may be ahead of the one that is furthest behind. One that is further ahead is held: not read on until ' +
        'the others have come. Idle splits hold nobody up.',
    ),
    group: nameSchema.optional().describe('Sources with the same group wait for each other. Absent: the splits of this source do.'),
  })
  .describe('Splits go on in step, so that what waits for the watermark stays small.');

export const sourceSchema = z.strictObject({
  name: nameSchema,
  file: fileSourceSchema.optional().describe('Reads a file, from its beginning to its end.'),
  nats: natsSourceSchema.optional().describe('Reads a JetStream stream.'),
  schema: eventSchemaSchema.optional(),
  eventTime: eventTimeSchema.optional(),
  idle: sourceIdleSchema.optional(),
  alignment: sourceAlignmentSchema.optional(),
  maxEventBytes: z.int().min(1).max(8_388_608).default(524_288).describe('A longer event becomes a dead letter.'),
});

/** A side input that every partition sees whole: a file, the same for the whole run, or the newest rows of a stream, or versions of them. */
export const tableSchema = z.strictObject({
  name: nameSchema,
  file: fileSourceSchema.optional().describe('Where its rows are.'),
  from: referenceSchema.optional().describe('Or: a small stream of rows; the newest of a key counts.'),
  bootstrap: referenceSchema.optional().describe('With from: rows that end. Who reads the table takes in all of them first.'),
  asOf: z
    .enum(['eventTime', 'latest'])
    .optional()
    .describe(
      'With from. eventTime (when absent): events wait for the watermark of the rows and see those of their time. latest: they do not wait.',
    ),
  maxWaiting: z
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .describe(
      'With from and asOf eventTime: while so many events or rows of a partition wait, only those are read on for which they wait; what else it ' +
        'reads is under back-pressure. 100000 when absent.',
    ),
  deleted: codeSchema.optional().describe('With from, over `row`: it says that its key is gone.'),
  schema: eventSchemaSchema.optional(),
  key: codeSchema.describe("The row's key, over `row`."),
  at: codeSchema
    .optional()
    .describe("A row's version time, over `row`; makes the table temporal: a lookup finds the newest row at or before its time."),
  validFor: durationSchema.optional().describe('How long a row of a temporal table is valid. Without it: until the next row of its key.'),
  keepFor: durationSchema.optional().describe('With from and at: how long before the watermark a time may be that is looked up.'),
});

export type SourceSpec = z.output<typeof sourceSchema>;
export type TableSpec = z.output<typeof tableSchema>;
export type FileTableSpec = Omit<TableSpec, 'from' | 'bootstrap' | 'asOf' | 'maxWaiting' | 'deleted' | 'keepFor'> & {
  readonly file: FileSourceSpec;
};
/** A table that is a stream. */
export type StreamTableSpec = TableSpec & { readonly from: string };
export type FileSourceSpec = z.output<typeof fileSourceSchema>;
export type NatsSourceSpec = z.output<typeof natsSourceSchema>;
