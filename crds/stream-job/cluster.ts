// What a job says to the cluster: how many workers, how its pods look, how it is upgraded and deleted.
//
// A run on one machine (`millrace run`) checks these fields and has no use for them.
// What pods may be given: workers.ts. Pools of stages: pools.ts.

import { z } from 'zod';
import { durationSchema, nameSchema } from './names.ts';
import { objectNameSchema } from './object-name.ts';
import { poolsSchema } from './pools.ts';
import { scalingSchema } from './scaling.ts';
import { workersSchema } from './workers.ts';

/** Of one bundle. */
export const CODE_MAPS_MAX = 16;

export const upgradeSchema = z.strictObject({
  strategy: z
    .enum(['stateless', 'savepoint', 'last-state'])
    .default('last-state')
    .describe(
      'stateless: state is dropped, sources start over. savepoint: one is taken first. last-state: stages go on with what they have. ' +
        'Never silently another one: where state and declaration disagree, the upgrade is refused.',
    ),
  progressDeadline: durationSchema.default('2m').describe('A new revision that does not progress within this is rolled back.'),
  rollback: z.boolean().default(true).describe('false: a revision that does not progress stays, and the job is Degraded.'),
});

export const jobCodeSchema = z
  .strictObject({
    configMap: objectNameSchema.describe("A ConfigMap in the job's namespace."),
    more: z
      .array(objectNameSchema)
      .max(CODE_MAPS_MAX - 1)
      .optional()
      .describe('ConfigMaps with the rest of a bundle that is too large for one, in order, under the same key.'),
    key: z.string().min(1).max(253).default('job.mjs').describe('Key of the ConfigMap that holds the bundle.'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hex')
      .describe('sha256 of the bundle, hex: a ConfigMap with another content is refused.'),
  })
  .describe('Code of a TypeScript job, as `millrace deploy` and `millrace build` write it: a bundle in a ConfigMap.');

/** Fields of `spec` that concern the cluster only. */
export const clusterFields = {
  replicas: z.int().min(0).max(1_024).default(1).describe('Worker pods (also by kubectl scale); with `pools`, those of the default pool.'),
  scaling: scalingSchema
    .prefault({})
    .describe('Whether and how the number of workers follows the load; with `pools`, of the default pool.'),
  pools: poolsSchema,
  suspend: z.boolean().default(false).describe('true: workers hand in what they have and stop; state stays.'),
  values: z.record(nameSchema, z.string().max(4096)).default({}).describe('Values of parameters, by name.'),
  upgrade: upgradeSchema.prefault({}).describe('How a changed spec takes over.'),
  deletionPolicy: z
    .enum(['Retain', 'Delete'])
    .default('Retain')
    .describe('Retain: journals and checkpoints stay when the StreamJob is deleted. Delete: they go with it, and its dead letters.'),
  restoreFrom: z
    .strictObject({ savepoint: nameSchema })
    .optional()
    .describe('Start with the state of a StreamSavepoint of this namespace; only when the job has no state yet.'),
  code: jobCodeSchema.optional(),
  workers: workersSchema.default({}).describe('What worker pods get. Not a pod template: what is not listed here cannot be set.'),
} as const;
