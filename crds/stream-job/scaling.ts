// How many workers a job is to have, where it is to find that out by itself.

import { z } from 'zod';
import { durationSchema } from './names.ts';

const paceSchema = (defaults: { readonly stabilization: string; readonly period: string; readonly percent?: number }) =>
  z.strictObject({
    stabilization: durationSchema
      .default(defaults.stabilization)
      .describe('How long the need must last: up, the least of what was needed meanwhile is taken; down, the most.'),
    pods: z.int().min(1).max(1_024).optional().describe('At most so many workers within a period.'),
    percent: (defaults.percent === undefined
      ? z.int().min(1).max(1_000).optional()
      : z.int().min(1).max(1_000).default(defaults.percent)
    ).describe('At most so many percent of the workers within a period; with `pods`, the larger of both counts.'),
    period: durationSchema.default(defaults.period).describe('What `pods` and `percent` are counted over.'),
  });

export const scalingSchema = z.strictObject({
  mode: z
    .enum(['Off', 'Recommend', 'Apply'])
    .default('Off')
    .describe(
      'Off: `replicas` says how many workers there are (kubectl scale, HPA, KEDA). Recommend: the same, and the status says what would be ' +
        'better. Apply: the load decides; `replicas` is only what a new job begins with, and 0 stops all workers.',
    ),
  min: z.int().min(1).max(1_024).default(1).describe('At least so many workers while it is awake.'),
  max: z.int().min(1).max(1_024).default(10).describe('At most so many. More than the largest number of partitions are never taken.'),
  targetLag: durationSchema
    .default('10s')
    .describe('How far behind its input it may be, by counts and by event time: a backlog of more makes it larger, and never smaller.'),
  catchUp: durationSchema.default('1m').describe('A backlog is to be worked off within this.'),
  utilization: z.int().min(10).max(95).default(75).describe('How busy a worker is to be, percent of its event loop.'),
  idle: durationSchema
    .optional()
    .describe('No worker runs once no event has come for so long; the first message wakes it. Absent: never. NATS sources only.'),
  hotKeys: z
    .enum(['Show', 'Hide'])
    .default('Show')
    .describe(
      'Whether the key that makes a partition too much for one worker is named in the status and in events, where all who may read the ' +
        'StreamJob see it. Hide: where keys are personal.',
    ),
  behavior: z
    .strictObject({
      scaleUp: paceSchema({ stabilization: '0s', period: '15s' }).prefault({}),
      scaleDown: paceSchema({ stabilization: '5m', period: '1m', percent: 50 }).prefault({}),
    })
    .prefault({})
    .describe('How fast it may change, as of a HorizontalPodAutoscaler.'),
});
export type ScalingSpec = z.infer<typeof scalingSchema>;
