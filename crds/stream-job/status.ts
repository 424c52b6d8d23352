// What the operator says of a StreamJob: its status, as stored and as `kubectl get` shows it.
//
//   T1. What is not known is `Unknown`, never zero: figures come from workers' reports that are fresh.
//   T2. Bounded: at most STATUS_STAGES_MAX stages, STATUS_DECISIONS_MAX sentences; 32 kB with 100 stages.

import { z } from 'zod';

export const STATUS_STAGES_MAX = 100;
export const STATUS_DECISIONS_MAX = 8;

/** Said where a figure is not known. */
export const UNKNOWN = 'Unknown';

export const phases = [
  'Pending',
  'Starting',
  'Running',
  'Upgrading',
  'RollingBack',
  'Suspending',
  'Suspended',
  'Completed',
  'Failed',
  'Deleting',
] as const;
export type Phase = (typeof phases)[number];

/** Ready: the job is in the state that its spec asks for (reason says which: Running, Completed, Suspended).
 *  Reconciling, Stalled: as kstatus reads them. Degraded: it runs, but not as it should. */
export const conditionTypes = ['Ready', 'Reconciling', 'Stalled', 'Degraded', 'DurabilityDegraded'] as const;
export type ConditionType = (typeof conditionTypes)[number];

export const conditionSchema = z.strictObject({
  type: z.string().max(63),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int(),
  lastTransitionTime: z.string().max(40),
  reason: z.string().max(63),
  message: z.string().max(1_024),
});
export type Condition = z.infer<typeof conditionSchema>;

export const stageStatusSchema = z.strictObject({
  name: z.string().max(63),
  partitions: z.int(),
  /** Partitions that a worker runs now; absent when unknown. */
  running: z.int().optional(),
  /** Events given out upstream and not taken in yet; a count, or Unknown; absent for sources. */
  lag: z.string().max(24).optional(),
  /** Events a second over the last seconds, or Unknown. */
  rate: z.string().max(24),
  /** RFC 3339, `ended`, or Unknown. */
  watermark: z.string().max(40),
  deadLetters: z.int().optional(),
});
export type StageStatus = z.infer<typeof stageStatusSchema>;

/** One declaration that was made to run. */
export const revisionSchema = z.strictObject({
  number: z.int(),
  /** First 16 hex digits of the hash of what was declared (spec without replicas and suspend). */
  hash: z.string().max(64),
  /** metadata.generation that it was made from. */
  generation: z.int(),
});

/** What the operator is about to do, written before it does it: an operator that starts anew goes on from here. */
export const intentSchema = z.strictObject({
  action: z.enum(['deploy', 'upgrade', 'rollback', 'savepoint', 'suspend', 'delete']),
  revision: revisionSchema,
  since: z.string().max(40),
  /** Stages that are started anew by it; the others go on. */
  stages: z.array(z.string().max(63)).max(STATUS_STAGES_MAX).optional(),
});

export const streamJobStatusSchema = z.strictObject({
  observedGeneration: z.int().optional(),
  phase: z.enum(phases).optional(),
  conditions: z.array(conditionSchema).max(16).optional(),
  /** Worker pods that are there, and those that are ready; with `selector` for the scale subresource. */
  replicas: z.int().optional(),
  readyReplicas: z.int().optional(),
  selector: z.string().max(512).optional(),
  /** `2/2`, lag in events, lowest watermark, events a second into the job: what the printer columns show. */
  ready: z.string().max(24).optional(),
  lag: z.string().max(24).optional(),
  watermark: z.string().max(40).optional(),
  rate: z.string().max(24).optional(),
  stages: z.array(stageStatusSchema).max(STATUS_STAGES_MAX).optional(),
  /** Of this run: the same until its state is dropped. */
  runId: z.string().max(64).optional(),
  /** The revision that the workers run, and the last one that was seen to progress. */
  revision: revisionSchema.optional(),
  stableRevision: revisionSchema.optional(),
  /** Hash of a revision that was rolled back: it is not tried again until the spec changes. */
  rejectedHash: z.string().max(64).optional(),
  intent: intentSchema.optional(),
  lastSavepoint: z.strictObject({ name: z.string().max(253), takenAt: z.string().max(40), bytes: z.int() }).optional(),
  /** Last scaling decisions as sentences, newest last. */
  decisions: z.array(z.string().max(256)).max(STATUS_DECISIONS_MAX).optional(),
});
export type StreamJobStatus = z.infer<typeof streamJobStatusSchema>;
export type RevisionStatus = z.infer<typeof revisionSchema>;
export type IntentStatus = z.infer<typeof intentSchema>;
