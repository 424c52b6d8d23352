// What a job says to the cluster: how many workers, how its pods look, how it is upgraded and deleted.
//
// A run on one machine (`millrace run`) checks these fields and has no use for them.
//   C1. No free-form pod template: what a pod may be given is listed here, the rest is Millrace's promise.
//   C2. What comes from other objects is named within the job's own namespace.

import { z } from 'zod';
import { durationSchema, nameSchema } from './names.ts';
import { scalingSchema } from './scaling.ts';

/** Kubernetes' own names: lower case, digits, dashes, dots. */
export const objectNameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be the name of a Kubernetes object');

const quantity = z
  .string()
  .max(32)
  .regex(/^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'must be a Kubernetes quantity such as 500m or 256Mi');
const labelKey = z.string().min(1).max(317);
const labelValue = z.string().max(63);

export const resourcesSchema = z.strictObject({
  requests: z.strictObject({ cpu: quantity.optional(), memory: quantity.optional() }).optional(),
  limits: z.strictObject({ cpu: quantity.optional(), memory: quantity.optional() }).optional(),
});

export const tolerationSchema = z.strictObject({
  key: labelKey.optional(),
  operator: z.enum(['Equal', 'Exists']).optional(),
  value: labelValue.optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().min(0).optional(),
});

export const envSchema = z.strictObject({
  name: z
    .string()
    .max(128)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable'),
  value: z.string().max(4096).optional(),
  secret: z
    .strictObject({ name: objectNameSchema, key: z.string().min(1).max(253) })
    .optional()
    .describe("A key of a Secret in the job's namespace."),
});

export const filesSchema = z.strictObject({ configMap: objectNameSchema.describe("A ConfigMap in the job's namespace.") });

export const egressSchema = z.strictObject({
  cidr: z
    .string()
    .max(49)
    .regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/, 'must be a range of addresses such as 10.1.0.0/16'),
  ports: z.array(z.int().min(1).max(65_535)).max(32).optional().describe('All ports when absent.'),
});

export const workersSchema = z.strictObject({
  image: z.string().min(1).max(512).optional().describe("Worker image; the operator's default when absent."),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
  imagePullSecrets: z.array(objectNameSchema).max(16).optional().describe("Secrets in the job's namespace."),
  resources: resourcesSchema.optional().describe('Requests and limits of cpu and memory of a worker.'),
  nodeSelector: z.record(labelKey, labelValue).optional().describe('Labels that a node must have.'),
  tolerations: z.array(tolerationSchema).max(32).optional().describe('Taints of nodes that workers accept.'),
  affinity: z
    .record(z.string().max(63), z.json())
    .optional()
    .describe('As of a pod (nodeAffinity, podAffinity, podAntiAffinity); the API server checks it when the pod is made.'),
  priorityClassName: objectNameSchema.optional(),
  annotations: z.record(labelKey, z.string().max(4096)).optional().describe('Annotations of worker pods.'),
  env: z.array(envSchema).max(64).optional().describe("The worker's environment: a value, or a key of a Secret in the job's namespace."),
  files: z
    .array(filesSchema)
    .max(16)
    .optional()
    .describe("Files for bounded sources and tables: keys of ConfigMaps in the job's namespace; paths in the job start there."),
  egress: z.array(egressSchema).max(64).optional().describe('Where workers may connect to besides NATS, DNS and the trace collector.'),
});

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
    key: z.string().min(1).max(253).default('job.mjs').describe('Key of the ConfigMap that holds the bundle.'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hex')
      .describe('sha256 of the bundle, hex: a ConfigMap with another content is refused.'),
  })
  .describe('Code of a TypeScript job, as `millrace deploy` and `millrace build` write it: a bundle in a ConfigMap.');

/** Fields of `spec` that concern the cluster only. */
export const clusterFields = {
  replicas: z.int().min(0).max(1_024).default(1).describe('Worker pods (also by kubectl scale).'),
  scaling: scalingSchema.prefault({}).describe('Whether and how the number of workers follows the load.'),
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
