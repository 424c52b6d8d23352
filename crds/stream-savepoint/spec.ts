// A savepoint: a kept, named set of checkpoints of one job, taken when the object is made.

import { z } from 'zod';
import { nameSchema } from '../stream-job/names.ts';
import { conditionSchema } from '../stream-job/status.ts';

export const streamSavepointSpecSchema = z.strictObject({
  job: nameSchema.describe('The StreamJob of this namespace whose state is kept.'),
  deletionPolicy: z
    .enum(['Retain', 'Delete'])
    .default('Delete')
    .describe('Delete: the kept state goes with this object. Retain: it stays in NATS.'),
});

export const savepointPhases = ['Pending', 'Running', 'Completed', 'Failed'] as const;

export const streamSavepointStatusSchema = z.strictObject({
  observedGeneration: z.int().optional(),
  phase: z.enum(savepointPhases).optional(),
  conditions: z.array(conditionSchema).max(8).optional(),
  revision: z.int().optional().describe('Revision of the job whose state it is.'),
  tasks: z.int().optional().describe('Partitions whose state it holds.'),
  bytes: z.int().optional(),
  takenAt: z.string().max(40).optional(),
  message: z.string().max(1_024).optional(),
});

export const streamSavepointSchema = z.strictObject({
  apiVersion: z.literal('millrace.dev/v1alpha1'),
  kind: z.literal('StreamSavepoint'),
  metadata: z.looseObject({ name: nameSchema }),
  spec: streamSavepointSpecSchema,
});
export type StreamSavepointSpec = z.output<typeof streamSavepointSpecSchema>;
export type StreamSavepointStatus = z.infer<typeof streamSavepointStatusSchema>;
