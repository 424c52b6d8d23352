// What worker pods may be given.
//
//   C1. No free-form pod template: what a pod may be given is listed here, the rest is Millrace's promise.
//   C2. What comes from other objects is named within the job's own namespace.

import { z } from 'zod';
import { objectNameSchema } from './object-name.ts';

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
