// Pools: workers of their own for some stages, so that these are scaled, placed and given resources apart from the rest.
//
//   Q1. A stage is in one pool: the one that names it, else the default pool, which `replicas`, `scaling` and `workers` describe.
//   Q2. The name of a pool becomes the end of its Deployment's name, `<job>-worker-<pool>`. It has no part `worker`: so no two jobs
//       and pools of a namespace ever share a name, whatever they are called.

import { z } from 'zod';
import { POOL_NAME } from './pool-names.ts';
import { scalingSchema } from './scaling.ts';
import { workersSchema } from './workers.ts';

export const POOLS_MAX = 16;

const poolNameSchema = z
  .string()
  .max(32)
  .regex(POOL_NAME, 'must be lower-case letters, digits and dashes, start with a letter, and have at most 32 characters');

export const poolWorkersSchema = workersSchema.pick({
  resources: true,
  nodeSelector: true,
  tolerations: true,
  affinity: true,
  priorityClassName: true,
  annotations: true,
});

export const poolSchema = z.strictObject({
  name: poolNameSchema.describe(
    'Becomes part of its Deployment, `<job>-worker-<pool>`; not `default`, and without `worker` between dashes.',
  ),
  stages: z
    .array(z.string().min(1).max(63))
    .min(1)
    .max(128)
    .describe('Names of stages as `millrace plan` shows them: what is fused runs together. A stage is in one pool.'),
  replicas: z.int().min(0).max(1_024).default(1).describe('Worker pods of this pool; 0: its partitions wait, the other pools go on.'),
  scaling: scalingSchema.prefault({}).describe('Whether and how the number of its workers follows the load of its stages.'),
  workers: poolWorkersSchema.default({}).describe('What its pods get; a field that is not given here is that of `spec.workers`.'),
});
export type PoolSpec = z.output<typeof poolSchema>;
export type PoolInput = z.input<typeof poolSchema>;

export const poolsSchema = z
  .array(poolSchema)
  .max(POOLS_MAX)
  .default([])
  .describe('Pools of workers of their own for some stages. Stages that no pool names run in the default pool.');
