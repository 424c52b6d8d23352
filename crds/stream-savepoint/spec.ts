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
  observedGeneration: z.int().optional().describe('Generation of the spec that this status is of.'),
  phase: z
    .enum(savepointPhases)
    .optional()
    .describe('Pending: not begun. Running: state is being copied. Completed: it can be restored from. Failed: the message says why.'),
  conditions: z.array(conditionSchema).max(8).optional().describe('Ready, Reconciling, Stalled.'),
  revision: z.int().optional().describe('Revision of the job whose state it is.'),
  tasks: z.int().optional().describe('Partitions whose state it holds.'),
  bytes: z.int().optional().describe('Size of the kept state.'),
  takenAt: z.string().max(40).optional().describe('When it was complete.'),
  message: z.string().max(1_024).optional().describe('How far it is, what it waits for, or why it failed.'),
});

export const streamSavepointSchema = z.strictObject({
  apiVersion: z.literal('millrace.dev/v1alpha1'),
  kind: z.literal('StreamSavepoint'),
  metadata: z.looseObject({ name: nameSchema }),
  spec: streamSavepointSpecSchema,
});
export type StreamSavepointSpec = z.output<typeof streamSavepointSpecSchema>;
export type StreamSavepointStatus = z.infer<typeof streamSavepointStatusSchema>;
